//! Who makes the entries, and what the kernel gives them unasked: what is right
//! already need not be set.

use std::os::fd::BorrowedFd;

use rustix::fs::{self, Mode};
use rustix::process::{getegid, geteuid};

use crate::error::{Result, io_error};
use crate::tar::entry::Entry;
use crate::tree::xattrs;

/// Bits that the kernel or a chown(2) may clear, and that no half-made file should have.
const SPECIAL: u32 = 0o7000;

/// What new files get.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Creator {
    uid: u32,
    gid: u32,
    /// Bits that the kernel takes away, umask(2); all if it is not known.
    masked: u32,
    /// Whether files may inherit a group or an ACL from the root: setgid or acl(5).
    inherits: bool,
}

impl Creator {
    /// Of this process, below `root`.
    pub(crate) fn below(root: BorrowedFd<'_>) -> Result<Self> {
        let stat = fs::fstat(root).map_err(io_error(b"", "cannot look at it"))?;
        let xattrs = xattrs::of(root).map_err(io_error(b"", "cannot read attributes"))?;
        Ok(Self {
            uid: geteuid().as_raw(),
            gid: getegid().as_raw(),
            masked: umask().unwrap_or(0o777),
            inherits: stat.st_mode & 0o2000 != 0
                || xattrs
                    .iter()
                    .any(|(name, _)| name == b"system.posix_acl_default"),
        })
    }

    /// The mode to make a file with.
    pub(crate) fn mode(entry: &Entry) -> Mode {
        Mode::from_raw_mode(entry.mode & !SPECIAL & 0o7777)
    }

    /// Whether what was just made may belong to another.
    pub(crate) fn must_set_owner(&self, entry: &Entry) -> bool {
        self.inherits || entry.uid != self.uid || entry.gid != self.gid
    }

    /// Whether what was made with [`Creator::mode`] may have another mode.
    pub(crate) fn must_set_mode(&self, entry: &Entry) -> bool {
        self.inherits || entry.mode & (SPECIAL | self.masked) != 0 || !entry.xattrs.is_empty()
    }

    /// Whether an ACL that the entry does not have must be taken from what was made.
    pub(crate) fn must_drop_acl(&self, entry: &Entry) -> bool {
        let has = |(name, _): &(Vec<u8>, Vec<u8>)| name == b"system.posix_acl_access";
        self.inherits && !entry.xattrs.iter().any(has)
    }
}

/// The process's, without changing it: proc(5).
fn umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let umask = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(umask.trim(), 8).ok()
}
