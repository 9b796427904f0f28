//! The directory that a copy goes to: it is empty, or it bears the mark of an unfinished copy.
//!
//! The mark is an extended attribute of the directory itself, so that it changes no time of it and
//! stands in nobody's way. What was not marked is never removed.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, Gid, Mode, Uid, XattrFlags};
use rustix::io::Errno;

use super::{Copied, look_at};
use crate::error::{Refusal, Result, io_error, refuse};
use crate::tree::root::{Tree, names, open_strictly};
use crate::tree::xattrs;
use crate::unpack::{Maker, UnpackOptions};

/// What mkfs.ext4 makes at the top of a file system, for e2fsck.
pub(super) const LOST_AND_FOUND: &[u8] = b"lost+found";
/// Says that the directory holds an unfinished copy: a name that only root may set (xattr(7)).
pub(super) const MARK: &[u8] = b"trusted.jump.copy";

/// The directory that a copy goes to.
#[derive(Debug)]
pub struct Destination {
    directory: OwnedFd,
    /// What the mark says.
    copy: Vec<u8>,
}

impl Destination {
    /// Opens the directory at `path` below `root` for the copy that is called `copy`, a name that no
    /// other has. It is made, with those above it, if it is missing; a symlink on the way is refused.
    pub fn open(root: BorrowedFd<'_>, path: &str, copy: &str) -> Result<Self> {
        let mut directory =
            open_strictly(root, ".").map_err(io_error(b"", "cannot open directory"))?;
        let (mut shown, parts) = (String::new(), path.split('/'));
        for part in parts.filter(|part| !part.is_empty()) {
            shown = format!("{shown}/{part}");
            let shown = shown.as_bytes();
            match fs::mkdirat(&directory, part, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(io_error(shown, "cannot create directory")(error)),
            }
            directory = match open_strictly(directory.as_fd(), part) {
                Ok(directory) => directory,
                Err(Errno::LOOP | Errno::NOTDIR | Errno::XDEV) => {
                    return Err(refuse(shown, Refusal::Parent));
                }
                Err(error) => return Err(io_error(shown, "cannot open directory")(error)),
            };
        }
        Ok(Self {
            directory,
            copy: copy.as_bytes().to_vec(),
        })
    }

    /// Empties what an unfinished copy has filled, and marks it. `None` is a directory that holds
    /// all of `from` already.
    ///
    /// # Errors
    /// When it holds something else, which is left as it is.
    pub fn begin(&self, from: &Tree, progress: crate::Progress<'_>) -> Result<Option<Copied>> {
        if self.is_marked()? {
            self.clear()?;
        } else if !is_empty(self.as_fd())? {
            let copied = look_at(from, progress)?;
            let same = copied.check(&self.tree()?, &|_| ());
            same.map_err(|_| refuse(b"", Refusal::Exists))?;
            return Ok(Some(copied));
        }
        let set = fs::fsetxattr(&self.directory, MARK, &self.copy, XattrFlags::empty());
        set.map_err(io_error(b"", "cannot mark the directory"))?;
        self.strip()?;
        fs::syncfs(&self.directory).map_err(io_error(b"", "cannot write to disk"))?;
        Ok(None)
    }

    /// Takes the mark away: the copy is whole. What has become of the directory itself since is
    /// taken back.
    pub fn end(&self, copied: &Copied) -> Result<()> {
        match fs::fremovexattr(&self.directory, MARK) {
            Ok(()) | Err(Errno::NODATA) => {}
            Err(error) => return Err(io_error(b"", "cannot unmark the directory")(error)),
        }
        let mut maker = Maker::new(self.as_fd(), UnpackOptions::default())?;
        maker.finish_directory(&copied.top)?;
        maker.finish().map(drop)
    }

    fn is_marked(&self) -> Result<bool> {
        let found = xattrs::of(self.as_fd()).map_err(io_error(b"", "cannot read attributes"))?;
        let mut found = found.into_iter();
        Ok(found.any(|(name, value)| name == MARK && value == self.copy))
    }

