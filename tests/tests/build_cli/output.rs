//! The file that a build writes: whole or not there at all, and not a trace of it beside.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use xtask::vm::{Mount, until};

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
        .args(["-INT", &child.id().to_string()])
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
