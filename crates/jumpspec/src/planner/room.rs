//! Whether the image fits into the new file systems: bytes and inodes.

use super::wished::Wished;
use super::{Input, copies};
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
        let (copied, copied_inodes) = copies::going_to(input, planned.number);
        let content: Size = [content, copied].into_iter().sum();
        // What a file system keeps for itself: inode tables, journal, root's reserve;
        // GRUB's modules and configuration, logs of the first boot.
        let reserve = Size((there.bytes() / 16).min(64 << 20));
        let tables = Size(there.bytes() / 50);
        let needed: Size = [content, tables, reserve, Size::mib(16)].into_iter().sum();
        if needed > there {
            refusals.push(Refusal::new(
                RefusalCode::FilesystemTooSmall,
                format!(
                    "partition {} ({}, {}) is too small: the image {} and what is restored{} need {} there",
                    planned.number,
                    planned.mount,
                    there,
                    manifest.name,
                    if copied_inodes > 0 { " and copied" } else { "" },
                    needed
                ),
                "give it more room with action = \"create\" and size, or make the image smaller",
            ));
        }
    }
    refusals
}

/// Whether each new file system has an inode for each that is copied to it, and all together one for
/// each of the image's too: how many of those go to which is not known.
fn too_few_inodes(
    input: &Input<'_>,
    table: &PlannedDisk,
    filesystems: &[Wished],
) -> Option<Refusal> {
    let made = filesystems.iter().filter_map(|it| Some((it, it.make?)));
    // Of each: its number, the inodes that are copied to it, and those that it has.
    let rooms: Vec<(u32, u64, Option<u64>)> = made
        .map(|(it, fs)| {
            let number = it.planned.number;
            let there = fs.inodes(table.size_after(number).bytes());
            (number, copies::going_to(input, number).1, there)
        })
        .collect();
    let full = rooms.iter().find_map(|(number, copied, there)| {
        let there = there.filter(|there| there < copied)?;
        Some(format!(
            "what is copied to partition {number} has {copied} inodes; its file system has {there}"
        ))
    });
    let there: Option<Vec<u64>> = rooms.iter().map(|(_, _, there)| *there).collect();
    let there = there.map(|there| there.into_iter().fold(0, u64::saturating_add));
    let manifest = &input.target.manifest;
    let copied = rooms.iter().map(|(_, copied, _)| *copied);
    let copied = copied.fold(0, u64::saturating_add);
    let all_full = there.filter(|there| *there < manifest.inodes.saturating_add(copied));
    let all_full = all_full.map(|there| match copied {
        0 => format!(
            "the image {} has {} inodes; the new file systems have {there}",
            manifest.name, manifest.inodes
        ),
        copied => format!(
            "the image {} has {} inodes, and what is copied {copied}; the new file systems have {there}",
            manifest.name, manifest.inodes
        ),
    });
    full.or(all_full).map(|message| {
        Refusal::new(
            RefusalCode::FilesystemTooSmall,
            message,
            "ask for fs = \"xfs\", which makes inodes as it needs them, or give more room",
        )
    })
}
