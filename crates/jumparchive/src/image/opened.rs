//! An opened image: its manifest, its frames and the way to its entries.

mod reader;
mod table;

use std::io;
use std::ops::Range;

use jumpspec::image::manifest::Manifest;
use jumpspec::words::digest::Digest;

pub(crate) use reader::FrameReader;
pub(crate) use table::{check_prefix, read_table, table_length};
use table::{heads, rank};

use crate::error::{Error, Result, io_error};
use crate::image::format::{self, FRONT, Front, PREFIX};
use crate::image::index::{self, FrameInfo, FrameKind, IndexEntry};
use crate::image::medium::ReadAt;

/// An opened image whose frame table has the digest that its front gives.
#[derive(Debug)]
pub struct Image {
    file: Box<dyn ReadAt>,
    front: Front,
    frames: Vec<FrameInfo>,
    /// Of each frame, in the file.
    offsets: Vec<u64>,
    /// Of each frame's records, in the file.
    records: Vec<u64>,
    /// Of each frame, in the tar stream; one more at the end.
    starts: Vec<u64>,
    /// For each frame, that in which the last entry begins that has bytes in it.
    heads: Vec<usize>,
}

impl Image {
    /// Opens an image and checks everything but the frames' and their records' contents.
    pub fn open(file: impl ReadAt + 'static) -> Result<Self> {
        let failed = |source: io::Error| io_error(b"image", "cannot read")(source);
        let actual = file.length().map_err(failed)?;
        // Not more than `FRONT`.
        let begins = usize::try_from(actual).map_or(FRONT, |length| length.min(FRONT));
        let mut start = vec![0; begins];
        file.read_exact_at(&mut start, 0).map_err(failed)?;
        let front = format::decode_front(&start)?;
        let place = &front.index;
        let expected = place.offset.saturating_add(place.length);
        if actual < expected {
            return Err(Error::Truncated { expected, actual });
        }
        if actual > expected {
            return Err(Error::Trailing(actual - expected));
        }
        let mut prefix = [0; PREFIX];
        file.read_exact_at(&mut prefix, place.offset)
            .map_err(failed)?;
        check_prefix(&prefix, place)?;
        let mut table = vec![0; table_length(place)?];
        file.read_exact_at(&mut table, expected - place.table_length)
            .map_err(failed)?;
        let frames = read_table(&table, place)?;
        let lengths = |of: fn(&FrameInfo) -> u32| frames.iter().map(of);
        Ok(Self {
            offsets: sums(FRONT as u64, lengths(|frame| frame.length)),
            records: sums(
                place.offset + PREFIX as u64,
                lengths(|frame| frame.records_length),
            ),
            starts: sums(0, lengths(|frame| frame.raw_length).chain([0])),
            heads: heads(&frames),
            file: Box::new(file),
            front,
            frames,
        })
    }

    /// What the image is; nothing for a plain archive such as saved files.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.front.manifest.as_ref()
    }

    /// Of the image file, in bytes.
    pub fn size(&self) -> u64 {
        self.front.index.offset + self.front.index.length
    }

    /// Of the tar stream, in bytes: what progress counts to.
    pub fn raw_length(&self) -> u64 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// Entries that the index lists.
    pub fn entry_count(&self) -> u64 {
        self.front.index.entries
    }

    /// The frames, in order.
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }

    /// The index's entries, in the order of the tar stream. Each frame's records are
    /// read when their turn comes.
    pub fn entries(&self) -> Result<impl Iterator<Item = Result<IndexEntry>> + use<'_>> {
        let frames = (0..self.frames.len()).filter(|frame| self.frames[*frame].entries > 0);
        Ok(frames.flat_map(|frame| match self.records(frame) {
            Ok(records) => Box::new(records.into_iter().map(Ok)) as Box<dyn Iterator<Item = _>>,
            Err(error) => Box::new(std::iter::once(Err(error))),
        }))
    }

    /// The records of the entries that begin in a frame.
    pub(crate) fn records(&self, frame: usize) -> Result<Vec<IndexEntry>> {
        let info = &self.frames[frame];
        match self.raw_records(frame)? {
            Some(bytes) => index::decode_records(&bytes, frame, info.entries),
            None => Ok(Vec::new()),
        }
    }

    fn raw_records(&self, frame: usize) -> Result<Option<Vec<u8>>> {
        let info = &self.frames[frame];
        if info.entries == 0 {
            return Ok(None);
        }
        let mut compressed = vec![0; info.records_length as usize];
        self.file
            .read_exact_at(&mut compressed, self.records[frame])
            .map_err(io_error(b"image", "cannot read the index"))?;
        let bytes = zstd::bulk::decompress(&compressed, info.records_raw_length as usize)
            .map_err(|_| Error::BadIndex("records do not decode to their length"))?;
        if *Digest::of(&bytes).as_bytes() != info.records_digest {
            return Err(Error::BadIndex("the digest of records differs"));
        }
        Ok(Some(bytes))
    }

    /// The frames of a kind. Files come with their parts.
    pub(crate) fn frames_of(&self, kind: FrameKind) -> Range<usize> {
        let before = |limit: FrameKind| self.frames.partition_point(|frame| rank(frame) < limit);
        let end = self.frames.partition_point(|frame| rank(frame) <= kind);
        before(kind)..end
    }

    /// The frames that hold more of the last entry that begins in `frame`.
    pub(crate) fn parts(&self, frame: usize) -> Range<usize> {
        frame + 1..self.heads.partition_point(|head| *head <= frame)
    }

    /// The frame in which the entry begins of which `frame` holds more.
    pub(crate) fn head(&self, frame: usize) -> usize {
        self.heads[frame]
    }

    /// Bytes of tar data in some frames.
    pub(crate) fn raw_length_of(&self, frames: Range<usize>) -> u64 {
        self.starts[frames.end] - self.starts[frames.start]
    }

    /// A reader of frames; each thread needs its own.
    pub(crate) fn reader(&self) -> Result<FrameReader<'_>> {
        FrameReader::new(self)
    }
}

/// Where each begins if the first does at `first` and each has its length.
fn sums(first: u64, lengths: impl Iterator<Item = u32>) -> Vec<u64> {
    lengths
        .scan(first, |next, length| {
            let begin = *next;
            *next += u64::from(length);
            Some(begin)
        })
        .collect()
}

#[cfg(test)]
mod tests;
