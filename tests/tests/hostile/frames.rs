//! zstd frames, by RFC 8878 alone: where they are in a file, and frames made by hand
//! that unpack to far more than they are.

use std::ops::Range;

use anyhow::{Result, anyhow, ensure};

/// Begins a frame (RFC 8878, 3.1.1).
pub(crate) const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// Begins a skippable frame, but for the lowest four bits (RFC 8878, 3.1.2).
pub(crate) const SKIPPABLE: u32 = 0x184D_2A50;
/// No block unpacks to more (RFC 8878, 3.1.1.2.4).
const BLOCK: usize = 128 << 10;

/// An image taken apart: what is skippable in front, frames, what is skippable behind.
pub(crate) struct Parts {
    pub(crate) front: Range<usize>,
    pub(crate) frames: Vec<Range<usize>>,
    pub(crate) index: Range<usize>,
}

/// Takes an image apart.
pub(crate) fn parts(image: &[u8]) -> Result<Parts> {
    let (mut skippable, mut frames) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < image.len() {
        let length = zstd::zstd_safe::find_frame_compressed_size(&image[at..])
            .map_err(|code| anyhow!("{}", zstd::zstd_safe::get_error_name(code)))?;
        let range = at..at + length;
        at += length;
        if image[range.clone()].starts_with(&MAGIC) {
            frames.push(range);
        } else {
            skippable.push(range);
        }
    }
    ensure!(
        skippable.len() == 2 && skippable[0].start == 0 && skippable[1].end == image.len(),
        "the image's skippable frames are at {skippable:?}"
    );
    ensure!(frames.len() >= 4, "there are but {} frames", frames.len());
    Ok(Parts {
        front: skippable[0].clone(),
        index: skippable[1].clone(),
        frames,
    })
}

/// A header without checksum and content size, for a window of 2^`window_log` bytes.
fn header(window_log: u8) -> Vec<u8> {
    [&MAGIC[..], &[0, (window_log - 10) << 3]].concat()
}

/// A block's header (RFC 8878, 3.1.1.2): whether it is the last, its type, its size.
fn block(last: bool, kind: u32, size: usize) -> [u8; 3] {
    let size = u32::try_from(size).expect("a block is small");
    let bytes = (u32::from(last) | kind << 1 | size << 3).to_le_bytes();
    [bytes[0], bytes[1], bytes[2]]
}

/// A frame of blocks that are not compressed.
pub(crate) fn raw(window_log: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = header(window_log);
    for chunk in content.chunks(BLOCK) {
        frame.extend(block(false, 0, chunk.len()));
        frame.extend(chunk);
    }
    frame.extend(block(true, 0, 0));
    frame
}

/// A frame of just `length` bytes in which each four bytes unpack to 128 KiB of zeros:
/// 128 KiB of it to 4 GiB.
pub(crate) fn bomb(length: usize) -> Vec<u8> {
    let mut frame = header(17);
    // Three bytes for the last block's header, and up to three for its content.
    let repeats = (length - frame.len() - 3) / 4;
    for _ in 0..repeats {
        frame.extend(block(false, 1, BLOCK));
        frame.push(0);
    }
    let rest = length - frame.len() - 3;
    frame.extend(block(true, 0, rest));
    frame.resize(length, b'x');
    frame
}

/// A skippable frame around this payload.
pub(crate) fn skippable(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a payload is small");
    [&SKIPPABLE.to_le_bytes()[..], &length.to_le_bytes(), payload].concat()
}
