//! Stores what the walk has found: attributes, contents, links.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use jumpspec::digest::Digest;
use rustix::fs::{self, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::Packer;
use crate::entry::{Entry, EntryKind};
use crate::error::{Result, io_error, shown};
use crate::mtime::Mtime;
use crate::walk::Found;

/// Extended attributes' names and values.
type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

impl Packer {
    pub(super) fn store(&mut self, found: &Found<'_>) -> Result<()> {
        let stat = &found.node.stat;
        let linked = stat.st_nlink > 1 && !found.node.is_directory();
        if linked && let Some(first) = self.links.get(&(stat.st_dev, stat.st_ino)) {
            let kind = EntryKind::HardLink(first.clone());
            return self.store_bare(&entry(found, stat, kind, Xattrs::new()));
        }
        let stored = match found.node.file_type() {
            FileType::RegularFile => self.store_file(found)?,
            _ => self.store_special(found)?,
        };
        if linked && stored {
            let first = found.node.path.clone();
            self.links.insert((stat.st_dev, stat.st_ino), first);
        }
        Ok(())
    }

    /// Stores a directory, symlink, device or FIFO, unless it is gone.
    fn store_special(&mut self, found: &Found<'_>) -> Result<bool> {
        let stat = &found.node.stat;
        let numbers = (fs::major(stat.st_rdev), fs::minor(stat.st_rdev));
        let kind = match found.node.file_type() {
            FileType::Directory => EntryKind::Directory,
            FileType::CharacterDevice => EntryKind::CharDevice(numbers.0, numbers.1),
            FileType::BlockDevice => EntryKind::BlockDevice(numbers.0, numbers.1),
            FileType::Fifo => EntryKind::Fifo,
            FileType::Symlink => match fs::readlinkat(found.directory, found.name, Vec::new()) {
                Ok(target) => EntryKind::Symlink(target.into_bytes()),
                Err(Errno::NOENT | Errno::INVAL) => return Ok(self.gone(found)),
                Err(error) => return Err(io_error(&found.node.path, "cannot read link")(error)),
            },
            FileType::RegularFile | FileType::Socket | FileType::Unknown => return Ok(false),
        };
        let xattrs = match path_xattrs(found) {
            Ok(xattrs) => xattrs,
            Err(Errno::NOENT) => return Ok(self.gone(found)),
            Err(error) => return Err(io_error(&found.node.path, "cannot read attributes")(error)),
        };
        self.store_bare(&entry(found, stat, kind, xattrs))?;
        Ok(true)
    }

    /// Stores a regular file with as many bytes as it has when it is opened.
    fn store_file(&mut self, found: &Found<'_>) -> Result<bool> {
        let path = &found.node.path;
        let file = match open(found) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(self.gone(found)),
            Err(error) => return Err(io_error(path, "cannot open file")(error)),
        };
        let before = fs::fstat(&file).map_err(io_error(path, "cannot look at it"))?;
        if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
            return Ok(self.gone(found));
        }
        let xattrs = fd_xattrs(file.as_fd()).map_err(io_error(path, "cannot read attributes"))?;
        let entry = entry(found, &before, EntryKind::File, xattrs);
        let place = self.begin(&entry)?;
        let mut file = File::from(file);
        let (digest, missing) = self.copy(&mut file, &entry)?;
        let after = fs::fstat(&file).map_err(io_error(path, "cannot look at it"))?;
        if missing || times_and_size(&before) != times_and_size(&after) {
            self.report.changed.push(shown(path));
        }
        self.end(&entry, place, Some(digest))?;
        Ok(true)
    }

    /// Copies exactly `entry.size` bytes, zeros where the file has become shorter.
    fn copy(&mut self, file: &mut File, entry: &Entry) -> Result<(Digest, bool)> {
        let (mut left, mut missing, mut hash) = (entry.size, false, Sha256::new());
        while left > 0 {
            let wanted =
                usize::try_from(left).map_or(self.buffer.len(), |n| n.min(self.buffer.len()));
            let space = &mut self.buffer[..wanted];
            let read = if missing {
                0
            } else {
                read_some(file, space).map_err(io_error(&entry.path, "cannot read file"))?
            };
            let chunk = if read == 0 {
                missing = true;
                space.fill(0);
                &*space
            } else {
                &space[..read]
            };
            hash.update(chunk);
            self.builder
                .get_mut()
                .write_all(chunk)
                .map_err(io_error(&entry.path, "cannot store it"))?;
            left -= chunk.len() as u64;
        }
        Ok((Digest::from_bytes(hash.finalize().into()), missing))
    }

    fn gone(&mut self, found: &Found<'_>) -> bool {
        self.report.vanished.push(shown(&found.node.path));
        false
    }
}

fn read_some(file: &mut File, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(space) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn times_and_size(stat: &Stat) -> (i64, i64, u64) {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
    (stat.st_size, stat.st_mtime, nanoseconds.unsigned_abs())
}

fn entry(found: &Found<'_>, stat: &Stat, kind: EntryKind, xattrs: Xattrs) -> Entry {
    let size = match kind {
        EntryKind::File => u64::try_from(stat.st_size).unwrap_or_default(),
        _ => 0,
    };
    Entry {
        path: found.node.path.clone(),
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: Mtime {
            seconds: stat.st_mtime,
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or_default(),
        },
        size,
        xattrs,
    }
}

/// Opens without touching the access time where that is allowed, and without
/// waiting should it have become a FIFO.
fn open(found: &Found<'_>) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = |flags| fs::openat(found.directory, found.name, flags, Mode::empty());
    match open(flags | OFlags::NOATIME) {
        // open(2): NOATIME is for the owner.
        Err(Errno::PERM) => open(flags),
        result => result,
    }
}

/// A path to the node through `/proc`: there is no `llistxattrat` before Linux 6.13.
fn path_xattrs(found: &Found<'_>) -> Result<Xattrs, Errno> {
    let mut path = format!("/proc/self/fd/{}/", found.directory.as_raw_fd()).into_bytes();
    path.extend_from_slice(found.name);
    let path = &path;
    collect(
        |buffer| fs::llistxattr(path, buffer),
        |name, buffer| fs::lgetxattr(path, name, buffer),
    )
}

fn fd_xattrs(file: BorrowedFd<'_>) -> Result<Xattrs, Errno> {
    collect(
        |buffer| fs::flistxattr(file, buffer),
        |name, buffer| fs::fgetxattr(file, name, buffer),
    )
}

/// No attribute and no list of names is larger, xattr(7).
const XATTR_MAX: usize = 64 << 10;

fn collect(
    list: impl Fn(&mut [u8]) -> Result<usize, Errno>,
    get: impl Fn(&[u8], &mut [u8]) -> Result<usize, Errno>,
) -> Result<Xattrs, Errno> {
    let mut small = [0; 256];
    let names = match list(&mut small) {
        Ok(length) => small[..length].to_vec(),
        Err(Errno::RANGE) => {
            let mut large = vec![0; XATTR_MAX];
            let length = list(&mut large)?;
            large.truncate(length);
            large
        }
        Err(Errno::NOTSUP) => return Ok(Xattrs::new()),
        Err(error) => return Err(error),
    };
    let mut xattrs = Xattrs::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = vec![0; XATTR_MAX];
        match get(name, &mut value) {
            Ok(length) => {
                value.truncate(length);
                xattrs.push((name.to_vec(), value));
            }
            Err(Errno::NODATA) => {}
            Err(error) => return Err(error),
        }
    }
    xattrs.sort();
    Ok(xattrs)
}
