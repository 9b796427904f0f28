//! Directories that are empty, deep, wide, and further down than a path can say.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, linkat, mkdirat, mknodat, openat, symlinkat,
};

use super::put;

/// Levels of directories.
const DEEP: usize = 1_000;
/// Entries of one directory.
const WIDE: u32 = 100_000;
/// Levels of names of 255 bytes: 5,120 bytes, where PATH_MAX is 4,096.
const FAR: usize = 20;

/// Directories with nothing in them, some of which nobody may enter.
pub(super) fn plant_empty(root: &Path) -> Result<()> {
    for name in ["a", "b", "b/c", "locked"] {
        fs::create_dir(root.join(name))?;
    }
    put::mode(&root.join("locked"), 0)
}

/// A directory in a directory in a directory, with something on many levels.
pub(super) fn plant_deep(root: &Path) -> Result<()> {
    let mut at = open(CWD, root.as_os_str().as_encoded_bytes())?;
    for level in 0..DEEP {
        if level % 50 == 49 {
            write(at.as_fd(), "file", format!("level {level}").as_bytes())?;
        }
        at = enter(&at, b"d")?;
    }
    write(at.as_fd(), "bottom", b"deep down")
}

/// What no path from the root reaches.
pub(super) fn plant_far(root: &Path) -> Result<()> {
    let mut at = open(CWD, root.as_os_str().as_encoded_bytes())?;
    for level in 0..FAR {
        let letter = b"abcdefghijklmnopqrstuvwxyz"[level];
        at = enter(&at, &[letter; 255])?;
    }
    write(at.as_fd(), "file", b"far away")?;
    mkdirat(&at, "empty", Mode::from_raw_mode(0o700))?;
    symlinkat("file", &at, "symlink")?;
    mknodat(&at, "fifo", FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    linkat(&at, "file", &at, "again", AtFlags::empty())?;
    // The second name of a node that is near.
    fs::write(root.join("near"), b"near and far")?;
    linkat(CWD, root.join("near"), &at, "near", AtFlags::empty())?;
    let file = openat(&at, "file", OFlags::RDONLY, Mode::empty())?;
    Ok(rustix::fs::fsetxattr(
        file,
        "user.far",
        b"away",
        rustix::fs::XattrFlags::empty(),
    )?)
}

/// A directory of very many entries, most of them empty files.
pub(super) fn plant_wide(root: &Path) -> Result<()> {
    let at = open(CWD, root.as_os_str().as_encoded_bytes())?;
    for number in 0..WIDE {
        let content = match number % 100 {
            0 => format!("file {number}\n").repeat(20),
            _ => String::new(),
        };
        write(at.as_fd(), &format!("file-{number:06}"), content.as_bytes())?;
    }
    Ok(())
}

fn enter(at: &OwnedFd, name: &[u8]) -> Result<OwnedFd> {
    mkdirat(at, name, Mode::from_raw_mode(0o755))?;
    open(at, name)
}

fn open(at: impl AsFd, name: &[u8]) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(at, name, flags, Mode::empty())?)
}

fn write(at: BorrowedFd<'_>, name: &str, content: &[u8]) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(at, name, flags, Mode::from_raw_mode(0o644)).context("cannot create")?;
    Ok(File::from(file).write_all(content)?)
}
