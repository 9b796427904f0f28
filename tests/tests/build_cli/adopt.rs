//! `jumpimg adopt`, and what `build` can be asked for besides.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::Case;
use crate::build::build;
use crate::golden::Golden;
use crate::run::{Outcome, jumpimg, outcome};

pub(crate) const CASES: &[Case] = &[
    ("an_adopted_archive_is_the_image_of_its_tree", true, same),
    ("an_image_is_adopted_as_what_it_is", true, image_again),
    ("adopting_leaves_nothing_but_the_image", true, nothing_left),
    ("nobody_else_sees_what_is_unpacked", true, private),
    ("a_damaged_archive_is_refused_by_name", true, damaged),
    (
        "an_entry_that_leaves_the_root_is_refused_by_name",
        true,
        escapes,
    ),
    (
        "strict_refuses_a_socket_and_leaves_no_image",
        false,
        strict_socket,
    ),
];

/// An archive of the golden tree, and a directory for its image.
fn planted(name: &str, options: &[&str]) -> Result<(Golden, PathBuf, PathBuf)> {
    let golden = Golden::new()?;
    let (archive, out) = (golden.path(name), golden.path("out"));
    fs::create_dir(&out)?;
    let mut tar = Command::new("tar");
    tar.args(options).arg("-cf").arg(&archive);
    outcome(tar.arg("-C").arg(golden.root()).arg("."))?.done()?;
    Ok((golden, archive, out))
}

fn adopt(golden: &Golden, archive: &Path, image: &Path, more: &[&str]) -> Result<Outcome> {
    let jumpinit = golden.path("jumpinit");
    let words: [&OsStr; 6] = [
        "adopt".as_ref(),
        archive.as_ref(),
        "-o".as_ref(),
        image.as_ref(),
        "--jumpinit".as_ref(),
        jumpinit.as_ref(),
    ];
    jumpimg(words.into_iter().chain(more.iter().map(AsRef::as_ref)))
}

fn names(directory: &Path) -> Result<Vec<String>> {
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names = fs::read_dir(directory)?
        .map(|entry| entry.map(name))
        .collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn same() -> Result<()> {
    for (name, compression) in [
        ("old.tgz", "--gzip"),
        ("old.tar.xz", "--xz"),
        ("old", "--zstd"),
    ] {
        let options = ["--format=posix", compression];
        let (golden, archive, out) = planted(name, &options)?;
        build(&golden, "j.tar.zst", &[])?.done()?;
        let image = out.join("j.tar.zst");
        let told = adopt(&golden, &archive, &image, &["--kind", "jump"])?.done()?;
        ensure!(told.stdout.contains("jump image j, Debian"), "{told:?}");
        let built = fs::read(golden.path("j.tar.zst"))?;
        ensure!(built == fs::read(&image)?, "{name}: the bytes differ");
    }
    Ok(())
}

fn image_again() -> Result<()> {
    let golden = Golden::new()?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    let (old, one, two) = ("j.tar.zst", "one.tar.zst", "two.tar.zst");
    for (from, to) in [(old, one), (one, two)] {
        let (from, to) = (golden.path(from), golden.path(to));
        let told = adopt(&golden, &from, &to, &["--name", "j"])?.done()?;
        ensure!(told.stdout.contains("jump image j"), "{told:?}");
    }
    // What a build adds to a tree is in its place only in the tree that comes from an image.
    let same = fs::read(golden.path(one))? == fs::read(golden.path(two))?;
    ensure!(same, "the bytes differ");
    Ok(())
}

fn nothing_left() -> Result<()> {
    let (golden, archive, out) = planted("old.tgz", &["--gzip"])?;
    let image = out.join("new.tar.zst");
    adopt(&golden, &archive, &image, &[])?.done()?;
    ensure!(names(&out)? == ["new.tar.zst"], "{:?}", names(&out)?);
    let other = out.join("other.tar.zst");
    let small = ["--budget", "1KiB"];
    adopt(&golden, &archive, &other, &small)?.failed(3, "over-budget")?;
    adopt(&golden, &archive, &other, &["--dry-run"])?.done()?;
    ensure!(names(&out)? == ["new.tar.zst"], "{:?}", names(&out)?);
    Ok(())
}

/// While the archive is still being read, from a pipe that does not end.
fn private() -> Result<()> {
    let (golden, archive, out) = planted("old.tar", &[])?;
    let pipe = golden.path("pipe");
    outcome(Command::new("mkfifo").arg(&pipe))?.done()?;
    let mut adopting = Command::new(jump_tests::bin("jumpimg"));
    adopting
        .arg("adopt")
        .arg(&pipe)
        .arg("-o")
        .arg(out.join("new"));
    let mut adopting = adopting.spawn()?;
    // It opens once the other end is opened, too, and takes all but the end.
    let mut writer = fs::File::options().write(true).open(&pipe)?;
    let bytes = fs::read(archive)?;
    std::io::Write::write_all(&mut writer, &bytes)?;
    let scratch = loop {
        let made = names(&out)?
            .into_iter()
            .find(|name| name.starts_with(".jump-adopt-"));
        match made {
            Some(name) => break out.join(name),
            None if adopting.try_wait()?.is_some() => anyhow::bail!("it ended"),
            None => std::thread::yield_now(),
        }
    };
    let mode = fs::metadata(&scratch)?.permissions().mode() & 0o7777;
    drop(writer);
    ensure!(adopting.wait()?.success(), "it failed");
    ensure!(mode == 0o700, "{mode:o}");
    ensure!(names(&out)? == ["new"], "{:?}", names(&out)?);
    Ok(())
}

fn damaged() -> Result<()> {
    let (golden, archive, out) = planted("old.tgz", &["--gzip"])?;
    let bytes = fs::read(&archive)?;
    fs::write(&archive, &bytes[..bytes.len() / 2])?;
    let told = adopt(&golden, &archive, &out.join("new"), &[])?;
    told.failed(3, "gzip data is damaged or cut short")?;
    fs::write(&archive, "something else")?;
    let told = adopt(&golden, &archive, &out.join("new"), &[])?;
    told.failed(3, "not-an-archive")?;
    ensure!(names(&out)?.is_empty(), "{:?}", names(&out)?);
    Ok(())
}

fn escapes() -> Result<()> {
    let options = ["--transform", "s,^./etc/ssh/sshd_config$,../evil,", "-P"];
    let (golden, archive, out) = planted("old.tar", &options)?;
    let told = adopt(&golden, &archive, &out.join("new"), &[])?;
    told.failed(3, "../evil: path leaves the root")?;
    ensure!(names(&out)?.is_empty(), "{:?}", names(&out)?);
    Ok(())
}

fn strict_socket() -> Result<()> {
    let golden = Golden::new()?;
    build(&golden, "still.tar.zst", &["--strict"])?.done()?;
    let _listening = UnixListener::bind(golden.root().join("socket"))?;
    let told = build(&golden, "new.tar.zst", &["--strict"])?;
    told.failed(3, "no archive can hold sockets, of which it has 1")?;
    ensure!(!golden.path("new.tar.zst").exists(), "an image was left");
    Ok(())
}
