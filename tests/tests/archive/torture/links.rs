//! Symlinks that lead anywhere and nowhere, and nodes of several names.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Result;
use rustix::fs::{AtFlags, CWD, FileType, linkat, makedev};

use super::put;

/// The longest target that XFS takes, XFS_SYMLINK_MAXLEN of fs/xfs/libxfs/xfs_format.h.
const LONGEST_TARGET: usize = 1023;

pub(super) fn plant(root: &Path) -> Result<()> {
    plant_modest(root)?;
    for length in [101, 255, 256, LONGEST_TARGET] {
        symlink("t".repeat(length), root.join(format!("target-of-{length}")))?;
    }
    fs::write(root.join("n".repeat(255)), b"of two long names")?;
    hard_link(&root.join("n".repeat(255)), &root.join("m".repeat(255)))
}

/// With names and targets that any format can say.
pub(super) fn plant_modest(root: &Path) -> Result<()> {
    symlinks(root)?;
    for directory in ["a", "b", "b/deeper", "z"] {
        fs::create_dir(root.join(directory))?;
    }
    fs::write(root.join("b/file"), b"of three names")?;
    symlink("nowhere", root.join("b/symlink"))?;
    put::fifo(&root.join("b/fifo"))?;
    put::device(
        &root.join("b/null"),
        FileType::CharacterDevice,
        makedev(1, 3),
    )?;
    put::device(&root.join("b/disk"), FileType::BlockDevice, makedev(8, 1))?;
    // One name sorts before the first, one after it, one in the same directory.
    for name in ["file", "symlink", "fifo", "null", "disk"] {
        let first = root.join("b").join(name);
        for other in ["a", "b/deeper", "z"] {
            hard_link(&first, &root.join(other).join(format!("{name}-again")))?;
        }
        hard_link(&first, &root.join("b").join(format!("{name}-beside")))?;
    }
    fs::write(root.join("empty"), b"")?;
    hard_link(&root.join("empty"), &root.join("empty-again"))
}

fn symlinks(root: &Path) -> Result<()> {
    let targets: [(&str, &[u8]); 14] = [
        ("dangling", b"nowhere"),
        ("itself", b"itself"),
        ("loop-one", b"loop-two"),
        ("loop-two", b"loop-one"),
        ("absolute", b"/etc/passwd"),
        ("absolute-directory", b"/run"),
        ("up", b"../../../../../../etc"),
        ("to-a-directory", b"b"),
        ("slash-at-the-end", b"b/"),
        ("dot", b"."),
        ("root", b"/"),
        ("not-utf-8", b"\xff\xfe"),
        ("lines", b"one\ntwo"),
        ("spaces", b" -> b "),
    ];
    for (name, target) in targets {
        symlink(OsStr::from_bytes(target), root.join(name))?;
    }
    // As long as the field of a header, POSIX.1-2017, ustar interchange format.
    for length in [99, 100] {
        symlink("t".repeat(length), root.join(format!("target-of-{length}")))?;
    }
    Ok(())
}

/// A further name, also of a symlink.
fn hard_link(from: &Path, to: &Path) -> Result<()> {
    Ok(linkat(CWD, from, CWD, to, AtFlags::empty())?)
}
