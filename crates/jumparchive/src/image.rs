//! An opened image: its manifest, its frames and the way to its entries.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

use jumpspec::digest::Digest;
use jumpspec::manifest::Manifest;

use crate::error::{Error, Result, io_error};
use crate::format::{self, FRAME_CAP, FRONT, Front, INDEX_CAP, INDEX_TAG, IndexPlace, PREFIX};
use crate::index::{FrameInfo, IndexEntry, IndexReader};

/// An opened image whose index has the digest that its front gives.
#[derive(Debug)]
pub struct Image {
    file: File,
    front: Front,
    frames: Vec<FrameInfo>,
    /// Of each frame, in the file; one more at the end.
    offsets: Vec<u64>,
    /// Of each frame, in the tar stream; one more at the end.
    starts: Vec<u64>,
}

impl Image {
    /// Opens an image and checks everything but the frames' contents.
    pub fn open(file: File) -> Result<Self> {
        let mut start = vec![0; FRONT];
        let failed = |source: io::Error| io_error(b"image", "cannot read")(source);
        let length = read_up_to(&file, &mut start).map_err(failed)?;
        let front = format::decode_front(&start[..length])?;
        let actual = file.metadata().map_err(failed)?.len();
        let place = &front.index;
        let expected = place.offset.saturating_add(place.length);
        if place.offset < FRONT as u64 || place.length < PREFIX as u64 {
            return Err(Error::BadIndex("it is in an impossible place"));
        }
        if actual < expected {
            return Err(Error::Truncated { expected, actual });
        }
        if actual > expected {
            return Err(Error::Trailing(actual - expected));
        }
        check_prefix(&file, place)?;
        let frames = read_frames(index_reader(&file, place)?, place)?;
        let offsets = sums(FRONT as u64, frames.iter().map(|frame| frame.length));
        if offsets.last() != Some(&place.offset) {
            return Err(Error::BadIndex("frames do not fill the file"));
        }
        let starts = sums(0, frames.iter().map(|frame| frame.raw_length));
        Ok(Self {
            file,
            front,
            frames,
            offsets,
            starts,
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

    /// The index's entries, in the order of the tar stream.
    pub fn entries(&self) -> Result<impl Iterator<Item = Result<IndexEntry>> + use<'_>> {
        let mut reader = index_reader(&self.file, &self.front.index)?;
        Ok((0..self.front.index.entries).map(move |_| reader.next()))
    }

    /// The offset in the tar stream of what begins at `offset` in `frame`.
    pub(crate) fn stream_offset(&self, frame: u32, offset: u32) -> Result<u64> {
        match self.frames.get(frame as usize) {
            Some(info) if offset < info.raw_length => {
                Ok(self.starts[frame as usize] + u64::from(offset))
            }
            _ => Err(Error::BadIndex("an entry is in no frame")),
        }
    }

    /// The frame and the offset in it of what begins at `offset` in the tar stream.
    pub(crate) fn place(&self, offset: u64) -> (u32, u32) {
        let frame = self
            .starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        (narrow(frame as u64), narrow(offset - self.starts[frame]))
    }

    /// Decodes a frame, after its digest was found to be right.
    pub(crate) fn frame(&self, frame: usize) -> Result<Vec<u8>> {
        let info = &self.frames[frame];
        let mut compressed = vec![0; info.length as usize];
        self.file
            .read_exact_at(&mut compressed, self.offsets[frame])
            .map_err(io_error(b"image", "cannot read"))?;
        if *Digest::of(&compressed).as_bytes() != info.digest {
            return Err(Error::BadDigest { frame });
        }
        decode_frame(&compressed, info, frame)
    }
}

/// Decodes a frame whose digest is right.
fn decode_frame(compressed: &[u8], info: &FrameInfo, frame: usize) -> Result<Vec<u8>> {
    let bad = |why| Error::BadFrame { frame, why };
    let data = zstd::bulk::decompress(compressed, info.raw_length as usize)
        .map_err(|_| bad("it does not decode to its length"))?;
    if data.len() != info.raw_length as usize {
        return Err(bad("it is shorter than the index says"));
    }
    Ok(data)
}

fn read_up_to(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn check_prefix(file: &File, place: &IndexPlace) -> Result<()> {
    let mut found = [0; PREFIX];
    file.read_exact_at(&mut found, place.offset)
        .map_err(io_error(b"image", "cannot read"))?;
    let payload = usize::try_from(place.length)
        .ok()
        .map(|length| length - PREFIX);
    if payload.and_then(|payload| format::prefix(INDEX_TAG, payload)) == Some(found) {
        Ok(())
    } else {
        Err(Error::BadIndex("it does not begin where the manifest says"))
    }
}

/// A stretch of a file.
struct Stretch<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Stretch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Reads the uncompressed index, and no more than it should have and a byte.
fn index_reader<'a>(
    file: &'a File,
    place: &IndexPlace,
) -> Result<IndexReader<impl Read + use<'a>>> {
    let stretch = Stretch {
        file,
        at: place.offset + PREFIX as u64,
        end: place.offset + place.length,
    };
    raw_index(stretch, place)
}

/// Reads the uncompressed index from its compressed bytes.
pub(crate) fn raw_index<R: Read>(
    compressed: R,
    place: &IndexPlace,
) -> Result<IndexReader<impl Read + use<R>>> {
    if place.raw_length > INDEX_CAP {
        return Err(Error::BadIndex("it is too large"));
    }
    let decoder = zstd::stream::read::Decoder::new(compressed)
        .map_err(io_error(b"image", "cannot read the index"))?;
    Ok(IndexReader::new(BufReader::new(
        decoder.take(place.raw_length + 1),
    )))
}

/// Passes over the entries and reads the frames; the digest must be right.
pub(crate) fn read_frames<R: Read>(
    mut reader: IndexReader<R>,
    place: &IndexPlace,
) -> Result<Vec<FrameInfo>> {
    (0..place.entries).try_for_each(|_| reader.skip())?;
    let mut frames: Vec<FrameInfo> = Vec::new();
    for _ in 0..place.frames {
        let frame: FrameInfo = reader.next()?;
        if frame.length == 0 || frame.raw_length == 0 || frame.raw_length > FRAME_CAP {
            return Err(Error::BadIndex("a frame has an impossible length"));
        }
        frames.push(frame);
    }
    if reader.finish()? != place.digest {
        return Err(Error::BadIndex("its digest differs"));
    }
    Ok(frames)
}

/// `first` and its sums with the lengths.
fn sums(first: u64, lengths: impl Iterator<Item = u32>) -> Vec<u64> {
    let mut sums = vec![first];
    let mut sum = first;
    for length in lengths {
        sum += u64::from(length);
        sums.push(sum);
    }
    sums
}
