//! Takes one entry with its content out of an image.

use jumpspec::words::digest::Digest;

use crate::error::{Error, Refusal, Result, refuse, shown};
use crate::image::index::IndexEntry;
use crate::image::opened::{FrameReader, Image};
use crate::tar::block;
use crate::tar::decode::{Headers, Parsed};
use crate::tar::entry::{Entry, EntryKind};
use crate::tree::extents;

/// The entry that `record` is of, and its content as whoever reads the file sees it: both
/// were found to be what the record says. Their size is the caller's to look at before.
pub(crate) fn of(
    image: &Image,
    reader: &mut FrameReader<'_>,
    record: &IndexEntry,
) -> Result<(Entry, Vec<u8>)> {
    let frame = record.frame as usize;
    let differs = || refuse(&record.path, Refusal::Index);
    let data = reader.frame(frame)?;
    let data = data.get(record.offset as usize..).ok_or_else(differs)?;
    let Parsed::Entry { consumed, entry } = Headers::new().parse(data)? else {
        return Err(differs());
    };
    if !record.describes(&entry, (record.frame, record.offset)) {
        return Err(differs());
    }
    let length = usize::try_from(entry.stored()).map_err(|_| differs())?;
    let data = &data[consumed..];
    let mut stored = data[..length.min(data.len())].to_vec();
    for part in image.parts(frame) {
        if stored.len() == length {
            break;
        }
        let data = reader.frame(part)?;
        stored.extend_from_slice(&data[..(length - stored.len()).min(data.len())]);
    }
    if stored.len() < length {
        return Err(differs());
    }
    if entry.kind == EntryKind::File && record.digest != Some(*Digest::of(&stored).as_bytes()) {
        let path = shown(&record.path);
        return Err(Error::BadContent { path });
    }
    let content = match entry.map {
        Some(_) => with_holes(&entry, &stored),
        None => stored,
    };
    Ok((entry, content))
}

/// A sparse file's content. It is not large, or the caller would not have asked for it.
fn with_holes(entry: &Entry, stored: &[u8]) -> Vec<u8> {
    let narrow = |n: u64| usize::try_from(n).unwrap_or_default();
    let mut content = vec![0; narrow(entry.size)];
    let mut at = 0;
    for (offset, length) in extents::stretches(entry, 0, entry.stored()) {
        let (offset, length) = (narrow(offset), narrow(length));
        content[offset..offset + length].copy_from_slice(&stored[at..at + length]);
        at += length;
    }
    content
}

/// The tar data of the entry that begins at `offset` in `frame` and ends at `end` in it,
/// or where its parts do.
pub(crate) fn stretch(
    image: &Image,
    reader: &mut FrameReader<'_>,
    frame: usize,
    offset: u32,
    end: Option<u32>,
) -> Result<Vec<u8>> {
    let data = reader.frame(frame)?;
    let last = end.map_or(data.len(), |end| end as usize);
    let bytes = data.get(offset as usize..last);
    let mut bytes = bytes
        .ok_or(Error::BadIndex("entries are out of order"))?
        .to_vec();
    if end.is_none() {
        for part in image.parts(frame) {
            bytes.extend_from_slice(reader.frame(part)?);
        }
    }
    debug_assert!(bytes.len().is_multiple_of(block::BLOCK));
    Ok(bytes)
}
