//! Makes an image's entries below one directory.
//!
//! Every name is made anew, never opened if it is there; attributes are set through
//! the descriptor that made it, the owner before the mode (chown(2) clears setuid
//! and capabilities); those of directories come last, when nothing more is made in them.

mod attributes;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::below::Below;
use crate::decode::decoded;
use crate::entry::{Entry, EntryKind};
use crate::error::{Error, Refusal, Result, io_error, refuse};
use crate::image::Image;
use crate::tarstream::{Chunks, TarStream};

/// What to do when something is there already. Directories are shared either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Fail.
    #[default]
    Refuse,
    /// Replace it, unless it is a directory: for saved files over a new system.
    Replace,
}

/// How to unpack.
#[derive(Clone, Copy)]
pub struct UnpackOptions<'a> {
    /// What to do when something is there already.
    pub existing: Existing,
    /// Which paths to make; what a chosen hard link names must be chosen too.
    pub select: &'a dyn Fn(&[u8]) -> bool,
    /// Told bytes of [`Image::raw_length`]; of the compressed stream when streaming.
    pub progress: crate::Progress<'a>,
    /// Whether to wait at the end until everything is on the disk.
    pub sync: bool,
}

impl Default for UnpackOptions<'_> {
    fn default() -> Self {
        Self {
            existing: Existing::Refuse,
            select: &|_| true,
            progress: &|_| (),
            sync: true,
        }
    }
}

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries made, hard links included.
    pub entries: u64,
    /// Bytes of content written.
    pub bytes: u64,
}

/// Makes the image's entries below `root`, each frame's digest checked before use.
///
/// # Errors
/// After an error, `root` holds a part of the image.
pub fn unpack(image: &Image, root: BorrowedFd<'_>, options: &UnpackOptions<'_>) -> Result<Summary> {
    decoded(image, options.progress, |chunks| {
        let mut tar = TarStream::new(chunks);
        let mut listed = image.entries()?;
        let mut maker = Maker::new(root, *options);
        while let Some((entry, offset)) = tar.next_entry()? {
            let record = listed
                .next()
                .ok_or(Error::BadIndex("there are more entries than it lists"))??;
            if !record.describes(&entry, image.place(offset)) {
                return Err(refuse(&entry.path, Refusal::Index));
            }
            maker.make(entry, &mut tar)?;
        }
        if listed.next().is_some() {
            return Err(Error::BadIndex("it lists more entries than there are"));
        }
        tar.finish()?;
        maker.finish()
    })
}

/// Makes the entries of a plain tar archive, such as [`crate::extract_subset`] gives.
/// Nothing says whether it is the right one: that is the caller's to know.
pub fn unpack_tar(
    archive: Vec<u8>,
    root: BorrowedFd<'_>,
    options: &UnpackOptions<'_>,
) -> Result<Summary> {
    let mut chunks = Once(Some(archive));
    let mut tar = TarStream::new(&mut chunks);
    let mut maker = Maker::new(root, *options);
    while let Some((entry, _)) = tar.next_entry()? {
        maker.make(entry, &mut tar)?;
    }
    tar.finish()?;
    maker.finish()
}

/// A stream of one chunk.
struct Once(Option<Vec<u8>>);

impl Chunks for Once {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.0.take())
    }
}

/// Makes entries.
pub(crate) struct Maker<'a> {
    root: BorrowedFd<'a>,
    below: Below<'a>,
    options: UnpackOptions<'a>,
    directories: Vec<Entry>,
    summary: Summary,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(root: BorrowedFd<'a>, options: UnpackOptions<'a>) -> Self {
        Self {
            root,
            below: Below::new(root),
            options,
            directories: Vec::new(),
            summary: Summary::default(),
        }
    }

    /// Makes one entry, if it is selected, with its content.
    pub(crate) fn make(&mut self, entry: Entry, tar: &mut TarStream<'_>) -> Result<()> {
        if !(self.options.select)(&entry.path) {
            return Ok(());
        }
        self.summary.entries += 1;
        self.summary.bytes += entry.size;
        match &entry.kind {
            EntryKind::Directory => self.make_directory(entry),
            _ if entry.path.is_empty() => Err(refuse(b"", Refusal::Escapes)),
            EntryKind::File => self.make_file(&entry, tar),
            EntryKind::HardLink(target) => self.make_link(&entry.path, target),
            EntryKind::Symlink(_)
            | EntryKind::CharDevice(..)
            | EntryKind::BlockDevice(..)
            | EntryKind::Fifo => self.make_special(&entry),
        }
    }

    /// Gives the directories their attributes, the deepest first, and syncs.
    pub(crate) fn finish(mut self) -> Result<Summary> {
        for entry in std::mem::take(&mut self.directories).iter().rev() {
            self.finish_directory(entry)?;
        }
        if self.options.sync {
            fs::syncfs(self.root).map_err(io_error(b"", "cannot write to disk"))?;
        }
        Ok(self.summary)
    }

    fn make_directory(&mut self, entry: Entry) -> Result<()> {
        if !entry.path.is_empty() {
            let (parent, name) = self.below.parent(&entry.path)?;
            match fs::mkdirat(parent, name, Mode::RWXU) {
                Ok(()) => {}
                Err(Errno::EXIST) if is_directory(parent, name) => {}
                Err(Errno::EXIST) if self.options.existing == Existing::Replace => {
                    // A symlink to a directory stays one; anything else does not resolve.
                    let path = [&entry.path[..], b"/x"].concat();
                    return self.below.parent(&path).map(|_| ());
                }
                Err(Errno::EXIST) => return Err(refuse(&entry.path, Refusal::Exists)),
                Err(e) => return Err(io_error(&entry.path, "cannot create directory")(e)),
            }
        }
        self.directories.push(entry);
        Ok(())
    }

    fn finish_directory(&mut self, entry: &Entry) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = if entry.path.is_empty() {
            fs::openat(self.root, c".", flags, Mode::empty())
        } else {
            let (parent, name) = self.below.parent(&entry.path)?;
            fs::openat(parent, name, flags, Mode::empty())
        };
        let directory = directory.map_err(io_error(&entry.path, "cannot open directory"))?;
        attributes::apply(directory.as_fd(), entry)
    }

    fn make_file(&mut self, entry: &Entry, tar: &mut TarStream<'_>) -> Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let flags = flags | OFlags::CLOEXEC;
        let file = self.create(&entry.path, "cannot create file", |parent, name| {
            fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR)
        })?;
        let mut file = File::from(file);
        while let Some(chunk) = tar.content()? {
            file.write_all(chunk)
                .map_err(io_error(&entry.path, "cannot write file"))?;
        }
        attributes::apply(file.as_fd(), entry)
    }

    fn make_link(&mut self, path: &[u8], target: &[u8]) -> Result<()> {
        if target.is_empty() {
            return Err(refuse(path, Refusal::Link));
        }
        let (directory, target_name) = self.below.parent(target)?;
        let directory = directory
            .try_clone_to_owned()
            .map_err(io_error(target, "cannot open directory"))?;
        self.create(path, "cannot create hard link", |parent, name| {
            fs::linkat(&directory, target_name, parent, name, AtFlags::empty())
        })
    }

    fn make_special(&mut self, entry: &Entry) -> Result<()> {
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
        let existing = self.options.existing;
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
