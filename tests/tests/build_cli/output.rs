//! The file that a build writes: whole or not there at all, and not a trace of it beside.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use jumplab::vm::{Mount, until};

use crate::Case;
use crate::build::{arguments, build, list};
use crate::golden::Golden;
use crate::run::{command, jumpimg, outcome_of};

pub(crate) const CASES: &[Case] = &[
    ("the_image_is_not_in_itself", false, output_inside),
    ("ctrl_c_leaves_the_image_that_was_there", false, interrupted),
    (
        "what_an_image_says_of_itself_does_nothing_to_the_terminal",
        false,
        terminal,
    ),
    (
        "an_image_is_its_owners_alone_unless_asked",
        false,
        permissions,
    ),
    ("what_is_no_regular_file_is_never_replaced", false, no_file),
    (
        "a_closed_terminal_leaves_no_unfinished_file",
        false,
        hang_up,
    ),
    ("a_full_stdout_is_told_and_is_no_panic", false, full_stdout),
    (
        "a_full_file_system_is_told_by_the_output",
        true,
        no_space_left,
    ),
];

/// Files that take a while at the highest level.
const FILES: usize = 64;
/// Bytes of each.
const LENGTH: usize = 1 << 20;
const SLOW: &[&str] = &["--level", "19"];

fn output_inside() -> Result<()> {
    let golden = Golden::new()?;
    build(&golden, "root/etc/image.tar.zst", &[])?.done()?;
    build(&golden, "root/etc/image.tar.zst", &[])?.done()?;
    let paths = list(&golden, "root/etc/image.tar.zst")?;
    ensure!(
        !paths.iter().any(|path| path.contains("image.tar")),
        "{paths:?}"
    );
    Ok(())
}

/// Puts files into the golden tree that differ and are slow to compress: the products of a
/// multiplicative hash (Knuth, The Art of Computer Programming, 6.4).
fn put_much(golden: &Golden) -> Result<()> {
    for file in 0..FILES {
        let numbers = file * LENGTH..file * LENGTH + LENGTH / 8;
        let content: Vec<u8> = numbers
            .flat_map(|number| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44).to_le_bytes())
            .collect();
        golden.put(&format!("usr/lib/much/{file}"), &content)?;
    }
    Ok(())
}

fn interrupted() -> Result<()> {
    stopped_by("INT")
}

fn stopped_by(signal: &str) -> Result<()> {
    let golden = Golden::new()?;
    put_much(&golden)?;
    let folder = golden.path("out");
    fs::create_dir(&folder)?;
    fs::write(golden.path("out/image.tar.zst"), "an older one")?;
    let child = command(arguments(&golden, "out/image.tar.zst", SLOW))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    until("it writes", Duration::from_mins(1), || {
        Ok(names(&folder)?.len() > 1)
    })?;
    let sent = Command::new("kill")
        .args(["-s", signal, &child.id().to_string()])
        .status()?;
    ensure!(sent.success());
    outcome_of(&child.wait_with_output()?).failed(130, "interrupted; nothing was built")?;
    ensure!(names(&folder)? == ["image.tar.zst"]);
    ensure!(fs::read(golden.path("out/image.tar.zst"))? == b"an older one");
    Ok(())
}

fn no_space_left() -> Result<()> {
    let golden = Golden::new()?;
    put_much(&golden)?;
    let full = Mount::new(
        Path::new("none"),
        &golden.path("full"),
        &["-t", "tmpfs", "-o", "size=128k"],
    )?;
    let output = golden.path("full/image.tar.zst");
    let refused = jumpimg(arguments(&golden, "full/image.tar.zst", &[]))?;
    let refused = refused.failed(
        1,
        &format!("error: {}: cannot write the image: ", output.display()),
    )?;
    for text in ["No space left on device", "hint: free space there"] {
        ensure!(refused.stderr.contains(text), "{refused:?}");
    }
    ensure!(names(full.path())?.is_empty(), "something is left");
    full.unmount()
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Ok(entry?.file_name().to_string_lossy().into_owned())
    };
    fs::read_dir(folder)?.map(name).collect()
}

/// The name of an operating system that clears the screen and sets the clipboard (OSC 52).
const HOSTILE: &[u8] = b"ID=debian\nPRETTY_NAME=\"x\x1b[2J\x1b]52;c;eA==\x07\xc2\x9b2J\"\n";

