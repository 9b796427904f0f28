//! Unpacks an image frame by frame, several at a time.

use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};

use rustix::fs;

use super::gate::Gate;
use super::maker::Maker;
use super::sink::Sink;
use super::writeback::Writeback;
use super::{Summary, UnpackOptions};
use crate::error::{Refusal, Result, io_error, refuse};
use crate::image::entries::{self, Piece};
use crate::image::index::{FrameKind, IndexEntry};
use crate::image::opened::Image;
use crate::image::spans::{Span, Spans};
use crate::image::threads;
use crate::image::verify::check_end;
use crate::image::workers::{self, FrameWork};
use crate::tar::entry::{Entry, EntryKind};

/// Makes the image's entries below `root`, each frame's digest checked before use.
///
/// # Errors
/// After an error, `root` holds a part of the image.
pub fn unpack(image: &Image, root: BorrowedFd<'_>, options: &UnpackOptions<'_>) -> Result<Summary> {
    let mut own = Maker::new(root, *options)?;
    let work = Unpack {
        image,
        template: Mutex::new(own.another()),
        directories: Gate::default(),
        spans: Spans::new(),
    };
    let writeback = options.sync.then(|| Writeback::begin(root)).transpose()?;
    let directories = image.frames_of(FrameKind::Directories);
    let begun = image.raw_length_of(directories);
    let files = image.frames_of(FrameKind::Files);
    let makers = workers::run(image, files, &work, begun, options.progress, || {
        work.make_directories(&mut own)
    })?;
    work.make_hard_links(&mut own)?;
    work.finish_directories(&mut own)?;
    if let Some(writeback) = writeback {
        writeback.end()?;
        fs::syncfs(root).map_err(io_error(b"", "cannot write to disk"))?;
    }
    (options.progress)(image.raw_length());
    let summaries = makers.iter().chain([&own]).map(Maker::summary);
    Ok(summaries.fold(Summary::default(), |all, one| Summary {
        entries: all.entries + one.entries,
        bytes: all.bytes + one.bytes,
    }))
}

struct Unpack<'a> {
    image: &'a Image,
    template: Mutex<Maker<'a>>,
    /// Opens when they are made.
    directories: Gate,
    /// Files that several threads write; none if not selected.
    spans: Spans<Option<Sink>>,
}

impl<'a> FrameWork for Unpack<'a> {
    type State = Maker<'a>;

    fn threads(&self) -> usize {
        threads::makers()
    }

    fn begin(&self) -> Result<Maker<'a>> {
        let template = self.template.lock();
        Ok(template.unwrap_or_else(PoisonError::into_inner).another())
    }

    fn frame(&self, maker: &mut Maker<'a>, frame: usize, data: &[u8]) -> Result<()> {
        if !self.directories.wait() {
            return Ok(());
        }
        match self.image.frames()[frame].kind {
            FrameKind::Part => self.part(maker, frame, data),
            _ => self.files(maker, frame, data),
        }
    }

    fn abandon(&self) {
        self.directories.abandon();
        // Pieces of a file are written in any order: nobody waits in there.
        let _under_way = self.spans.abandon();
    }
}

impl Unpack<'_> {
    fn make_directories(&self, maker: &mut Maker<'_>) -> Result<()> {
        self.each(FrameKind::Directories, |entry| {
            maker.directory(&entry).map(drop)
        })?;
        self.directories.open();
        Ok(())
    }

    fn make_hard_links(&self, maker: &mut Maker<'_>) -> Result<()> {
        self.each(FrameKind::HardLinks, |entry| maker.bare(&entry))?;
        let mut reader = self.image.reader()?;
        let mut ends = self.image.frames_of(FrameKind::End);
        ends.try_for_each(|frame| check_end(frame, reader.frame(frame)?))
    }

    /// Gives directories their attributes, the deepest first.
    fn finish_directories(&self, maker: &mut Maker<'_>) -> Result<()> {
        let mut reader = self.image.reader()?;
        for frame in self.image.frames_of(FrameKind::Directories).rev() {
            let mut directories = Vec::new();
            entries::each(self.image, frame, reader.frame(frame)?, |entry, _, _| {
                directories.push(entry);
                Ok(())
            })?;
            for entry in directories.iter().rev() {
                maker.finish_directory(entry)?;
            }
        }
        Ok(())
    }

    /// Entries without content, one after another.
    fn each(&self, kind: FrameKind, mut take: impl FnMut(Entry) -> Result<()>) -> Result<()> {
        let mut reader = self.image.reader()?;
        self.image.frames_of(kind).try_for_each(|frame| {
            let records = self.image.records(frame)?;
            let mut records = records.iter();
            entries::each(
                self.image,
                frame,
                reader.frame(frame)?,
                |entry, offset, _| {
                    check(records.next(), frame, &entry, offset)?;
                    take(entry)
                },
            )
        })
    }

    fn files(&self, maker: &mut Maker<'_>, frame: usize, data: &[u8]) -> Result<()> {
        let records = self.image.records(frame)?;
        let mut records = records.iter();
        entries::each(self.image, frame, data, |entry, offset, piece| {
            check(records.next(), frame, &entry, offset)?;
            match piece {
                _ if entry.kind != EntryKind::File => maker.bare(&entry),
                Piece::Whole(content) => maker.file(&entry, content),
                Piece::First(content) => {
                    let file = maker.begin_file(&entry)?;
                    let first = content.len();
                    let span = self.spans.open(self.image, frame, (entry, first), file);
                    self.write(maker, &span, 0, content)
                }
            }
        })
    }

    fn part(&self, maker: &Maker<'_>, frame: usize, data: &[u8]) -> Result<()> {
        let Some(span) = self.spans.wait(self.image, frame) else {
            return Ok(());
        };
        let offset = span.offset(self.image, frame);
        self.write(maker, &span, offset, span.content(offset, data))
    }

    /// Writes a piece of a large file; whoever writes the last one completes it.
    fn write(
        &self,
        maker: &Maker<'_>,
        span: &Span<Option<Sink>>,
        offset: u64,
        content: &[u8],
    ) -> Result<()> {
        if let Some(file) = &span.work {
            maker.write(file, &span.entry, offset, content)?;
        }
        match &span.work {
            Some(file) if self.spans.done(span) => maker.finish_file(file, &span.entry),
            Some(_) => Ok(()),
            None => {
                self.spans.done(span);
                Ok(())
            }
        }
    }
}

/// Makes sure that an entry is what the index says of it.
fn check(record: Option<&IndexEntry>, frame: usize, entry: &Entry, offset: u32) -> Result<()> {
    let number = u32::try_from(frame).unwrap_or(u32::MAX);
    match record {
        Some(record) if record.describes(entry, (number, offset)) => Ok(()),
        _ => Err(refuse(&entry.path, Refusal::Index)),
    }
}
