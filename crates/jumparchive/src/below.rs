//! Finds the directory in which an entry is to be made, below one descriptor.
//!
//! The last component of a path is never followed. Symlinks among its parents are,
//! as if the descriptor were `/`, for `var/run -> /run` must lead to `run` below it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{self, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::{Refusal, Result, io_error, refuse};

/// How directories above entries are opened.
const PARENT: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The directory that entries are made below.
pub(crate) struct Below<'r> {
    root: BorrowedFd<'r>,
    /// Entries come sorted, so the next one's parent is mostly the last one's.
    last: Option<(Vec<u8>, OwnedFd)>,
}

impl<'r> Below<'r> {
    pub(crate) fn new(root: BorrowedFd<'r>) -> Self {
        Self { root, last: None }
    }

    /// Forgets what was resolved, after something on the way was replaced.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    /// The directory that holds `path` and the name in it. Directories that are
    /// missing are made. `path` is not empty.
    pub(crate) fn parent<'p>(&mut self, path: &'p [u8]) -> Result<(BorrowedFd<'_>, &'p [u8])> {
        let (parent, name) = split(path);
        if name.is_empty() || name == b".." || name == b"." {
            return Err(refuse(path, Refusal::Escapes));
        }
        if parent.is_empty() {
            return Ok((self.root, name));
        }
        if self.last.as_ref().is_none_or(|(path, _)| path != parent) {
            let opened = self.open(parent)?;
            self.last = Some((parent.to_vec(), opened));
        }
        match &self.last {
            Some((_, directory)) => Ok((directory.as_fd(), name)),
            None => Err(refuse(path, Refusal::Escapes)),
        }
    }

    fn open(&mut self, path: &[u8]) -> Result<OwnedFd> {
        match resolve(self.root, path) {
            Err(Errno::NOENT) => {
                let (directory, name) = self.parent(path)?;
                match fs::mkdirat(directory, name, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(io_error(path, "cannot create directory")(error)),
                }
                resolve(self.root, path)
            }
            result => result,
        }
        .map_err(io_error(path, "cannot open directory"))
    }
}

/// The path before the last slash and the name after it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

fn resolve(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    loop {
        match fs::openat2(root, path, PARENT, Mode::empty(), flags) {
            // openat2(2): a rename elsewhere disturbed the resolution.
            Err(Errno::AGAIN) => {}
            // Linux before 5.6. What is old enough for that gets no symlinks followed.
            Err(Errno::NOSYS) => return resolve_slowly(root, path),
            result => return result,
        }
    }
}

fn resolve_slowly(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
    let mut directory = fs::openat(root, ".", PARENT, Mode::empty())?;
    for part in path.split(|byte| *byte == b'/') {
        if part == b".." {
            return Err(Errno::XDEV);
        }
        directory = fs::openat(&directory, part, PARENT | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn follows_absolute_symlinks_inside_the_root_only() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(scratch.path().join("run")).unwrap();
        std::fs::create_dir_all(scratch.path().join("var")).unwrap();
        symlink("/run", scratch.path().join("var/run")).unwrap();
        symlink("../../../../etc", scratch.path().join("out")).unwrap();
        let root = std::fs::File::open(scratch.path()).unwrap();
        let mut below = Below::new(root.as_fd());
        let (directory, name) = below.parent(b"var/run/lock").unwrap();
        assert!(fs::mkdirat(directory, name, Mode::from_raw_mode(0o755)).is_ok());
        assert!(scratch.path().join("run/lock").is_dir());
        // `out` is /etc inside the root, which is not there.
        assert!(below.parent(b"out/passwd").is_err());
    }

    #[test]
    fn the_slow_way_follows_no_symlink() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(scratch.path().join("a/b")).unwrap();
        symlink("a", scratch.path().join("link")).unwrap();
        let root = std::fs::File::open(scratch.path()).unwrap();
        assert!(resolve_slowly(root.as_fd(), b"a/b").is_ok());
        assert!(resolve_slowly(root.as_fd(), b"link/b").is_err());
    }
}
