//! Reads below one directory as if it were `/`: symlinks are followed inside it,
//! never out of it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// A directory taken for the root.
#[derive(Debug)]
pub struct Tree {
    root: OwnedFd,
}

impl Tree {
    /// Opens the directory `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = fs::open(path, flags, Mode::empty())?;
        Ok(Self { root })
    }

    /// Takes an open directory.
    pub fn from_fd(root: OwnedFd) -> Self {
        Self { root }
    }

    /// Opens the directory `path` below another, through no symlink and on no other file system.
    pub fn below(root: BorrowedFd<'_>, path: &str) -> io::Result<Self> {
        let path = match path.trim_start_matches('/') {
            "" => ".",
            path => path,
        };
        Ok(Self::from_fd(open_strictly(root, path)?))
    }

    /// Opens a file for reading, symlinks followed; `None` if there is none.
    pub fn file(&self, path: impl AsRef<[u8]>) -> io::Result<Option<File>> {
        let file = self.open_below(path.as_ref(), OFlags::RDONLY | OFlags::NONBLOCK)?;
        Ok(file.map(File::from))
    }

    /// Reads a regular file of at most `cap` bytes, symlinks followed; `None` if there
    /// is none.
    pub fn read(&self, path: &str, cap: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.file(path)? else {
            return Ok(None);
        };
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(cap + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > cap {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("larger than {cap} bytes"),
            ));
        }
        Ok(Some(bytes))
    }

    /// What `path` is, symlinks followed; `None` if there is nothing.
    pub fn stat(&self, path: &str) -> io::Result<Option<Stat>> {
        let node = self.open_below(path.as_bytes(), OFlags::PATH)?;
        Ok(node.map(fs::fstat).transpose()?)
    }

    /// What `path` itself is, its parents' symlinks followed; `None` if there is nothing.
    pub fn lstat(&self, path: &str) -> io::Result<Option<Stat>> {
        let node = self.open_below(path.as_bytes(), OFlags::PATH | OFlags::NOFOLLOW)?;
        Ok(node.map(fs::fstat).transpose()?)
    }

    /// Where a symlink points; `None` if `path` is none.
    pub fn read_link(&self, path: impl AsRef<[u8]>) -> io::Result<Option<Vec<u8>>> {
        let Some(node) = self.open_below(path.as_ref(), OFlags::PATH | OFlags::NOFOLLOW)? else {
            return Ok(None);
        };
        match fs::readlinkat(&node, c"", Vec::new()) {
            Ok(target) => Ok(Some(target.into_bytes())),
            // readlink(2): what was opened with O_PATH is not a symlink.
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Names in a directory, sorted by their bytes; empty if there is none.
    pub fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let Some(directory) = self.open_below(path.as_bytes(), flags)? else {
            return Ok(Vec::new());
        };
        let names = names(directory.as_fd())?;
        // Whoever asks looks for names that it knows, all of them UTF-8.
        Ok(names
            .into_iter()
            .filter_map(|name| String::from_utf8(name).ok())
            .collect())
    }

    /// Whether `path` is a directory, symlinks followed.
    pub fn is_directory(&self, path: &str) -> bool {
        let kind = |stat: Stat| FileType::from_raw_mode(stat.st_mode);
        matches!(self.stat(path), Ok(Some(stat)) if kind(stat) == FileType::Directory)
    }

    /// Whether `path` is a regular file, symlinks followed.
    pub fn is_file(&self, path: &str) -> bool {
        let kind = |stat: Stat| FileType::from_raw_mode(stat.st_mode);
        matches!(self.stat(path), Ok(Some(stat)) if kind(stat) == FileType::RegularFile)
    }

    fn open_below(&self, path: &[u8], flags: OFlags) -> io::Result<Option<OwnedFd>> {
        let begin = path.iter().position(|byte| *byte != b'/');
        let path = begin.map_or(b".".as_slice(), |begin| &path[begin..]);
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let flags = flags | OFlags::CLOEXEC;
        loop {
            match fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                Ok(fd) => return Ok(Some(fd)),
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                // openat2(2): a rename elsewhere disturbed the resolution.
                Err(Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// Opens a directory below this one: through no symlink, and on no other file system.
pub(crate) fn open_strictly(directory: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    fs::openat2(directory, path, flags, Mode::empty(), resolve)
}

/// Names in an open directory, sorted by their bytes.
pub(crate) fn names(directory: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// What is at `name` in an open directory, not followed.
pub(crate) fn stat_at(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<Stat>> {
    match fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
