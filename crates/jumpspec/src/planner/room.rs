//! Whether the image fits into the new file systems: bytes and inodes.

use super::Input;
use super::wished::Wished;
use crate::plan::PlannedDisk;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::size::Size;

/// Whether the unpacked image fits into the new file systems: each takes the
/// directories below its mount point, the root what is left.
pub(super) fn refusals(
    input: &Input<'_>,
    table: &PlannedDisk,
    filesystems: &[Wished],
) -> Vec<Refusal> {
    let manifest = &input.target.manifest;
    let saved = input.facts.saved.iter().filter_map(|path| path.size);
    let saved: Size = saved.chain([super::hooks::added(input)]).sum();
    let below = |mount: &str| {
        manifest
            .directories
            .get(mount.trim_start_matches('/'))
            .copied()
            .unwrap_or_default()
    };
    let elsewhere: Size = filesystems
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
        let there = table.size_after(planned.number);
        let content = if planned.mount == "/" {
            let unpacked = manifest.unpacked.bytes();
            let rest = Size(unpacked.saturating_sub(elsewhere.bytes()));
            [rest, saved].into_iter().sum()
        } else {
            below(&planned.mount)
        };
        // What a file system keeps for itself: inode tables, journal, root's reserve;
        // GRUB's modules and configuration, logs of the first boot.
        let reserve = Size((there.bytes() / 16).min(64 << 20));
        let tables = Size(there.bytes() / 50);
        let needed: Size = [content, tables, reserve, Size::mib(16)].into_iter().sum();
        if needed > there {
            refusals.push(Refusal::new(
                RefusalCode::FilesystemTooSmall,
                format!(
                    "partition {} ({}, {}) is too small: the image {} and what is restored need {} there",
                    planned.number,
                    planned.mount,
                    there,
                    manifest.name,
                    needed
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
        .map(|(it, fs)| {
            let room = table.size_after(it.planned.number);
            fs.inodes(room.bytes())
        })
        .collect();
    let there = inodes?.into_iter().fold(0, u64::saturating_add);
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
