//! Makes entries, one after another.
//!
//! Every name is made anew, never opened if it is there; attributes are set through
//! the descriptor that made it.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::attributes;
use super::creator::Creator;
use super::sink::{Direct, Sink};
use super::{Existing, Summary, UnpackOptions};
use crate::Select;
use crate::error::{Refusal, Result, io_error, refuse};
use crate::tar::entry::{Entry, EntryKind};
use crate::tar::stream::TarStream;
use crate::tree::below::Below;

/// Makes entries; each thread has its own.
pub(crate) struct Maker<'a> {
    root: BorrowedFd<'a>,
    below: Below<'a>,
    creator: Creator,
    existing: Existing,
    select: Select<'a>,
    direct: Arc<Direct>,
    sync: bool,
    /// Those of a stream, whose attributes come last.
    directories: Vec<Entry>,
    summary: Summary,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(root: BorrowedFd<'a>, options: UnpackOptions<'a>) -> Result<Self> {
        Ok(Self {
            root,
            below: Below::new(root),
            creator: Creator::below(root)?,
            existing: options.existing,
            select: options.select,
            // Who does not wait for the disk is better off with the page cache.
            direct: Arc::new(Direct::new(options.sync)),
            sync: options.sync,
            directories: Vec::new(),
            summary: Summary::default(),
        })
    }

    /// Another one, for another thread.
    pub(super) fn another(&self) -> Self {
        Self {
            below: Below::new(self.root),
            direct: Arc::clone(&self.direct),
            directories: Vec::new(),
            summary: Summary::default(),
            ..*self
        }
    }

    /// What was made so far.
    pub(super) fn summary(&self) -> Summary {
        self.summary
    }

    /// Makes one entry of a stream, if it is selected, with its content.
    pub(crate) fn make(&mut self, entry: Entry, tar: &mut TarStream<'_>) -> Result<()> {
        match &entry.kind {
            EntryKind::Directory => {
                if self.directory(&entry)? {
                    self.directories.push(entry);
                }
                Ok(())
            }
            EntryKind::File => {
                let Some(file) = self.begin_file(&entry)? else {
                    return Ok(());
                };
                let mut at = 0;
                while let Some(chunk) = tar.content()? {
                    self.write(&file, &entry, at, chunk)?;
                    at += chunk.len() as u64;
                }
                self.finish_file(&file, &entry)
            }
            _ => self.bare(&entry),
        }
    }

    /// Gives a stream's directories their attributes, the deepest first, and syncs.
    pub(crate) fn finish(mut self) -> Result<Summary> {
        for entry in std::mem::take(&mut self.directories).iter().rev() {
            self.finish_directory(entry)?;
        }
        if self.sync {
            fs::syncfs(self.root).map_err(io_error(b"", "cannot write to disk"))?;
        }
        Ok(self.summary)
    }

    /// Whether an entry is to be made; counts it if so.
    fn takes(&mut self, entry: &Entry) -> Result<bool> {
        if !(self.select)(&entry.path) {
            return Ok(false);
        }
        if entry.path.is_empty() && entry.kind != EntryKind::Directory {
            return Err(refuse(b"", Refusal::Escapes));
        }
        self.summary.entries += 1;
        self.summary.bytes += entry.stored();
        Ok(true)
    }

    /// Makes a directory, for its owner alone until [`Maker::finish_directory`]. Says
    /// whether it was selected.
    pub(crate) fn directory(&mut self, entry: &Entry) -> Result<bool> {
        if !self.takes(entry)? {
            return Ok(false);
        }
        if entry.path.is_empty() {
            return Ok(true);
        }
        let (parent, name) = self.below.parent(&entry.path)?;
        match fs::mkdirat(parent, name, Mode::RWXU) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) if is_directory(parent, name) => Ok(true),
            Err(Errno::EXIST) if self.existing == Existing::Replace => {
                // A symlink to a directory stays one; anything else does not resolve.
                let path = [&entry.path[..], b"/x"].concat();
                self.below.parent(&path).map(|_| false)
            }
            Err(Errno::EXIST) => Err(refuse(&entry.path, Refusal::Exists)),
            Err(e) => Err(io_error(&entry.path, "cannot create directory")(e)),
        }
    }

    /// Gives a directory its attributes, if it is selected.
    pub(crate) fn finish_directory(&mut self, entry: &Entry) -> Result<()> {
        if !(self.select)(&entry.path) {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = if entry.path.is_empty() {
            fs::openat(self.root, c".", flags, Mode::empty())
        } else {
            let (parent, name) = self.below.parent(&entry.path)?;
            fs::openat(parent, name, flags, Mode::empty())
        };
        match directory {
            Ok(directory) => attributes::apply(directory.as_fd(), entry),
            // The symlink that stayed one.
            Err(Errno::NOTDIR | Errno::LOOP) if self.existing == Existing::Replace => Ok(()),
            Err(error) => Err(io_error(&entry.path, "cannot open directory")(error)),
        }
    }

    /// Makes a file with all its stored content.
    pub(super) fn file(&mut self, entry: &Entry, content: &[u8]) -> Result<()> {
        let Some(file) = self.begin_file(entry)? else {
            return Ok(());
        };
        self.write(&file, entry, 0, content)?;
        self.finish_file(&file, entry)
    }

    /// Makes a file of its size without content; nothing if it is not selected.
    pub(crate) fn begin_file(&mut self, entry: &Entry) -> Result<Option<Sink>> {
        if !self.takes(entry)? {
            return Ok(None);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let flags = flags | OFlags::CLOEXEC;
        let mode = Creator::mode(entry);
        let file = self.create(&entry.path, "cannot create file", |parent, name| {
            fs::openat(parent, name, flags, mode)
        })?;
        let file = File::from(file);
        if entry.map.is_some() {
            file.set_len(entry.size)
                .map_err(io_error(&entry.path, "cannot set size"))?;
        }
        Ok(Some(Sink::new(file, entry, &self.direct)))
    }

    /// Writes stored content of an entry that begins at `from`.
    pub(crate) fn write(
        &self,
        file: &Sink,
        entry: &Entry,
        from: u64,
        content: &[u8],
    ) -> Result<()> {
        file.write(entry, from, content, &self.direct)
    }

    /// Gives a file its attributes once its content is written.
    pub(crate) fn finish_file(&self, file: &Sink, entry: &Entry) -> Result<()> {
        attributes::complete(file.as_fd(), entry, &self.creator)
    }

    /// Makes something that has no content and is no directory.
    pub(crate) fn bare(&mut self, entry: &Entry) -> Result<()> {
        if !self.takes(entry)? {
            return Ok(());
        }
        match &entry.kind {
            EntryKind::HardLink(target) => self.link(&entry.path, target),
            _ => self.special(entry),
        }
    }

    fn link(&mut self, path: &[u8], target: &[u8]) -> Result<()> {
        if target.is_empty() {
            return Err(refuse(path, Refusal::Link));
        }
        let (directory, target_name) = self
            .below
            .existing(target)
            .ok_or_else(|| refuse(path, Refusal::Link))?;
        self.create(path, "cannot create hard link", |parent, name| {
            match fs::linkat(
                directory.as_fd(),
                target_name,
                parent,
                name,
                AtFlags::empty(),
            ) {
                // link(2): a directory, or nothing at all.
                Err(Errno::PERM | Errno::NOENT) => Ok(Err(refuse(path, Refusal::Link))),
                result => result.map(Ok),
            }
        })?
    }

    fn special(&mut self, entry: &Entry) -> Result<()> {
        let mode = Mode::RUSR | Mode::WUSR;
        self.create(&entry.path, "cannot create it", |parent, name| {
            let node = |kind, device| fs::mknodat(parent, name, kind, mode, device);
            match &entry.kind {
                EntryKind::Symlink(target) => fs::symlinkat(target.as_slice(), parent, name),
                EntryKind::CharDevice(major, minor) => {
                    node(FileType::CharacterDevice, fs::makedev(*major, *minor))
                }
                EntryKind::BlockDevice(major, minor) => {
                    node(FileType::BlockDevice, fs::makedev(*major, *minor))
                }
                _ => node(FileType::Fifo, 0),
            }
        })?;
        let (parent, name) = self.below.parent(&entry.path)?;
        attributes::apply_at(parent, name, entry)
    }

    /// Makes something, and if something else is there, that goes first if it may.
    fn create<T>(
        &mut self,
        path: &[u8],
        action: &'static str,
        make: impl Fn(BorrowedFd<'_>, &[u8]) -> Result<T, Errno>,
    ) -> Result<T> {
        let existing = self.existing;
        let (parent, name) = self.below.parent(path)?;
        let result = match make(parent, name) {
            Err(Errno::EXIST) if existing == Existing::Refuse => {
                return Err(refuse(path, Refusal::Exists));
            }
            Err(Errno::EXIST) => {
                fs::unlinkat(parent, name, AtFlags::empty())
                    .map_err(io_error(path, "cannot replace"))?;
                let result = make(parent, name);
                // What is gone may have been a symlink on the way to the last parent.
                self.below.forget();
                result
            }
            result => result,
        };
        result.map_err(io_error(path, action))
    }
}

fn is_directory(parent: BorrowedFd<'_>, name: &[u8]) -> bool {
    fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}
