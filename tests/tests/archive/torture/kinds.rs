//! Every type of node, every permission, and owners that few systems have.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Result;
use rustix::fs::{FileType, makedev};

use super::put;

/// The largest ids that fit seven octal digits and one more; the largest that are ids at
/// all, as chown(2) takes 2^32 - 1 for "leave it".
const IDS: [u32; 4] = [2_097_151, 2_097_152, 3_000_000, u32::MAX - 1];

pub(super) fn plant(root: &Path) -> Result<()> {
    plant_modest(root)?;
    IDS.iter().try_for_each(|id| owned(root, *id))
}

/// With owners that any format can say.
pub(super) fn plant_modest(root: &Path) -> Result<()> {
    types(root)?;
    for mode in [
        0o0000, 0o0400, 0o0777, 0o1755, 0o2755, 0o4755, 0o6711, 0o7777,
    ] {
        let (file, directory) = (
            root.join(format!("file-{mode:04o}")),
            root.join(format!("directory-{mode:04o}")),
        );
        fs::write(&file, b"#!/bin/sh\n")?;
        put::mode(&file, mode)?;
        fs::create_dir(&directory)?;
        fs::write(directory.join("below"), b"")?;
        put::mode(&directory, mode)?;
    }
    owned(root, 65_534)?;
    inherited(root)
}

fn types(root: &Path) -> Result<()> {
    fs::write(root.join("file"), b"content\n")?;
    symlink("file", root.join("symlink"))?;
    put::fifo(&root.join("fifo"))?;
    let device =
        |name: &str, kind, major, minor| put::device(&root.join(name), kind, makedev(major, minor));
    device("null", FileType::CharacterDevice, 1, 3)?;
    // The 9 bits of major and 18 of minor that XFS takes, xfs_vn_mknod of fs/xfs/xfs_iops.c.
    device("character-most", FileType::CharacterDevice, 511, 262_143)?;
    device("block", FileType::BlockDevice, 259, 70_000)
}

/// A file, a directory, a symlink and a FIFO of one owner and another group.
fn owned(root: &Path, id: u32) -> Result<()> {
    let path = |what: &str| root.join(format!("{what}-of-{id}"));
    fs::write(path("file"), b"")?;
    fs::create_dir(path("directory"))?;
    symlink("file", path("symlink"))?;
    put::fifo(&path("fifo"))?;
    for what in ["file", "directory", "symlink", "fifo"] {
        put::owner(&path(what), id, id - 1)?;
    }
    // Changing the owner clears setuid, so this is lost where the order is wrong.
    put::mode(&path("file"), 0o6755)
}

/// A directory that gives its group to what is made in it, with what has another one.
fn inherited(root: &Path) -> Result<()> {
    let top = root.join("group-giving");
    fs::create_dir(&top)?;
    put::owner(&top, 0, 1234)?;
    put::mode(&top, 0o2775)?;
    fs::create_dir(top.join("directory"))?;
    put::owner(&top.join("directory"), 0, 0)?;
    put::mode(&top.join("directory"), 0o755)?;
    fs::write(top.join("file"), b"")?;
    put::owner(&top.join("file"), 0, 0)
}
