//! Looks at what a walk has found: attributes, and how to get at the content.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{self, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Result, io_error};
use crate::tar::entry::{Entry, EntryKind};
use crate::tar::mtime::Mtime;
use crate::tar::sparse::Extent;
use crate::tree::extents;
use crate::tree::xattrs::{self, Xattrs};

/// An entry and where its content comes from.
pub(crate) struct Ready {
    pub(crate) entry: Entry,
    pub(crate) content: Content,
}

/// Where content comes from.
pub(crate) enum Content {
    /// There is none.
    None,
    /// These bytes.
    Bytes(Vec<u8>),
    /// An open file.
    File(Source),
}

/// An open file, and what it was when it was opened.
pub(crate) struct Source {
    file: File,
    before: Stat,
    /// Whether it changed between walk and opening.
    changed: bool,
}

impl Ready {
    /// Reads stored content from `from` on; bytes that are not there any more become
    /// zeros. Says whether some were missing.
    pub(crate) fn read(&self, from: u64, space: &mut [u8]) -> Result<bool> {
        match &self.content {
            Content::None => Ok(false),
            Content::Bytes(bytes) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                space.copy_from_slice(&bytes[from..from + space.len()]);
                Ok(false)
            }
            Content::File(source) => source
                .read(&self.entry, from, space)
                .map_err(io_error(&self.entry.path, "cannot read file")),
        }
    }

    /// Whether a file is no longer what it was when the walk met it.
    pub(crate) fn has_changed(&self) -> Result<bool> {
        let Content::File(source) = &self.content else {
            return Ok(false);
        };
        let after =
            fs::fstat(&source.file).map_err(io_error(&self.entry.path, "cannot look at it"))?;
        Ok(source.changed || identity(&source.before) != identity(&after))
    }
}

impl Source {
    fn read(&self, entry: &Entry, from: u64, space: &mut [u8]) -> std::io::Result<bool> {
        let (mut done, mut missing) = (0, false);
        for (offset, length) in extents::stretches(entry, from, space.len() as u64) {
            // Within `space`.
            let end = done + usize::try_from(length).unwrap_or_default();
            let stretch = &mut space[done..end];
            let read = read_at(&self.file, stretch, offset)?;
            stretch[read..].fill(0);
            missing |= read < stretch.len();
            done = end;
        }
        Ok(missing)
    }
}

/// What the walk has found at `name` in `directory`; `None` if it is gone or has become
/// something else.
pub(crate) fn look(
    path: Vec<u8>,
    directory: BorrowedFd<'_>,
    name: &[u8],
    stat: &Stat,
) -> Result<Option<Ready>> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => look_at_file(path, directory, name, stat),
        _ => look_at_special(path, directory, name, stat),
    }
}

fn look_at_special(
    path: Vec<u8>,
    directory: BorrowedFd<'_>,
    name: &[u8],
    stat: &Stat,
) -> Result<Option<Ready>> {
    let numbers = (fs::major(stat.st_rdev), fs::minor(stat.st_rdev));
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => EntryKind::Directory,
        FileType::CharacterDevice => EntryKind::CharDevice(numbers.0, numbers.1),
        FileType::BlockDevice => EntryKind::BlockDevice(numbers.0, numbers.1),
        FileType::Fifo => EntryKind::Fifo,
        FileType::Symlink => match fs::readlinkat(directory, name, Vec::new()) {
            Ok(target) => EntryKind::Symlink(target.into_bytes()),
            Err(Errno::NOENT | Errno::INVAL) => return Ok(None),
            Err(error) => return Err(io_error(&path, "cannot read link")(error)),
        },
        FileType::RegularFile | FileType::Socket | FileType::Unknown => return Ok(None),
    };
    let xattrs = match xattrs::at(directory, name) {
        Ok(xattrs) => xattrs,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(io_error(&path, "cannot read attributes")(error)),
    };
    Ok(Some(Ready {
        entry: entry(path, stat, kind, xattrs),
        content: Content::None,
    }))
}

/// Opens a file; it is stored with the size that the walk saw.
fn look_at_file(
    path: Vec<u8>,
    directory: BorrowedFd<'_>,
    name: &[u8],
    stat: &Stat,
) -> Result<Option<Ready>> {
    let file = match open(directory, name) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(io_error(&path, "cannot open file")(error)),
    };
    let before = fs::fstat(&file).map_err(io_error(&path, "cannot look at it"))?;
    if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let xattrs = xattrs::of(file.as_fd()).map_err(io_error(&path, "cannot read attributes"))?;
    let map = map(&file, stat).map_err(io_error(&path, "cannot find its holes"))?;
    let mut entry = entry(path, &before, EntryKind::File, xattrs);
    entry.size = size(stat);
    entry.map = map;
    let source = Source {
        changed: identity(stat) != identity(&before),
        file,
        before,
    };
    Ok(Some(Ready {
        entry,
        content: Content::File(source),
    }))
}

fn map(file: &File, stat: &Stat) -> std::io::Result<Option<Vec<Extent>>> {
    if looks_sparse(stat) {
        extents::of(file, size(stat))
    } else {
        Ok(None)
    }
}

/// Whether a file has fewer blocks than it has bytes for. stat(2): blocks of 512 bytes.
pub(crate) fn looks_sparse(stat: &Stat) -> bool {
    stat.st_blocks.saturating_mul(512) < stat.st_size
}

/// Of a file, in bytes.
pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

fn read_at(file: &File, space: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut done = 0;
    while done < space.len() {
        match file.read_at(&mut space[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// What changes when a file is written to.
fn identity(stat: &Stat) -> (u64, i64, i64, u64) {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
    (
        stat.st_ino,
        stat.st_size,
        stat.st_mtime,
        nanoseconds.unsigned_abs(),
    )
}

/// What `stat` says, as an entry without content.
pub(crate) fn entry(path: Vec<u8>, stat: &Stat, kind: EntryKind, xattrs: Xattrs) -> Entry {
    Entry {
        path,
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: Mtime {
            seconds: stat.st_mtime,
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or_default(),
        },
        size: 0,
        xattrs,
        map: None,
    }
}

/// Opens without touching the access time where that is allowed, and without
/// waiting should it have become a FIFO.
fn open(directory: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = |flags| fs::openat(directory, name, flags, Mode::empty());
    match open(flags | OFlags::NOATIME) {
        // open(2): NOATIME is for the owner.
        Err(Errno::PERM) => open(flags),
        result => result,
    }
}
