//! Gives a new node its owner, extended attributes, mode and time, in that order.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{self, AtFlags, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};

use crate::entry::{Entry, EntryKind};
use crate::error::{Result, io_error};

/// To an open file or directory.
pub(super) fn apply(node: BorrowedFd<'_>, entry: &Entry) -> Result<()> {
    let path = &entry.path;
    let (uid, gid) = owner(entry);
    fs::fchown(node, Some(uid), Some(gid)).map_err(io_error(path, "cannot set owner"))?;
    for (name, value) in &entry.xattrs {
        fs::fsetxattr(node, name.as_slice(), value, XattrFlags::empty())
            .map_err(io_error(path, "cannot set extended attribute"))?;
    }
    fs::fchmod(node, Mode::from_raw_mode(entry.mode)).map_err(io_error(path, "cannot set mode"))?;
    fs::futimens(node, &times(entry)).map_err(io_error(path, "cannot set time"))
}

/// To something that cannot be opened, or not without an effect.
pub(super) fn apply_at(parent: BorrowedFd<'_>, name: &[u8], entry: &Entry) -> Result<()> {
    let path = &entry.path;
    let (uid, gid) = owner(entry);
    fs::chownat(
        parent,
        name,
        Some(uid),
        Some(gid),
        AtFlags::SYMLINK_NOFOLLOW,
    )
    .map_err(io_error(path, "cannot set owner"))?;
    for (key, value) in &entry.xattrs {
        // There is no `setxattrat` before Linux 6.13.
        let mut node = format!("/proc/self/fd/{}/", parent.as_raw_fd()).into_bytes();
        node.extend_from_slice(name);
        fs::lsetxattr(node, key.as_slice(), value, XattrFlags::empty())
            .map_err(io_error(path, "cannot set extended attribute"))?;
    }
    if !matches!(entry.kind, EntryKind::Symlink(_)) {
        // It was just made and is no symlink, so nothing is followed.
        fs::chmodat(
            parent,
            name,
            Mode::from_raw_mode(entry.mode),
            AtFlags::empty(),
        )
        .map_err(io_error(path, "cannot set mode"))?;
    }
    fs::utimensat(parent, name, &times(entry), AtFlags::SYMLINK_NOFOLLOW)
        .map_err(io_error(path, "cannot set time"))
}

fn owner(entry: &Entry) -> (Uid, Gid) {
    (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid))
}

fn times(entry: &Entry) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: entry.mtime.seconds,
            tv_nsec: entry.mtime.nanoseconds.into(),
        },
    }
}
