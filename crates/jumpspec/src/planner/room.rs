//! Whether the image fits into the new file systems: bytes and inodes.

use super::Input;
use super::filesystems::Wished;
use crate::limits;
use crate::plan::PlannedDisk;
use crate::refusal::{Refusal, RefusalCode};
use crate::size::Size;

/// The length of a partition of the new table in bytes.
pub(super) fn bytes(table: &PlannedDisk, number: u32) -> u64 {
    let found = table
        .after
        .iter()
        .find(|partition| partition.number == number);
    found.map_or(0, |partition| partition.size().bytes())
}

/// Whether the unpacked image fits into the new file systems: each takes the
/// directories below its mount point, the root what is left.
pub(super) fn refusals(
    input: &Input<'_>,
    table: &PlannedDisk,
    filesystems: &[Wished],
) -> Vec<Refusal> {
    let manifest = &input.target.manifest;
    let saved: u64 = input
        .facts
        .saved
        .iter()
        .filter_map(|path| path.size)
        .map(Size::bytes)
        .sum();
    let below = |mount: &str| {
        manifest
            .directories
            .get(mount.trim_start_matches('/'))
            .copied()
            .unwrap_or_default()
            .bytes()
    };
    let elsewhere: u64 = filesystems
        .iter()
        .map(|filesystem| below(&filesystem.planned.mount))
        .sum();
    let mut refusals: Vec<Refusal> = too_few_inodes(input, table, filesystems)
        .into_iter()
        .collect();
    for filesystem in filesystems
        .iter()
        .filter(|filesystem| !filesystem.planned.kept)
    {
        let planned = &filesystem.planned;
        let there = bytes(table, planned.number);
        let content = if planned.mount == "/" {
            manifest.unpacked.bytes().saturating_sub(elsewhere) + saved
        } else {
            below(&planned.mount)
        };
        // What a file system keeps for itself: inode tables, journal, root's reserve;
        // GRUB's modules and configuration, logs of the first boot.
        let needed = content + there / 50 + (there / 16).min(64 << 20) + (16 << 20);
        if needed > there {
            refusals.push(Refusal::new(
                RefusalCode::FilesystemTooSmall,
                format!(
                    "partition {} ({}, {}) is too small: the image {} and what is restored need {} there",
                    planned.number,
                    planned.mount,
                    Size(there),
                    manifest.name,
                    Size(needed)
                ),
                "give it more room with action = \"create\" and size, or make the image smaller",
            ));
        }
    }
    refusals
}

/// Whether all new file systems together have an inode for each of the image's. How many go to
/// which is not known.
fn too_few_inodes(
    input: &Input<'_>,
    table: &PlannedDisk,
    filesystems: &[Wished],
) -> Option<Refusal> {
    let made = filesystems.iter().filter_map(|it| Some((it, it.make?)));
    let inodes: Option<Vec<u64>> = made
        .map(|(it, fs)| limits::inodes(fs.name(), bytes(table, it.planned.number)))
        .collect();
    let there: u64 = inodes?.iter().sum();
    let manifest = &input.target.manifest;
    (manifest.inodes > there).then(|| {
        Refusal::new(
            RefusalCode::FilesystemTooSmall,
            format!(
                "the image {} has {} inodes; the new file systems have {there}",
                manifest.name, manifest.inodes
            ),
            "ask for fs = \"xfs\", which makes inodes as it needs them, or give more room",
        )
    })
}
