//! The index: what each frame and each entry must be.
//!
//! Its frame's payload is `records of frame 0 | records of frame 1 | … | frame table`.
//! The table is a zstd frame of [`FrameInfo`]s in postcard
//! (<https://postcard.jamesmunns.com/wire-format>); its digest stands in the front, and
//! each frame's records have theirs in the table. So one frame can be held against
//! its records without a look at the others', and the size of an index does not
//! matter to a reader's memory.

use std::io::Read as _;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::image::format::FRAME_LIMIT;
use crate::tar::entry::{Entry, EntryKind};

/// Compression level of records and table: small, and still a fraction of a second.
pub(crate) const LEVEL: i32 = 6;
/// No [`FrameInfo`] takes more bytes in postcard: two digests and varints.
const INFO_CAP: u64 = 128;
/// One frame's records take no more than this: a record is not much longer than its
/// entry's headers, which are in a frame of limited size.
pub(crate) const RECORDS_CAP: u32 = 16 << 20;

/// What a frame holds. Frames of a kind follow each other, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FrameKind {
    /// Directories, parents before children.
    Directories,
    /// Everything else but hard links; the last entry's content may go on in
    /// [`FrameKind::Part`]s.
    Files,
    /// Nothing but more of the content of the last entry before it.
    Part,
    /// Further names of what is in [`FrameKind::Files`].
    HardLinks,
    /// The end-of-archive blocks.
    End,
}

/// One frame of the tar stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameInfo {
    /// What it holds.
    pub kind: FrameKind,
    /// Compressed bytes; frames follow each other without gaps.
    pub length: u32,
    /// Bytes of tar stream in it.
    pub raw_length: u32,
    /// SHA-256 of the compressed bytes.
    pub digest: [u8; 32],
    /// Entries that begin in it.
    pub entries: u32,
    /// Compressed bytes of its entries' records; 0 if it has none.
    pub records_length: u32,
    /// Uncompressed bytes of its entries' records.
    pub records_raw_length: u32,
    /// SHA-256 of the uncompressed records.
    pub records_digest: [u8; 32],
}

/// One entry of the tar stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Below the root; empty for the root itself.
    pub path: Vec<u8>,
    /// The tar type flag: `0` file, `1` hard link, `2` symlink, `3` `4` devices, `5`
    /// directory, `6` FIFO.
    pub kind: u8,
    /// Of the content, in bytes, holes of a sparse file included.
    pub size: u64,
    /// Of the content, in bytes, without the holes of a sparse file.
    pub stored: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Seconds of the modification time.
    pub mtime: i64,
    /// The nanoseconds after them.
    pub mtime_nanoseconds: u32,
    /// The frame in which its headers begin. Not in the record: a frame's records are
    /// found by the frame.
    #[serde(skip)]
    pub frame: u32,
    /// Where in that frame's tar data they begin.
    pub offset: u32,
    /// SHA-256 of a file's content as it is stored, without holes.
    pub digest: Option<[u8; 32]>,
    /// Where a symlink leads, or what a hard link is another name for.
    pub link: Option<Vec<u8>>,
}

impl IndexEntry {
    /// The record of `entry`, which begins at `offset` in `frame`.
    pub(crate) fn new(
        entry: &Entry,
        (frame, offset): (u32, u32),
        digest: Option<[u8; 32]>,
    ) -> Self {
        Self {
            path: entry.path.clone(),
            kind: type_flag(&entry.kind),
            size: entry.size,
            stored: entry.stored(),
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime.seconds,
            mtime_nanoseconds: entry.mtime.nanoseconds,
            frame,
            offset,
            digest,
            link: match &entry.kind {
                EntryKind::Symlink(target) | EntryKind::HardLink(target) => Some(target.clone()),
                _ => None,
            },
        }
    }

    /// What it is another name for, if it is a hard link.
    pub fn hard_link(&self) -> Option<&[u8]> {
        self.link.as_deref().filter(|_| self.kind == b'1')
    }

    /// Whether this is the record of `entry`, which begins at `offset` in `frame`.
    pub(crate) fn describes(&self, entry: &Entry, place: (u32, u32)) -> bool {
        *self == Self::new(entry, place, self.digest)
            && self.digest.is_some() == (entry.kind == EntryKind::File)
    }
}

fn type_flag(kind: &EntryKind) -> u8 {
    match kind {
        EntryKind::File => b'0',
        EntryKind::HardLink(_) => b'1',
        EntryKind::Symlink(_) => b'2',
        EntryKind::CharDevice(..) => b'3',
        EntryKind::BlockDevice(..) => b'4',
        EntryKind::Directory => b'5',
        EntryKind::Fifo => b'6',
    }
}

/// One frame's records, uncompressed.
pub(crate) fn encode_records(records: &[IndexEntry]) -> Result<Vec<u8>, postcard::Error> {
    let start = Vec::with_capacity(records.len() * 128);
    records
        .iter()
        .try_fold(start, |bytes, record| postcard::to_extend(record, bytes))
}

/// Reads the records of frame number `frame`, whose digest was found to be right.
pub(crate) fn decode_records(bytes: &[u8], frame: usize, count: u32) -> Result<Vec<IndexEntry>> {
    let bad = |_| Error::BadIndex("a record cannot be read");
    let number = u32::try_from(frame).map_err(|_| Error::BadIndex("it has too many frames"))?;
    let mut left = bytes;
    let mut records = Vec::new();
    for _ in 0..count {
        let (mut record, rest): (IndexEntry, _) = postcard::take_from_bytes(left).map_err(bad)?;
        record.frame = number;
        records.push(record);
        left = rest;
    }
    if left.is_empty() {
        Ok(records)
    } else {
        Err(Error::BadIndex("it lists more entries than it says"))
    }
}

/// The frame table, uncompressed.
pub(crate) fn encode_table(frames: &[FrameInfo]) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_allocvec(frames)
}

/// Decompresses a frame table of `frames` frames, and no more than that can take.
pub(crate) fn decompress_table(compressed: &[u8], frames: u64) -> Result<Vec<u8>> {
    let bad = |_| Error::BadIndex("its frame table does not decode");
    let cap = (frames.min(FRAME_LIMIT) + 1) * INFO_CAP;
    let mut table = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(compressed).map_err(bad)?;
    decoder.take(cap + 1).read_to_end(&mut table).map_err(bad)?;
    if table.len() as u64 > cap {
        return Err(Error::BadIndex("its frame table is too long"));
    }
    Ok(table)
}

/// Reads a frame table, whose digest was found to be right.
pub(crate) fn decode_table(table: &[u8]) -> Result<Vec<FrameInfo>> {
    match postcard::take_from_bytes(table) {
        Ok((frames, [])) => Ok(frames),
        _ => Err(Error::BadIndex("its frame table cannot be read")),
    }
}
