//! The content of /data: files of pseudo-random bytes, the same every time, and their checksums.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::cache;

/// How many files /data holds, besides the list of their checksums.
pub const DATA_FILES: u32 = 300;

/// Fills `folder` with files below `set/` and returns the list that `sha256sum -c` reads.
pub(super) fn fill(folder: &Path) -> Result<String> {
    let mut list = String::new();
    let mut random = SplitMix(0x6a75_6d70);
    for number in 0..DATA_FILES {
        let name = format!("set/{:02}/file-{number:03}.bin", number % 16);
        let path = folder.join(&name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        // Up to 256 KiB, and some empty ones.
        let length = if number % 50 == 49 {
            0
        } else {
            random.next() % (256 << 10)
        };
        std::fs::write(&path, random.bytes(usize::try_from(length)?))?;
        writeln!(list, "{}  {name}", cache::sha256(&path)?)?;
    }
    std::fs::write(folder.join("SHA256SUMS"), &list)?;
    Ok(list)
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}
