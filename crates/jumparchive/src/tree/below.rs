//! Finds the directory in which an entry is to be made, below one descriptor.
//!
//! The last component of a path is never followed. Symlinks among its parents are,
//! as if the descriptor were `/`, for `var/run -> /run` must lead to `run` below it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{self, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::{Refusal, Result, io_error, refuse};
use crate::tree::order::split;

/// How directories above entries are opened.
const PARENT: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// The kernel takes no longer path at once: `PATH_MAX`, linux/limits.h, with its zero.
const PATH_MAX: usize = 4095;

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
            let opened = self.open(parent, path)?;
            self.last = Some((parent.to_vec(), opened));
        }
        match &self.last {
            Some((_, directory)) => Ok((directory.as_fd(), name)),
            None => Err(refuse(path, Refusal::Escapes)),
        }
    }

    /// The directory that holds `path` and the name in it; nothing is made.
    pub(crate) fn parent_there<'p>(
        &mut self,
        path: &'p [u8],
    ) -> Result<(BorrowedFd<'_>, &'p [u8])> {
        let (parent, name) = split(path);
        if parent.is_empty() {
            return Ok((self.root, name));
        }
        if self.last.as_ref().is_none_or(|(path, _)| path != parent) {
            let opened = self.resolve(parent);
            let opened = opened.map_err(io_error(path, "cannot open the directory for it"))?;
            self.last = Some((parent.to_vec(), opened));
        }
        match &self.last {
            Some((_, directory)) => Ok((directory.as_fd(), name)),
            None => Err(refuse(path, Refusal::Parent)),
        }
    }

    /// The directory that holds `path`, if there is one, and the name in it.
    pub(crate) fn existing<'p>(&self, path: &'p [u8]) -> Option<(OwnedFd, &'p [u8])> {
        let (parent, name) = split(path);
        let parent = if parent.is_empty() {
            self.root.try_clone_to_owned().ok()
        } else {
            self.resolve(parent).ok()
        };
        Some((parent?, name))
    }

    /// Opens the directory at `path`, in which `entry` is to be.
    fn open(&self, path: &[u8], entry: &[u8]) -> Result<OwnedFd> {
        match self.resolve(path) {
            Err(Errno::NOENT) => {
                self.make_parents(path, entry)?;
                self.resolve(path)
            }
            result => result,
        }
        .map_err(|error| match error {
            // A symlink that leads nowhere or in a circle, or what is no directory, on the way.
            Errno::LOOP | Errno::NOTDIR | Errno::XDEV | Errno::NOENT => {
                refuse(entry, Refusal::Parent)
            }
            error => io_error(entry, "cannot open the directory for it")(error),
        })
    }

    /// Makes the directories on the way to `path`, itself included, that are missing.
    fn make_parents(&self, path: &[u8], entry: &[u8]) -> Result<()> {
        let failed = |error| io_error::<Errno>(entry, "cannot create the directory for it")(error);
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let ends = slashes.map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            let (parent, name) = split(&path[..end]);
            let parent = match parent {
                [] => None,
                parent => match self.resolve(parent) {
                    Ok(parent) => Some(parent),
                    // It is told when `path` itself is resolved.
                    Err(Errno::LOOP | Errno::NOTDIR | Errno::XDEV | Errno::NOENT) => return Ok(()),
                    Err(error) => return Err(failed(error)),
                },
            };
            let parent = parent.as_ref().map_or(self.root, OwnedFd::as_fd);
            match fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    /// Opens the directory at `path`. What is beyond the longest path that the kernel
    /// takes is looked up from there on, and no symlinks are followed in it.
    fn resolve(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let flags = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let (first, mut rest) = within_path_max(path);
        let mut directory = open(self.root, first, flags)?;
        let flags = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        while !rest.is_empty() {
            let (next, after) = within_path_max(rest);
            directory = open(directory.as_fd(), next, flags)?;
            rest = after;
        }
        Ok(directory)
    }
}

/// As much of `path` as the kernel takes, and what is after that.
fn within_path_max(path: &[u8]) -> (&[u8], &[u8]) {
    if path.len() <= PATH_MAX {
        return (path, &[]);
    }
    match path[..=PATH_MAX].iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        // The kernel says that the name is too long.
        None => (path, &[]),
    }
}

fn open(root: BorrowedFd<'_>, path: &[u8], flags: ResolveFlags) -> Result<OwnedFd, Errno> {
    loop {
        match fs::openat2(root, path, PARENT, Mode::empty(), flags) {
            // openat2(2): a rename elsewhere disturbed the resolution.
            Err(Errno::AGAIN) => {}
            // Linux before 5.6. What is old enough for that gets no symlinks followed.
            Err(Errno::NOSYS) => return open_slowly(root, path),
            result => return result,
        }
    }
}

fn open_slowly(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
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
    fn paths_beyond_the_kernels_longest_are_made_and_found() {
        let scratch = tempfile::tempdir().unwrap();
        let root = std::fs::File::open(scratch.path()).unwrap();
        let path = vec!["d".repeat(200); 45].join("/");
        let mut below = Below::new(root.as_fd());
        for name in ["one", "two"] {
            below.forget();
            let path = format!("{path}/{name}");
            let (directory, name) = below.parent(path.as_bytes()).unwrap();
            fs::mkdirat(directory, name, Mode::RWXU).unwrap();
        }
    }

    #[test]
    fn the_slow_way_follows_no_symlink() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(scratch.path().join("a/b")).unwrap();
        symlink("a", scratch.path().join("link")).unwrap();
        let root = std::fs::File::open(scratch.path()).unwrap();
        assert!(open_slowly(root.as_fd(), b"a/b").is_ok());
        assert!(open_slowly(root.as_fd(), b"link/b").is_err());
    }
}
