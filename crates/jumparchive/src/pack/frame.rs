//! Fills frames with entries, compresses them, and notes what each holds.

use std::io::{self, Write as _};

use flate2::write::GzEncoder;
use jumpspec::words::digest::Digest;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::{Codec, PackOptions};
use crate::error::{Error, Result, io_error};
use crate::image::format::{FRAME_CAP, FRAME_TARGET};
use crate::image::index::{self, FrameInfo, FrameKind, IndexEntry};
use crate::tar::entry::Entry;
use crate::tar::{block, encode};

/// A window of 2^22 bytes, a whole frame: that makes images smaller by half a percent and
/// takes no time. Decoders go up to 2^27 unasked.
const WINDOW_LOG: u32 = 22;

/// A frame, compressed.
pub(super) struct Frame {
    /// What it holds. Records are described once they are encoded.
    pub(super) info: FrameInfo,
    /// The compressed bytes.
    pub(super) bytes: Vec<u8>,
    /// The records of its entries.
    pub(super) records: Vec<IndexEntry>,
}

/// Makes frames; each thread has its own.
pub(super) struct Framer {
    encoder: Encoder,
    raw: Box<[u8]>,
    filled: usize,
    header: Vec<u8>,
    records: Vec<IndexEntry>,
}

enum Encoder {
    Zstd(Compressor<'static>),
    Gzip,
}

impl Framer {
    pub(super) fn new(options: &PackOptions) -> io::Result<Self> {
        let encoder = match options.codec {
            Codec::Zstd => {
                let mut compressor = Compressor::new(options.level)?;
                compressor.set_parameter(CParameter::ChecksumFlag(true))?;
                compressor.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
                Encoder::Zstd(compressor)
            }
            Codec::Gzip => Encoder::Gzip,
        };
        Ok(Self {
            encoder,
            raw: vec![0; FRAME_CAP].into_boxed_slice(),
            filled: 0,
            header: Vec::new(),
            records: Vec::new(),
        })
    }

    /// Whether an entry with `content` bytes would make the frame too long.
    pub(super) fn is_full_for(&self, content: usize) -> bool {
        // Two blocks of PAX records, the header, and padding.
        self.filled > 0 && self.filled + content + 4 * block::BLOCK > FRAME_TARGET
    }

    /// Puts an entry's headers into the frame; its record follows by [`Framer::note`].
    pub(super) fn begin(&mut self, entry: &Entry) -> Result<u32> {
        self.header.clear();
        encode::append(&mut self.header, entry)
            .map_err(io_error(&entry.path, "cannot store it"))?;
        let end = self.filled + self.header.len();
        if end + FRAME_TARGET + block::BLOCK > FRAME_CAP {
            return Err(Error::HeadersTooBig {
                path: crate::error::shown(&entry.path),
            });
        }
        let offset = self.filled;
        self.raw[offset..end].copy_from_slice(&self.header);
        self.filled = end;
        // Below FRAME_CAP.
        Ok(u32::try_from(offset).unwrap_or(u32::MAX))
    }

    /// Room for the next `length` bytes of content, which the caller fills.
    pub(super) fn room(&mut self, length: usize) -> &mut [u8] {
        let begin = self.filled;
        self.filled += length;
        &mut self.raw[begin..self.filled]
    }

    /// Zeros to the next block after `content` bytes.
    pub(super) fn pad(&mut self, content: u64) {
        let length = block::padding(content).len();
        self.room(length).fill(0);
    }

    /// Notes the record of an entry that began at `offset`.
    pub(super) fn note(&mut self, entry: &Entry, offset: u32, digest: Option<Digest>) {
        let digest = digest.map(|digest| *digest.as_bytes());
        self.records
            .push(IndexEntry::new(entry, (0, offset), digest));
    }

    /// Ends the frame, if there is anything in it.
    pub(super) fn cut(&mut self, kind: FrameKind) -> Result<Option<Frame>> {
        let raw = &self.raw[..std::mem::take(&mut self.filled)];
        if raw.is_empty() {
            return Ok(None);
        }
        let failed = io_error::<io::Error>(b"image", "cannot compress");
        let bytes = self.encoder.encode(raw).map_err(failed)?;
        let records = std::mem::take(&mut self.records);
        let narrow =
            |n: usize| u32::try_from(n).map_err(|_| Error::BadIndex("a frame is too long"));
        Ok(Some(Frame {
            info: FrameInfo {
                kind,
                length: narrow(bytes.len())?,
                raw_length: narrow(raw.len())?,
                digest: *Digest::of(&bytes).as_bytes(),
                entries: narrow(records.len())?,
                records_length: 0,
                records_raw_length: 0,
                records_digest: [0; 32],
            },
            bytes,
            records,
        }))
    }
}

impl Encoder {
    fn encode(&mut self, raw: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd(compressor) => compressor.compress(raw),
            Self::Gzip => {
                // A member of its own, without a time or a name: RFC 1952, 2.2.
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(raw)?;
                encoder.finish()
            }
        }
    }
}

/// Encodes a frame's records, describes them in its [`FrameInfo`] and gives them compressed.
pub(super) fn encode_records(info: &mut FrameInfo, records: &[IndexEntry]) -> io::Result<Vec<u8>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let raw = index::encode_records(records).map_err(io::Error::other)?;
    let compressed = zstd::bulk::compress(&raw, index::LEVEL)?;
    info.records_digest = *Digest::of(&raw).as_bytes();
    info.records_raw_length = u32::try_from(raw.len()).map_err(io::Error::other)?;
    info.records_length = u32::try_from(compressed.len()).map_err(io::Error::other)?;
    Ok(compressed)
}
