//! Files with holes.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::content::noise;

/// A sparse file: its name, its size, and where it has how many bytes of data.
type Shape = (&'static str, u64, Vec<(u64, usize)>);

const MIB: u64 = 1 << 20;
const TIB: u64 = 1 << 40;

/// Small ones, which any tool can read with their zeros.
pub(super) fn plant(root: &Path) -> Result<()> {
    shapes(root, 8 * MIB, 30)
}

/// Files of 1 TiB, of which 6 MiB are data.
pub(super) fn plant_giants(root: &Path) -> Result<()> {
    shapes(root, TIB, 2_000)
}

fn shapes(root: &Path, size: u64, many: u64) -> Result<()> {
    let islands = |many: u64| {
        let apart = size / many / 4096 * 4096;
        let lengths = (1..5_000).step_by(97).cycle();
        (0..many)
            .map(move |number| number * apart + 4096)
            .zip(lengths)
    };
    let shapes: [Shape; 9] = [
        // Beginnings and ends that are no block's.
        (
            "three-islands",
            size,
            vec![
                (70_001, 100_003),
                (size / 2 + 3, 5),
                (size - 200_000, 50_001),
            ],
        ),
        ("many-islands", size, islands(many).collect()),
        (
            "hole-at-the-end",
            size,
            vec![(0, 10_000), (1 << 20, 10_000)],
        ),
        ("all-hole", size, vec![]),
        ("begins-with-data", size, vec![(0, 4096), (size / 2, 4096)]),
        ("ends-with-data", size, vec![(size - 1, 1)]),
        (
            "ends-within-a-block",
            size - 1_000,
            vec![(size - 3_000, 2_000)],
        ),
        ("one-byte-hole", 1, vec![]),
        (
            "small-hole",
            256 << 10,
            vec![(0, 4096), (192 << 10, 64 << 10)],
        ),
    ];
    for (name, size, islands) in shapes {
        plant_one(&root.join(name), size, &islands)
            .with_context(|| format!("cannot make {name} of {size} bytes"))?;
    }
    Ok(())
}

fn plant_one(path: &Path, size: u64, islands: &[(u64, usize)]) -> Result<()> {
    let file = File::create_new(path)?;
    file.set_len(size)?;
    for (at, length) in islands {
        file.write_all_at(&noise(*length), *at)?;
    }
    Ok(())
}
