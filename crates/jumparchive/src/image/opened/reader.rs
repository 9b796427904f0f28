//! Reads frames: digest first, then decoding.

use std::io;

use jumpspec::words::digest::Digest;
use zstd::bulk::Decompressor;
use zstd::zstd_safe::DParameter;

use super::Image;
use crate::error::{Error, Result, io_error};

/// Reads one frame after another into the same memory.
pub(crate) struct FrameReader<'a> {
    image: &'a Image,
    decompressor: Decompressor<'static>,
    compressed: Vec<u8>,
    raw: Aligned,
    /// The frame that `raw` has.
    held: Option<usize>,
}

impl<'a> FrameReader<'a> {
    pub(super) fn new(image: &'a Image) -> Result<Self> {
        let failed = io_error::<io::Error>(b"image", "cannot decode");
        let mut decompressor = Decompressor::new().map_err(failed)?;
        // A digest of the compressed bytes was found to be right: no need for a checksum.
        decompressor
            .set_parameter(DParameter::ForceIgnoreChecksum(true))
            .map_err(io_error(b"image", "cannot decode"))?;
        let largest = image.frames.iter().map(|frame| frame.raw_length).max();
        let mut raw = Aligned::default();
        raw.room(largest.unwrap_or_default() as usize);
        Ok(Self {
            image,
            decompressor,
            compressed: Vec::new(),
            raw,
            held: None,
        })
    }

    /// A frame's tar data, after the frame's digest was found to be right.
    pub(crate) fn frame(&mut self, frame: usize) -> Result<&[u8]> {
        if self.held == Some(frame) {
            return Ok(self.raw.bytes(self.image.frames[frame].raw_length as usize));
        }
        self.held = None;
        let info = &self.image.frames[frame];
        let length = info.length as usize;
        if self.compressed.len() < length {
            self.compressed.resize(length, 0);
        }
        let compressed = &mut self.compressed[..length];
        self.image
            .file
            .read_exact_at(compressed, self.image.offsets[frame])
            .map_err(io_error(b"image", "cannot read"))?;
        if *Digest::of(compressed).as_bytes() != info.digest {
            return Err(Error::BadDigest { frame });
        }
        let bad = |why| Error::BadFrame { frame, why };
        let raw_length = info.raw_length as usize;
        let length = self
            .decompressor
            .decompress_to_buffer(compressed, self.raw.room(raw_length))
            .map_err(|_| bad("it does not decode to its length"))?;
        if length != raw_length {
            return Err(bad("it does not decode to its length"));
        }
        self.held = Some(frame);
        Ok(self.raw.bytes(raw_length))
    }
}

/// Memory that begins where a page may begin, so that what is at a multiple of 512 bytes
/// in it can be written to a disk from there: open(2), O_DIRECT.
#[derive(Default)]
struct Aligned {
    memory: Vec<u8>,
    begin: usize,
}

impl Aligned {
    const ALIGNMENT: usize = 4096;

    fn room(&mut self, length: usize) -> &mut [u8] {
        if self.memory.len() < length + Self::ALIGNMENT {
            self.memory = vec![0; length + Self::ALIGNMENT];
            let begin = self.memory.as_ptr().align_offset(Self::ALIGNMENT);
            self.begin = begin.min(Self::ALIGNMENT);
        }
        &mut self.memory[self.begin..self.begin + length]
    }

    fn bytes(&self, length: usize) -> &[u8] {
        &self.memory[self.begin..self.begin + length]
    }
}
