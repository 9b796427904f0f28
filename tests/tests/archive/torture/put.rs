//! Puts single nodes into a tree.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::lchown;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, chmodat, lsetxattr, mknodat,
    utimensat,
};

/// A regular file, and the directories to it.
pub(super) fn file(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// A named pipe.
pub(super) fn fifo(path: &Path) -> Result<()> {
    device(path, FileType::Fifo, 0)
}

/// A device, or another node that open(2) does not make.
pub(super) fn device(path: &Path, kind: FileType, number: u64) -> Result<()> {
    let mode = Mode::from_raw_mode(0o640);
    mknodat(CWD, path, kind, mode, number)
        .with_context(|| format!("cannot make {}", path.display()))
}

/// Owner and group of the node itself.
pub(super) fn owner(path: &Path, uid: u32, gid: u32) -> Result<()> {
    lchown(path, Some(uid), Some(gid)).with_context(|| format!("cannot own {}", path.display()))
}

/// Permissions, which chown(2) partly clears: set them after the owner.
pub(super) fn mode(path: &Path, mode: u32) -> Result<()> {
    let mode = Mode::from_raw_mode(mode);
    chmodat(CWD, path, mode, AtFlags::empty())
        .with_context(|| format!("cannot set the mode of {}", path.display()))
}

/// An extended attribute of the node itself.
pub(super) fn xattr(path: &Path, name: &str, value: &[u8]) -> Result<()> {
    lsetxattr(path, name, value, XattrFlags::empty())
        .with_context(|| format!("cannot set {name} of {}", path.display()))
}

/// The modification time of the node itself, in seconds since 1970 and nanoseconds after.
pub(super) fn time(at: impl AsFd, path: &[u8], seconds: i64, nanoseconds: i64) -> Result<()> {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(utimensat(at, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
