//! Labels of SELinux below a root. A kernel that has no SELinux keeps them like any attribute.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};

use super::Root;
use crate::error::{At as _, PathError};

/// The extended attribute (xattr(7)).
const LABEL: &str = "security.selinux";
/// Bytes; a label is a user, a role, a type and a range, some 100.
const CAP: usize = 4096;
/// A FIFO must not be waited for.
const FLAGS: OFlag = OFlag::O_RDONLY.union(OFlag::O_NONBLOCK);

impl Root {
    /// The label of what is there, symlinks followed inside the root; `None` if there is nothing,
    /// it has none, or its file system keeps none.
    pub fn label(&self, inside: &str) -> Result<Option<Vec<u8>>, PathError> {
        let path = self.shown(inside);
        match self.open_inside(inside, FLAGS, Mode::empty()) {
            Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
            fd => get(&fd.at("open", &path)?).at("read the label of", &path),
        }
    }

    /// Gives a label to what is there, symlinks followed inside the root.
    pub fn set_label(&self, inside: &str, label: &[u8]) -> Result<(), PathError> {
        let path = self.shown(inside);
        let fd = self
            .open_inside(inside, FLAGS, Mode::empty())
            .at("open", &path)?;
        set(&fd, label).at("label", &path)
    }
}

pub(super) fn set(fd: impl AsFd, label: &[u8]) -> io::Result<()> {
    Ok(fsetxattr(fd, LABEL, label, XattrFlags::empty())?)
}

fn get(fd: &OwnedFd) -> io::Result<Option<Vec<u8>>> {
    use rustix::io::Errno;
    let mut label = vec![0; CAP];
    match fgetxattr(fd, LABEL, &mut label) {
        Ok(length) => {
            label.truncate(length);
            Ok(Some(label))
        }
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
