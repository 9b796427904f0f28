//! The index: what each frame and each entry must be.
//!
//! A stream of records, each a 32-bit little-endian length and that many bytes of
//! postcard (<https://postcard.jamesmunns.com/wire-format>): first all entries in
//! the order of the tar stream, then all frames. It is read as a stream, so its
//! size does not matter to the reader's memory.

use std::io::{self, Read, Write};

use jumpspec::digest::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::entry::{Entry, EntryKind};
use crate::error::{Error, Result};

/// No record is longer: a path, a link target and some numbers.
const RECORD_CAP: u32 = 1 << 20;
/// Compression level of the index: small, and still a fraction of a second.
const LEVEL: i32 = 9;

/// One frame of the tar stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameInfo {
    /// Compressed bytes; frames follow each other without gaps.
    pub length: u32,
    /// Bytes of tar stream in it.
    pub raw_length: u32,
    /// SHA-256 of the compressed bytes.
    pub digest: [u8; 32],
}

/// One entry of the tar stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Below the root; empty for the root itself.
    pub path: Vec<u8>,
    /// The tar type flag: `0` file, `1` hard link, `2` symlink, `3` `4` devices, `5`
    /// directory, `6` FIFO.
    pub kind: u8,
    /// Of the content, in bytes.
    pub size: u64,
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
    /// The frame in which its headers begin.
    pub frame: u32,
    /// Where in that frame's tar data they begin.
    pub offset: u32,
    /// SHA-256 of a file's content.
    pub digest: Option<[u8; 32]>,
    /// What a hard link is another name for.
    pub link: Option<Vec<u8>>,
}

impl IndexEntry {
    /// The index's record of `entry`, which begins at `place`.
    pub(crate) fn new(entry: &Entry, place: (u32, u32), digest: Option<[u8; 32]>) -> Self {
        Self {
            path: entry.path.clone(),
            kind: type_flag(&entry.kind),
            size: entry.size,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime.seconds,
            mtime_nanoseconds: entry.mtime.nanoseconds,
            frame: place.0,
            offset: place.1,
            digest,
            link: match &entry.kind {
                EntryKind::HardLink(target) => Some(target.clone()),
                _ => None,
            },
        }
    }

    /// Whether this is what `entry` at `place` should have.
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

/// Collects an index, compressed.
pub(crate) struct IndexWriter {
    out: zstd::stream::write::Encoder<'static, Vec<u8>>,
    hash: Sha256,
    raw_length: u64,
    entries: u64,
}

/// A finished index.
pub(crate) struct IndexBytes {
    pub(crate) compressed: Vec<u8>,
    pub(crate) raw_length: u64,
    pub(crate) digest: Digest,
    pub(crate) entries: u64,
}

impl IndexWriter {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            out: zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?,
            hash: Sha256::new(),
            raw_length: 0,
            entries: 0,
        })
    }

    pub(crate) fn push(&mut self, entry: &IndexEntry) -> io::Result<()> {
        self.entries += 1;
        self.record(entry)
    }

    fn record<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let bytes = postcard::to_allocvec(value).map_err(io::Error::other)?;
        let length = u32::try_from(bytes.len())
            .ok()
            .filter(|length| *length <= RECORD_CAP)
            .ok_or_else(|| io::Error::other("a path is too long for the index"))?;
        for part in [&length.to_le_bytes()[..], &bytes] {
            self.hash.update(part);
            self.out.write_all(part)?;
            self.raw_length += part.len() as u64;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self, frames: &[FrameInfo]) -> io::Result<IndexBytes> {
        for frame in frames {
            self.record(frame)?;
        }
        Ok(IndexBytes {
            compressed: self.out.finish()?,
            raw_length: self.raw_length,
            digest: Digest::from_bytes(self.hash.finalize().into()),
            entries: self.entries,
        })
    }
}

/// Reads records from an uncompressed index, keeping its digest.
pub(crate) struct IndexReader<R> {
    input: R,
    hash: Sha256,
    record: Vec<u8>,
}

impl<R: Read> IndexReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            hash: Sha256::new(),
            record: Vec::new(),
        }
    }

    /// The next record, decoded.
    pub(crate) fn next<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T> {
        self.raw()?;
        match postcard::take_from_bytes(&self.record) {
            Ok((value, [])) => Ok(value),
            _ => Err(Error::BadIndex("a record cannot be read")),
        }
    }

    /// Passes over the next record.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.raw()
    }

    fn raw(&mut self) -> Result<()> {
        let short = |_| Error::BadIndex("it does not decode or is cut short");
        let mut length = [0; 4];
        self.input.read_exact(&mut length).map_err(short)?;
        self.hash.update(length);
        let length = u32::from_le_bytes(length);
        if length > RECORD_CAP {
            return Err(Error::BadIndex("a record is too long"));
        }
        self.record.resize(length as usize, 0);
        self.input.read_exact(&mut self.record).map_err(short)?;
        self.hash.update(&self.record);
        Ok(())
    }

    /// The digest of all records, once nothing follows them.
    pub(crate) fn finish(mut self) -> Result<Digest> {
        match self.input.read(&mut [0]) {
            Ok(0) => Ok(Digest::from_bytes(self.hash.finalize().into())),
            _ => Err(Error::BadIndex("there is more than the manifest says")),
        }
    }
}
