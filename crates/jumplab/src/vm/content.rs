//! The content of /data: files of pseudo-random bytes, the same every time, and their checksums.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::cache;
use crate::random::SplitMix;

/// How many files /data holds, besides the list of their checksums.
pub const DATA_FILES: u32 = 300;
/// The same for the small world.
pub(super) const SMALL_DATA_FILES: u32 = 40;

/// Fills `folder` with `count` files below `set/` and a list that `sha256sum -c` reads.
pub(super) fn fill(folder: &Path, count: u32) -> Result<()> {
    let mut list = String::new();
    let mut random = SplitMix::new(0x6a75_6d70);
    for number in 0..count {
        let name = format!("set/{:02}/file-{number:03}.bin", number % 16);
        let path = folder.join(&name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        // Up to 256 KiB, and some empty ones.
        let length = if number % 50 == 49 {
            0
        } else {
            random.draw() % (256 << 10)
        };
        std::fs::write(&path, random.bytes(usize::try_from(length)?))?;
        writeln!(list, "{}  {name}", cache::sha256(&path)?)?;
    }
    std::fs::write(folder.join("SHA256SUMS"), &list)?;
    Ok(())
}
