//! Holds a tree against the image that was unpacked into it: what was written is what is read.
//!
//! No frame is decoded but those of sparse files: paths, types, modes, owners, link targets and
//! digests are in the index. Reads only, and below one directory descriptor. Whether bytes come
//! from the disk or from memory is the caller's to arrange.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use jumpspec::words::digest::{Digest, Hasher};
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};

use crate::Select;
use crate::error::{Error, Result, io_error, shown};
use crate::image::index::{FrameKind, IndexEntry};
use crate::image::opened::Image;
use crate::image::{entries, threads};
use crate::tree::below::Below;
use crate::tree::extents;

/// Bytes of a file that are read at once.
const CHUNK: usize = 1 << 20;

/// Compares the entries of `image` that `select` takes with what is below `root`. `progress` is told bytes of
/// [`Image::raw_length`].
///
/// # Errors
/// [`Error::Differs`] names the first difference that was found.
pub fn compare(
    image: &Image,
    root: BorrowedFd<'_>,
    select: Select<'_>,
    progress: crate::Progress<'_>,
) -> Result<()> {
    let shared = Shared {
        image,
        select,
        root,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    };
    let (told, tell) = channel();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads::makers())
            .map(|_| {
                let (shared, told) = (&shared, told.clone());
                scope.spawn(move || shared.perform(&told))
            })
            .collect();
        drop(told);
        let mut done = 0;
        for length in tell {
            done += length;
            progress(done);
        }
        workers.into_iter().try_for_each(|worker| {
            let panicked = |panic| std::panic::resume_unwind(panic);
            worker.join().unwrap_or_else(panicked)
        })
    })
}

struct Shared<'a> {
    image: &'a Image,
    select: Select<'a>,
    root: BorrowedFd<'a>,
    next: AtomicUsize,
    stop: AtomicBool,
}

impl Shared<'_> {
    /// Takes frames until there are none.
    fn perform(&self, told: &Sender<u64>) -> Result<()> {
        let mut comparer = Comparer {
            image: self.image,
            select: self.select,
            root: self.root,
            below: Below::new(self.root),
            buffer: vec![0; CHUNK],
        };
        loop {
            let frame = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(info) = self.image.frames().get(frame) else {
                return Ok(());
            };
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if let Err(error) = comparer.frame(frame) {
                self.stop.store(true, Ordering::Relaxed);
                return Err(error);
            }
            // Nobody listens once another has failed.
            let _unheard = told.send(info.raw_length.into());
        }
    }
}

struct Comparer<'a> {
    image: &'a Image,
    select: Select<'a>,
    root: BorrowedFd<'a>,
    below: Below<'a>,
    buffer: Vec<u8>,
}

impl Comparer<'_> {
    fn frame(&mut self, frame: usize) -> Result<()> {
        if self.image.frames()[frame].kind == FrameKind::Part {
            return Ok(());
        }
        let records = self.image.records(frame)?;
        let sparse = records.iter().any(|record| record.size != record.stored);
        let maps = if sparse {
            self.maps(frame)?
        } else {
            Vec::new()
        };
        for (number, record) in records.iter().enumerate() {
            let whole = [(0, record.size)];
            let stretches = maps.get(number).map_or(&whole[..], Vec::as_slice);
            if (self.select)(&record.path) {
                self.entry(record, stretches)?;
            }
        }
        Ok(())
    }

    /// For each entry of a frame, where its stored content is in its file.
    fn maps(&self, frame: usize) -> Result<Vec<Vec<(u64, u64)>>> {
        let mut maps = Vec::new();
        let mut reader = self.image.reader()?;
        entries::each(self.image, frame, reader.frame(frame)?, |entry, _, _| {
            maps.push(extents::stretches(&entry, 0, entry.stored()).collect());
            Ok(())
        })?;
        Ok(maps)
    }

    fn entry(&mut self, record: &IndexEntry, stretches: &[(u64, u64)]) -> Result<()> {
        let failed = |action| io_error::<rustix::io::Errno>(&record.path, action);
        let stat = self
            .stat(&record.path)?
            .map_err(failed("cannot look at it"))?;
        if let Some(first) = record.hard_link() {
            let first = self
                .stat(first)?
                .map_err(failed("cannot look at what it is a name for"))?;
            let same = (stat.st_dev, stat.st_ino) == (first.st_dev, first.st_ino);
            return require(same, record, "is not the other name of a file");
        }
        attributes(record, &stat)?;
        match (record.kind, &record.link, record.digest) {
            (b'2', Some(target), _) => {
                let (parent, name) = self.place(&record.path)?;
                let there = fs::readlinkat(parent, name, Vec::new());
                let there = there.map_err(failed("cannot read the link"))?;
                require(there.as_bytes() == target, record, "leads elsewhere")
            }
            (_, _, Some(digest)) => self.content(record, stretches, digest),
            _ => Ok(()),
        }
    }

    fn content(
        &mut self,
        record: &IndexEntry,
        stretches: &[(u64, u64)],
        wanted: [u8; 32],
    ) -> Result<()> {
        let (parent, name) = self.place(&record.path)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(parent, name, flags, Mode::empty());
        let file = file.map_err(io_error(&record.path, "cannot open it"))?;
        let digest = digest_of(&file.into(), stretches, &mut self.buffer)
            .map_err(io_error(&record.path, "cannot read it back"))?;
        require(*digest.as_bytes() == wanted, record, "has other content")
    }

    fn stat(&mut self, path: &[u8]) -> Result<rustix::io::Result<Stat>> {
        if path.is_empty() {
            return Ok(fs::fstat(self.root));
        }
        let (parent, name) = self.place(path)?;
        Ok(fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW))
    }

    /// The directory that holds `path`, and the name in it.
    fn place<'p>(&mut self, path: &'p [u8]) -> Result<(BorrowedFd<'_>, &'p [u8])> {
        self.below.parent_there(path)
    }
}

fn attributes(record: &IndexEntry, stat: &Stat) -> Result<()> {
    let wanted = match record.kind {
        b'0' => FileType::RegularFile,
        b'2' => FileType::Symlink,
        b'3' => FileType::CharacterDevice,
        b'4' => FileType::BlockDevice,
        b'5' => FileType::Directory,
        _ => FileType::Fifo,
    };
    let is = FileType::from_raw_mode(stat.st_mode);
    require(is == wanted, record, "is of another type")?;
    // A symlink's mode means nothing, symlink(7).
    let mode = wanted == FileType::Symlink || stat.st_mode & 0o7777 == record.mode;
    require(mode, record, "has another mode")?;
    let owner = (stat.st_uid, stat.st_gid) == (record.uid, record.gid);
    require(owner, record, "has another owner")?;
    let length = u64::try_from(stat.st_size).unwrap_or_default();
    let same = wanted != FileType::RegularFile || length == record.size;
    require(same, record, "has another length")
}

fn digest_of(file: &File, stretches: &[(u64, u64)], buffer: &mut [u8]) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    for (offset, length) in stretches {
        let Range { mut start, end } = *offset..offset + length;
        while start < end {
            let now = usize::try_from(end - start).map_or(CHUNK, |left| left.min(CHUNK));
            file.read_exact_at(&mut buffer[..now], start)?;
            hasher.update(&buffer[..now]);
            start += now as u64;
        }
    }
    Ok(hasher.finish())
}

fn require(same: bool, record: &IndexEntry, what: &'static str) -> Result<()> {
    if same {
        return Ok(());
    }
    Err(Error::Differs {
        path: shown(&record.path),
        what,
    })
}
