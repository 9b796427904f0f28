//! Files below a root that is not ours (an unpacked system), by openat2: no symlink in
//! that tree, however planted, leads out of it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2, readlinkat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fsync, symlinkat, unlinkat};
use rustix::fs::{RenameFlags, renameat_with};

use crate::error::{At as _, PathError};

/// Who owns a file and what may be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

impl Owner {
    /// Owned by root, with these permission bits.
    pub const fn root(mode: u32) -> Self {
        Self {
            uid: 0,
            gid: 0,
            mode,
        }
    }
}

/// A directory that stands for `/`: absolute symlinks below it are followed inside it.
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
    path: PathBuf,
}

impl Root {
    /// Opens the directory at `path`.
    pub fn open(path: &Path) -> Result<Self, PathError> {
        let fd = File::open(path).at("open", path)?;
        Ok(Self {
            fd: fd.into(),
            path: path.to_owned(),
        })
    }

    /// Where the root is, from outside.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The root's descriptor.
    pub fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn shown(&self, inside: &str) -> PathBuf {
        self.path.join(inside.trim_start_matches('/'))
    }

    fn open_inside(&self, inside: &str, flags: OFlag, mode: Mode) -> nix::Result<OwnedFd> {
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .mode(mode)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        let inside = inside.trim_start_matches('/');
        openat2(&self.fd, if inside.is_empty() { "." } else { inside }, how)
    }

    /// The bytes of a file; `None` if there is none.
    pub fn read(&self, inside: &str) -> Result<Option<Vec<u8>>, PathError> {
        let fd = match self.open_inside(inside, OFlag::O_RDONLY, Mode::empty()) {
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
            other => other.at("open", &self.shown(inside))?,
        };
        let mut bytes = Vec::new();
        File::from(fd)
            .read_to_end(&mut bytes)
            .at("read", &self.shown(inside))?;
        Ok(Some(bytes))
    }

