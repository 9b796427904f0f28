//! The frame table: whether it is that of the front, and can be true.

use jumpspec::words::digest::Digest;

use crate::error::{Error, Result};
use crate::image::format::{self, FRAME_CAP, FRONT, INDEX_TAG, IndexPlace, PREFIX};
use crate::image::index::{self, FrameInfo, FrameKind, RECORDS_CAP};

/// Makes sure that an index frame begins with `found`.
pub(crate) fn check_prefix(found: &[u8; PREFIX], place: &IndexPlace) -> Result<()> {
    let payload = place.length.checked_sub(PREFIX as u64);
    if payload.and_then(|payload| format::prefix(INDEX_TAG, payload)) == Some(*found) {
        Ok(())
    } else {
        Err(Error::BadIndex("it does not begin where the manifest says"))
    }
}

/// The length of the compressed frame table, if it has its place in the index.
pub(crate) fn table_length(place: &IndexPlace) -> Result<usize> {
    let room = place.length.saturating_sub(PREFIX as u64);
    usize::try_from(place.table_length)
        .ok()
        .filter(|_| place.table_length <= room)
        .ok_or(Error::BadIndex("its frame table is in an impossible place"))
}

/// Reads the frame table from its compressed bytes and holds it against the front.
pub(crate) fn read_table(compressed: &[u8], place: &IndexPlace) -> Result<Vec<FrameInfo>> {
    let table = index::decompress_table(compressed, place.frames)?;
    if Digest::of(&table) != place.digest {
        return Err(Error::BadIndex("its digest differs"));
    }
    let frames = index::decode_table(&table)?;
    if frames.len() as u64 != place.frames {
        return Err(Error::BadIndex("it lists other frames than it says"));
    }
    check_frames(&frames, place)?;
    Ok(frames)
}

/// Whether frames and records fill the image, and can be what they say.
fn check_frames(frames: &[FrameInfo], place: &IndexPlace) -> Result<()> {
    let sum = |of: fn(&FrameInfo) -> u32| frames.iter().map(|frame| u64::from(of(frame))).sum();
    let records: u64 = sum(|frame| frame.records_length);
    let length: u64 = sum(|frame| frame.length);
    let entries: u64 = sum(|frame| frame.entries);
    if FRONT as u64 + length != place.offset {
        return Err(Error::BadIndex("frames do not fill the file"));
    }
    if PREFIX as u64 + records + place.table_length != place.length {
        return Err(Error::BadIndex("records do not fill it"));
    }
    if entries != place.entries {
        return Err(Error::BadIndex("it lists other entries than it says"));
    }
    if frames.iter().any(|frame| !is_possible(frame)) {
        return Err(Error::BadIndex("a frame has an impossible length"));
    }
    check_order(frames)
}

fn is_possible(frame: &FrameInfo) -> bool {
    let holds_entries = !matches!(frame.kind, FrameKind::Part | FrameKind::End);
    // zstd makes nothing larger by more than a 256th and a header, zstd.h, ZSTD_COMPRESSBOUND.
    let bound = FRAME_CAP as u64 + (FRAME_CAP as u64 >> 8) + 1024;
    (1..=FRAME_CAP as u64).contains(&u64::from(frame.raw_length))
        && (1..=bound).contains(&u64::from(frame.length))
        && holds_entries == (frame.entries > 0)
        && holds_entries == (frame.records_length > 0)
        // Each entry has at least a header.
        && u64::from(frame.entries) * 512 <= u64::from(frame.raw_length)
        && frame.records_raw_length <= RECORDS_CAP
        && frame.records_length <= RECORDS_CAP
}

/// The order of frames.
pub(super) fn rank(frame: &FrameInfo) -> FrameKind {
    match frame.kind {
        FrameKind::Part => FrameKind::Files,
        kind => kind,
    }
}

/// For each frame, that in which the last entry begins that has bytes in it.
pub(super) fn heads(frames: &[FrameInfo]) -> Vec<usize> {
    let numbered = frames.iter().enumerate();
    let heads = numbered.scan(0, |head, (number, frame)| {
        if frame.kind != FrameKind::Part {
            *head = number;
        }
        Some(*head)
    });
    heads.collect()
}

/// Directories, then files with their parts, then hard links, then the end.
fn check_order(frames: &[FrameInfo]) -> Result<()> {
    let sorted = frames.is_sorted_by_key(rank);
    let ends = frames
        .iter()
        .filter(|frame| frame.kind == FrameKind::End)
        .count();
    let orphan = frames
        .windows(2)
        .any(|pair| pair[1].kind == FrameKind::Part && rank(&pair[0]) != FrameKind::Files);
    if !sorted || orphan || ends != 1 || frames[0].kind == FrameKind::Part {
        return Err(Error::BadIndex("frames are out of order"));
    }
    Ok(())
}
