//! Writes frames to the image in order, their records aside, and the index at the end.

use std::io::{self, Read, Seek, SeekFrom, Write as _};

use jumpspec::words::digest::{Digest, Hasher};
use tempfile::SpooledTempFile;

use super::frame::{Frame, encode_records};
use super::pool::Pool;
use super::tally::Tally;
use super::work::{Outcome, Work};
use super::{Codec, PackOptions};
use crate::error::{Error, Result};
use crate::image::format::{self, FRONT, INDEX_TAG, IndexPlace, PREFIX};
use crate::image::index::{self, FrameInfo, IndexEntry};
use crate::image::medium::WriteAt;

/// Records beyond this wait in a temporary file until the frames are written: a
/// million entries have fifty MiB of them.
const RECORDS_IN_MEMORY: usize = 8 << 20;
/// Bytes copied at once.
const COPIED: usize = 256 << 10;

/// Frames on their way into an image.
pub(super) struct Writer {
    out: Box<dyn WriteAt>,
    codec: Codec,
    position: u64,
    pool: Pool,
    frames: Vec<FrameInfo>,
    records: SpooledTempFile,
    records_length: u64,
    records_hasher: Hasher,
    /// The first frame of a large file, whose digest comes with its last piece.
    open: Option<(usize, Vec<IndexEntry>)>,
    tally: Tally,
    hasher: Hasher,
}

/// What is written, all but the front.
pub(super) struct Written {
    pub(super) out: Box<dyn WriteAt>,
    pub(super) tally: Tally,
    /// Of the file, in bytes.
    pub(super) size: u64,
    /// Where the index is; nothing in a plain archive.
    pub(super) index: Option<IndexPlace>,
    /// Of the frame table; in a plain archive of the whole file.
    pub(super) digest: Digest,
}

impl Writer {
    pub(super) fn new(out: Box<dyn WriteAt>, options: &PackOptions) -> io::Result<Self> {
        Ok(Self {
            out,
            codec: options.codec,
            position: match options.codec {
                Codec::Zstd => FRONT as u64,
                Codec::Gzip => 0,
            },
            pool: Pool::new(options)?,
            frames: Vec::new(),
            records: tempfile::spooled_tempfile(RECORDS_IN_MEMORY),
            records_length: 0,
            records_hasher: Hasher::default(),
            open: None,
            tally: Tally::default(),
            hasher: Hasher::default(),
        })
    }

    /// Bytes of content that are written.
    pub(super) fn content(&self) -> u64 {
        self.tally.content
    }

    /// Has work done, and writes what is ready before too much of it is under way.
    pub(super) fn submit(&mut self, work: Work) -> Result<()> {
        while self.pool.is_full() {
            self.take_next()?;
        }
        self.pool.submit(work)
    }

    /// Writes the outcome of the oldest work; says whether there was any.
    fn take_next(&mut self) -> Result<bool> {
        let Some(outcome) = self.pool.next() else {
            return Ok(false);
        };
        let Outcome {
            frames,
            tally,
            digest,
        } = outcome?;
        for frame in frames {
            self.frame(frame)?;
        }
        self.tally.merge(tally);
        if let Some(digest) = digest {
            self.close(digest)?;
        }
        Ok(true)
    }

    fn frame(&mut self, frame: Frame) -> Result<()> {
        let Frame {
            info,
            bytes,
            records,
        } = frame;
        self.out
            .write_all_at(&bytes, self.position)
            .map_err(Error::Output)?;
        self.position += bytes.len() as u64;
        let number = self.frames.len();
        self.frames.push(info);
        if self.codec == Codec::Gzip {
            self.hasher.update(&bytes);
            return Ok(());
        }
        let lacks_digest = |record: &IndexEntry| record.kind == b'0' && record.digest.is_none();
        if records.iter().any(lacks_digest) {
            self.open = Some((number, records));
            return Ok(());
        }
        self.write_records(number, &records)
    }

    /// A large file is complete.
    fn close(&mut self, digest: Digest) -> Result<()> {
        let Some((number, mut records)) = self.open.take() else {
            return Ok(());
        };
        for record in &mut records {
            record.digest = Some(*digest.as_bytes());
        }
        self.write_records(number, &records)
    }

    fn write_records(&mut self, number: usize, records: &[IndexEntry]) -> Result<()> {
        let bytes = encode_records(&mut self.frames[number], records).map_err(Error::Output)?;
        self.records_length += bytes.len() as u64;
        self.records_hasher.update(&bytes);
        self.records.write_all(&bytes).map_err(Error::Output)
    }

    /// Writes what is left and the index.
    pub(super) fn finish(mut self) -> Result<Written> {
        self.pool.submit(Work::End)?;
        while self.take_next()? {}
        let (index, digest) = match self.codec {
            Codec::Zstd => {
                let place = self.write_index()?;
                let digest = place.digest;
                (Some(place), digest)
            }
            Codec::Gzip => (None, self.hasher.clone().finish()),
        };
        self.pool.finish()?;
        Ok(Written {
            size: self.position + index.as_ref().map_or(0, |place| place.length),
            out: self.out,
            tally: self.tally,
            index,
            digest,
        })
    }

    fn write_index(&mut self) -> Result<IndexPlace> {
        let table =
            index::encode_table(&self.frames).map_err(|e| Error::Output(io::Error::other(e)))?;
        let compressed = zstd::bulk::compress(&table, index::LEVEL).map_err(Error::Output)?;
        let payload = self.records_length + compressed.len() as u64;
        let prefix =
            format::prefix(INDEX_TAG, payload).ok_or(Error::BadIndex("it is too large"))?;
        let mut position = self.position;
        self.out
            .write_all_at(&prefix, position)
            .map_err(Error::Output)?;
        position += PREFIX as u64;
        self.records
            .seek(SeekFrom::Start(0))
            .map_err(Error::Output)?;
        let mut buffer = vec![0; COPIED];
        loop {
            let read = self.records.read(&mut buffer).map_err(Error::Output)?;
            if read == 0 {
                break;
            }
            self.out
                .write_all_at(&buffer[..read], position)
                .map_err(Error::Output)?;
            position += read as u64;
        }
        self.out
            .write_all_at(&compressed, position)
            .map_err(Error::Output)?;
        Ok(IndexPlace {
            offset: self.position,
            length: PREFIX as u64 + payload,
            table_length: compressed.len() as u64,
            digest: Digest::of(&table),
            records_digest: self.records_hasher.clone().finish(),
            frames: self.frames.len() as u64,
            entries: self.tally.entries,
        })
    }
}
