//! Gives a new node its owner, extended attributes, mode and time, in that order:
//! chown(2) clears setuid and capabilities.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{self, AtFlags, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};
use rustix::io::Errno;

use super::creator::Creator;
use crate::error::{Result, io_error};
use crate::tar::entry::{Entry, EntryKind};

/// To an open directory, which was made with another mode or was there.
pub(super) fn apply(node: BorrowedFd<'_>, entry: &Entry) -> Result<()> {
    let path = &entry.path;
    let (uid, gid) = owner(entry);
    fs::fchown(node, Some(uid), Some(gid)).map_err(io_error(path, "cannot set owner"))?;
    set_xattrs(node, entry)?;
    fs::fchmod(node, Mode::from_raw_mode(entry.mode)).map_err(io_error(path, "cannot set mode"))?;
    fs::futimens(node, &times(entry)).map_err(io_error(path, "cannot set time"))
}

/// To an open file that `creator` has just made with the entry's mode: what it has
/// already is not set again.
pub(super) fn complete(node: BorrowedFd<'_>, entry: &Entry, creator: &Creator) -> Result<()> {
    let path = &entry.path;
    if creator.must_set_owner(entry) {
        let (uid, gid) = owner(entry);
        fs::fchown(node, Some(uid), Some(gid)).map_err(io_error(path, "cannot set owner"))?;
    }
    if creator.must_drop_acl(entry) {
        match fs::fremovexattr(node, "system.posix_acl_access") {
            Ok(()) | Err(Errno::NODATA) => {}
            Err(error) => return Err(io_error(path, "cannot remove an ACL")(error)),
        }
    }
    set_xattrs(node, entry)?;
    if creator.must_set_mode(entry) {
        fs::fchmod(node, Mode::from_raw_mode(entry.mode))
            .map_err(io_error(path, "cannot set mode"))?;
    }
    fs::futimens(node, &times(entry)).map_err(io_error(path, "cannot set time"))
}

fn set_xattrs(node: BorrowedFd<'_>, entry: &Entry) -> Result<()> {
    for (name, value) in &entry.xattrs {
        fs::fsetxattr(node, name.as_slice(), value, XattrFlags::empty())
            .map_err(io_error(&entry.path, "cannot set extended attribute"))?;
    }
    Ok(())
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