fn terminal() -> Result<()> {
    let golden = Golden::new()?;
    golden.put("usr/lib/os-release", HOSTILE)?;
    golden.put("usr/share/doc/\x1b]2;x\x07", &vec![7; 1 << 20])?;
    let image = golden.path("image.tar.zst").display().to_string();
    let built = build(&golden, "image.tar.zst", &["--color", "always"])?;
    let dry = build(&golden, "other", &["--color", "always", "--dry-run"])?;
    let over = build(&golden, "other", &["--color", "always", "--budget", "1KiB"])?;
    let command = |name: &str, more: &[&str]| {
        let always = ["--color", "always", name];
        jumpimg([&always, more, &[&*image]].concat())
    };
    let told = [
        (built, 0),
        (dry, 0),
        (over, 3),
        (command("verify", &[])?, 0),
        (command("verify", &["--json"])?, 0),
        (command("inspect", &[])?, 0),
        (command("inspect", &["--json"])?, 0),
        (command("diff", &["--all", &image])?, 0),
    ];
    for (outcome, code) in told {
        ensure!(outcome.code == Some(code), "{outcome:#?}");
        for said in [&outcome.stdout, &outcome.stderr] {
            ensure!(
                !said.contains("\u{1b}[2") && !said.contains("\u{1b}]"),
                "{outcome:#?}"
            );
            ensure!(!said.contains(['\u{7}', '\u{9b}']), "{outcome:#?}");
        }
    }
    Ok(())
}

fn full_stdout() -> Result<()> {
    let golden = Golden::new()?;
    build(&golden, "image.tar.zst", &[])?.done()?;
    let image = golden.path("image.tar.zst").display().to_string();
    let dry = arguments(&golden, "other", &["--dry-run"]);
    let built = arguments(&golden, "other", &[]);
    let dry: Vec<&str> = dry.iter().map(String::as_str).collect();
    let built: Vec<&str> = built.iter().map(String::as_str).collect();
    for told in [
        &dry[..],
        &built,
        &["verify", &image],
        &["verify", "--json", &image],
        &["inspect", &image],
        &["diff", &image, &image],
    ] {
        let full = fs::File::options().write(true).open("/dev/full")?;
        let outcome = outcome_of(&command(told).stdout(full).output()?);
        outcome.failed(1, "cannot write to stdout")?;
    }
    Ok(())
}

fn permissions() -> Result<()> {
    let golden = Golden::new()?;
    let mode = |name: &str| -> Result<u32> {
        Ok(fs::metadata(golden.path(name))?.permissions().mode() & 0o7777)
    };
    build(&golden, "image.tar.zst", &[])?.done()?;
    build(&golden, "shared.tar.zst", &["--mode", "0640"])?.done()?;
    build(&golden, "image.tgz", &[])?.done()?;
    ensure!(mode("image.tar.zst")? == 0o600 && mode("image.tgz")? == 0o600);
    ensure!(mode("image.tgz.manifest.json")? == 0o600);
    ensure!(mode("shared.tar.zst")? == 0o640);
    build(&golden, "x", &["--mode", "4755"])?.failed(2, "permission bits")?;
    Ok(())
}

fn no_file() -> Result<()> {
    let golden = Golden::new()?;
    let made = Command::new("mkfifo").arg(golden.path("fifo")).status()?;
    ensure!(made.success(), "mkfifo failed");
    fs::create_dir(golden.path("directory"))?;
    symlink("fifo", golden.path("to-fifo"))?;
    symlink("/dev/null", golden.path("to-null"))?;
    symlink("nowhere", golden.path("dangling"))?;
    for name in ["fifo", "directory", "to-fifo", "to-null", "dangling"] {
        let before = fs::symlink_metadata(golden.path(name))?.ino();
        build(&golden, name, &[])?.failed(2, "[output-no-file]")?;
        ensure!(
            fs::symlink_metadata(golden.path(name))?.ino() == before,
            "{name}"
        );
    }
    fs::write(golden.path("real.tar.zst"), "old")?;
    symlink("real.tar.zst", golden.path("link.tar.zst"))?;
    build(&golden, "link.tar.zst", &[])?.done()?;
    ensure!(golden.path("link.tar.zst").is_symlink());
    ensure!(fs::metadata(golden.path("real.tar.zst"))?.len() > 1000);
    Ok(())
}

fn hang_up() -> Result<()> {
    stopped_by("HUP")
}
