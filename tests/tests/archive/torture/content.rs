//! Contents of sizes around those of blocks and frames, of some that compress and some
//! that do not.

use std::fs;
use std::path::Path;

use anyhow::Result;

/// A frame of an image, before compression.
const FRAME: usize = 4 << 20;

const SIZES: [usize; 17] = [
    0,
    1,
    511,
    512,
    513,
    1023,
    1025,
    4095,
    4096,
    4097,
    131_071,
    262_144,
    262_145,
    1_048_577,
    FRAME - 1,
    FRAME,
    FRAME + 1,
];

pub(super) fn plant(root: &Path) -> Result<()> {
    for size in SIZES {
        fs::write(root.join(format!("noise-{size}")), noise(size))?;
    }
    for size in [6 << 20, 30_000_000] {
        fs::write(root.join(format!("noise-{size}")), noise(size))?;
        fs::write(root.join(format!("text-{size}")), text(size))?;
    }
    // Frames end where they begin, if they are told apart by their content alone.
    fs::write(root.join("same-one"), noise(2 * FRAME))?;
    fs::write(root.join("same-two"), noise(2 * FRAME))?;
    fs::write(root.join("zeros"), vec![0; FRAME + 1])?;
    // An archive in an archive, cut.
    let header = [&b"././@PaxHeader"[..], &[0; 86]].concat();
    Ok(fs::write(root.join("archive"), header.repeat(100))?)
}

/// Enough for every way in which content can end in a block.
pub(super) fn plant_few(root: &Path) -> Result<()> {
    for size in SIZES.iter().filter(|size| **size < FRAME) {
        fs::write(root.join(format!("noise-{size}")), noise(*size))?;
    }
    Ok(())
}

/// Bytes that do not compress, by xorshift64 (Marsaglia, 2003).
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ size as u64;
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn text(size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 40);
    let mut line = 0_u32;
    while bytes.len() < size {
        bytes.extend_from_slice(format!("line {line} of a text like others\n").as_bytes());
        line += 1;
    }
    bytes.truncate(size);
    bytes
}