    fn names(&self) -> Result<Vec<Vec<u8>>> {
        names(self.as_fd()).map_err(io_error(b"", "cannot read directory"))
    }

    /// Removes all that is in it, but for the directory that e2fsck wants.
    fn clear(&self) -> Result<()> {
        let kept = lost_and_found(self.as_fd())?;
        for name in self.names()? {
            if kept.is_none() || name != LOST_AND_FOUND {
                remove(self.as_fd(), &name)?;
            }
        }
        if let Some(directory) = kept {
            let inside = names(directory.as_fd());
            let inside = inside.map_err(io_error(LOST_AND_FOUND, "cannot read directory"))?;
            for name in inside {
                remove(directory.as_fd(), &name)?;
            }
        }
        Ok(())
    }

    /// Takes away what files made in it would inherit, and what the copied directory may lack.
    fn strip(&self) -> Result<()> {
        let found = xattrs::of(self.as_fd()).map_err(io_error(b"", "cannot read attributes"))?;
        for (name, _) in found.iter().filter(|(name, _)| name != MARK) {
            match fs::fremovexattr(&self.directory, name.as_slice()) {
                Ok(()) | Err(Errno::NODATA) => {}
                Err(error) => return Err(io_error(b"", "cannot remove attributes")(error)),
            }
        }
        fs::fchown(&self.directory, Some(Uid::ROOT), Some(Gid::ROOT))
            .map_err(io_error(b"", "cannot set owner"))?;
        fs::fchmod(&self.directory, Mode::RWXU).map_err(io_error(b"", "cannot set mode"))
    }

    /// It, to be read.
    pub fn tree(&self) -> Result<Tree> {
        let again =
            open_strictly(self.as_fd(), ".").map_err(io_error(b"", "cannot open directory"))?;
        Ok(Tree::from_fd(again))
    }
}

impl AsFd for Destination {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Whether a copy may go to the directory at `path` below `root`: it is not there, or empty. Changes
/// nothing.
///
/// # Errors
/// When it is no directory, or something on the way there is none.
pub fn is_free(root: BorrowedFd<'_>, path: &str) -> Result<bool> {
    let mut directory = open_strictly(root, ".").map_err(io_error(b"", "cannot open directory"))?;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        directory = match open_strictly(directory.as_fd(), part) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return Ok(true),
            Err(_) => return Err(refuse(path.as_bytes(), Refusal::Parent)),
        };
    }
    is_empty(directory.as_fd())
}

/// Whether nothing is in a directory but an empty one for e2fsck.
fn is_empty(directory: BorrowedFd<'_>) -> Result<bool> {
    let inside = names(directory).map_err(io_error(b"", "cannot read directory"))?;
    Ok(match inside.as_slice() {
        [] => true,
        [name] if name == LOST_AND_FOUND => lost_and_found(directory)?
            .is_some_and(|found| names(found.as_fd()).is_ok_and(|names| names.is_empty())),
        _ => false,
    })
}

/// The directory for e2fsck, if it is there.
fn lost_and_found(directory: BorrowedFd<'_>) -> Result<Option<OwnedFd>> {
    let name = std::str::from_utf8(LOST_AND_FOUND).unwrap_or_default();
    match open_strictly(directory, name) {
        Ok(directory) => Ok(Some(directory)),
        // Somebody's file of that name.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(io_error(LOST_AND_FOUND, "cannot open directory")(error)),
    }
}

/// Removes what is at `name`, and all below it; follows nothing.
fn remove(directory: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let inside = format!("/proc/self/fd/{}", directory.as_raw_fd());
    let path = Path::new(&inside).join(std::ffi::OsStr::from_bytes(name));
    // Both follow no symlink in place of the last name, nor below it (CVE-2022-21658).
    let removed = match fs::unlinkat(directory, name, fs::AtFlags::empty()) {
        Err(Errno::ISDIR) => std::fs::remove_dir_all(path),
        removed => removed.map_err(Into::into),
    };
    removed.map_err(io_error(
        name,
        "cannot remove what an unfinished copy has left",
    ))
}