    /// The text of a file; `None` if there is none. What is not UTF-8 is replaced.
    pub fn read_text(&self, inside: &str) -> Result<Option<String>, PathError> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        self.read(inside).map(|bytes| bytes.map(text))
    }

    /// The last bytes of a regular file, at most `most` of them; `None` if there is no such
    /// file. For files of a tree that may be damaged.
    pub fn read_end(&self, inside: &str, most: u64) -> Result<Option<Vec<u8>>, PathError> {
        let path = self.shown(inside);
        // A FIFO must not be waited for.
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
        let fd = match self.open_inside(inside, flags, Mode::empty()) {
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
            other => other.at("open", &path)?,
        };
        let mut file = File::from(fd);
        let metadata = file.metadata().at("look at", &path)?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let begin = metadata.len().saturating_sub(most);
        file.seek(SeekFrom::Start(begin)).at("read", &path)?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).at("read", &path)?;
        Ok(Some(bytes))
    }

    /// Whether something is there, symlinks followed inside the root.
    pub fn exists(&self, inside: &str) -> bool {
        self.open_inside(inside, OFlag::O_PATH, Mode::empty())
            .is_ok()
    }

    /// Owner and mode of a file; `None` if there is none.
    pub fn owner(&self, inside: &str) -> Result<Option<Owner>, PathError> {
        match self.open_inside(inside, OFlag::O_PATH, Mode::empty()) {
            Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
            fd => {
                let stat = fd.and_then(fstat).at("look at", &self.shown(inside))?;
                Ok(Some(Owner {
                    uid: stat.st_uid,
                    gid: stat.st_gid,
                    mode: stat.st_mode & 0o7777,
                }))
            }
        }
    }

    /// Sets owner and mode of what is there, symlinks followed inside the root.
    pub fn set_owner(&self, inside: &str, owner: Owner) -> Result<(), PathError> {
        // A FIFO must not be waited for.
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
        let path = self.shown(inside);
        let fd = self
            .open_inside(inside, flags, Mode::empty())
            .at("open", &path)?;
        give(&fd, owner).at("set the owner of", &path)
    }

    /// Names in a directory, sorted; none if there is none.
    pub fn list(&self, inside: &str) -> Result<Vec<String>, PathError> {
        let fd = match self.open_inside(inside, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())
        {
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(Vec::new()),
            other => other.at("open", &self.shown(inside))?,
        };
        let dir = Dir::from_fd(fd).at("list", &self.shown(inside))?;
        let mut names = Vec::new();
        for entry in dir {
            let entry = entry.at("list", &self.shown(inside))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.retain(|name| name != "." && name != "..");
        names.sort();
        Ok(names)
    }

    /// Makes a directory and all above it that is missing (those as `0755`, root's).
    pub fn create_dir_all(&self, inside: &str, owner: Owner) -> Result<(), PathError> {
        let inside = inside.trim_matches('/');
        if inside.is_empty() || self.exists(inside) {
            return Ok(());
        }
        let (parent, name) = split(inside);
        self.create_dir_all(parent, Owner::root(0o755))?;
        let path = self.shown(inside);
        let parent = self.directory(parent)?;
        mkdirat(&parent, name, Mode::from_bits_truncate(0o700)).at("make directory", &path)?;
        let made = self
            .open_inside(inside, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())
            .at("open", &path)?;
        give(&made, owner).at("set the owner of", &path)
    }

    /// Where the directory `inside` is from outside, symlinks followed inside the root: a place to
    /// mount something that programs in the root find by that name. It is made if it is missing.
    pub fn mount_point(&self, inside: &str) -> Result<PathBuf, PathError> {
        self.create_dir_all(inside, Owner::root(0o755))?;
        let directory = self.directory(inside)?;
        // proc_pid_fd(5): what an open file's link names is its path with all symlinks resolved.
        let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
        std::fs::read_link(link).at("find", &self.shown(inside))
    }

    /// Writes a file whole, or not at all: beside it, synced, renamed over it. Missing
    /// directories are made. A symlink in its place is replaced, not followed.
    pub fn write(&self, inside: &str, bytes: &[u8], owner: Owner) -> Result<(), PathError> {
        self.put(inside, bytes, owner, None)
    }

    fn put(
        &self,
        inside: &str,
        bytes: &[u8],
        owner: Owner,
        label: Option<&[u8]>,
    ) -> Result<(), PathError> {
        let inside = inside.trim_matches('/');
        let (parent, name) = split(inside);
        self.create_dir_all(parent, Owner::root(0o755))?;
        let path = self.shown(inside);
        let directory = self.directory(parent)?;
        let beside = format!(".{name}.jump-new");
        remove_if_there(&directory, &beside).at("remove an unfinished copy of", &path)?;
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::openat(
            &directory,
            beside.as_str(),
            flags,
            Mode::from_bits_truncate(0o600),
        )
        .at("create", &path)?;
        give(&fd, owner).at("set the owner of", &path)?;
        if let Some(label) = label {
            label::set(&fd, label).at("label", &path)?;
        }
        let mut file = File::from(fd);
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .at("write", &path)?;
        renameat(&directory, beside.as_str(), &directory, name).at("rename into", &path)?;
        fsync(&directory).at("sync the directory of", &path)
    }

    /// Writes a file like [`Root::write`]; one that is there keeps owner, mode and label.
    pub fn rewrite(&self, inside: &str, bytes: &[u8], otherwise: Owner) -> Result<(), PathError> {
        let owner = self.owner(inside)?.unwrap_or(otherwise);
        let label = self.label(inside)?;
        self.put(inside, bytes, owner, label.as_deref())
    }

    /// Exchanges two names: each then leads to the file of the other. Unlike a rename over a file it
    /// frees nothing, so that whoever reads the file system without its journal finds a whole file
    /// by either name, whichever block is written first. renameat2(2).
    ///
    /// # Errors
    /// When one of them is missing, or the file system has no exchange.
    pub fn exchange(&self, first: &str, second: &str) -> Result<(), PathError> {
        let (first_parent, first_name) = split(first.trim_matches('/'));
        let (second_parent, second_name) = split(second.trim_matches('/'));
        let (one, other) = (
            self.directory(first_parent)?,
            self.directory(second_parent)?,
        );
        let exchange = RenameFlags::EXCHANGE;
        renameat_with(&one, first_name, &other, second_name, exchange)
            .at("exchange", &self.shown(second))?;
        fsync(&one).at("sync the directory of", &self.shown(first))?;
        fsync(&other).at("sync the directory of", &self.shown(second))
    }

    /// Makes a symlink; whatever was there goes, unless it is a directory.
    pub fn symlink(&self, inside: &str, target: &str) -> Result<(), PathError> {
        let (parent, name) = split(inside.trim_matches('/'));
        self.create_dir_all(parent, Owner::root(0o755))?;
        let path = self.shown(inside);
        let directory = self.directory(parent)?;
        remove_if_there(&directory, name).at("remove", &path)?;
        symlinkat(target, &directory, name).at("link", &path)?;
        fsync(&directory).at("sync the directory of", &path)
    }

    /// Removes a file or symlink, if it is there.
    pub fn remove(&self, inside: &str) -> Result<(), PathError> {
        let (parent, name) = split(inside.trim_matches('/'));
        match self.directory(parent) {
            Err(error) if error.errno() == Some(Errno::ENOENT as i32) => Ok(()),
            directory => remove_if_there(&directory?, name).at("remove", &self.shown(inside)),
        }
    }

    /// Removes an empty directory, if it is there.
    pub fn remove_dir(&self, inside: &str) -> Result<(), PathError> {
        let (parent, name) = split(inside.trim_matches('/'));
        let directory = self.directory(parent)?;
        match unlinkat(&directory, name, UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            other => other.at("remove directory", &self.shown(inside)),
        }
    }

    /// Where the symlink at `inside` points; `None` if it is none.
    pub fn link_target(&self, inside: &str) -> Result<Option<String>, PathError> {
        let (parent, name) = split(inside.trim_matches('/'));
        let Ok(directory) = self.directory(parent) else {
            return Ok(None);
        };
        match readlinkat(&directory, name) {
            Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
            Err(Errno::EINVAL | Errno::ENOENT) => Ok(None),
            Err(error) => Err(error).at("read the link", &self.shown(inside)),
        }
    }

    /// Whether something is there itself, a dangling symlink included.
    pub fn is_there(&self, inside: &str) -> bool {
        let (parent, name) = split(inside.trim_matches('/'));
        let Ok(directory) = self.directory(parent) else {
            return false;
        };
        fstatat(&directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
    }

    fn directory(&self, inside: &str) -> Result<OwnedFd, PathError> {
        self.open_inside(inside, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())
            .at("open", &self.shown(inside))
    }
}

fn split(inside: &str) -> (&str, &str) {
    inside.rsplit_once('/').unwrap_or(("", inside))
}

fn give(fd: &OwnedFd, owner: Owner) -> io::Result<()> {
    // chown first: it clears setuid and setgid (chown(2)).
    fchown(
        fd,
        Some(Uid::from_raw(owner.uid)),
        Some(Gid::from_raw(owner.gid)),
    )?;
    fchmod(fd, Mode::from_bits_truncate(owner.mode))?;
    Ok(())
}

fn remove_if_there(directory: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

mod label;
#[cfg(test)]
mod tests;
