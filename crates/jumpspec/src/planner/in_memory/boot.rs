//! The partition of /boot as what keeps the files of a jump system in memory, on a node that boots by a
//! BIOS.

use super::ANOTHER_WAY;
use crate::disk::{Disk, FoundPartition};
use crate::image::fitness;
use crate::job::Action;
use crate::node::facts::{Facts, FoundBoot, Mount};
use crate::node::fstab::Line;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::planner::{Input, is_stacked, landing};
use crate::words::size::Size;

/// The features of an ext4 without which nobody may read it and that GRUB reads it with, or has no need
/// to know (GRUB 2.06 of Debian 12, `grub-core/fs/ext2.c`; tried with grub-fstest), by their names in
/// ext4(5).
const READ_BY_GRUB: [(&str, u32); 10] = [
    ("filetype", 0x2),
    // A journal to replay, which the first mount does.
    ("needs_recovery", 0x4),
    ("meta_bg", 0x10),
    ("extents", 0x40),
    ("64bit", 0x80),
    ("mmp", 0x100),
    ("flex_bg", 0x200),
    ("metadata_csum_seed", 0x2000),
    ("large_dir", 0x4000),
    ("encrypt", 0x1_0000),
];
/// Those that it does not read, as far as they have names.
const NOT_READ: [(&str, u32); 4] = [
    ("journal_dev", 0x8),
    ("ea_inode", 0x400),
    ("inline_data", 0x8000),
    ("casefold", 0x2_0000),
];

/// The partition, which is one of the planned disk's.
pub(super) fn partition<'a>(
    input: &Input<'a>,
    disk: &'a Disk,
) -> Result<&'a FoundPartition, Refusal> {
    let facts = input.facts;
    let Some(boot) = &facts.boot else {
        return Err(none(facts));
    };
    let mut partitions = disk.partitions.iter();
    let found = partitions.find(|partition| partition.device == boot.device);
    found.ok_or_else(|| {
        landing::none(
            format!(
                "{}, the partition of /boot, is not on {}, the disk that boots and is replaced",
                boot.device, disk.device
            ),
            ANOTHER_WAY,
        )
    })
}

/// Why there is none.
fn none(facts: &Facts) -> Refusal {
    if let Some(mount) = mounted(facts) {
        return landing::none(
            format!(
                "{} at /boot is {}, and a system in memory is booted from an ext2, ext3 or ext4",
                mount.device, mount.fs
            ),
            ANOTHER_WAY,
        );
    }
    match in_fstab(facts) {
        Some(line) => landing::none(
            format!(
                "/boot is on a partition of its own ({} in fstab), which is not mounted, so what is free there is not known",
                line.device
            ),
            "`mount /boot` on the node, then try again",
        ),
        None => landing::none(
            "this node has no partition of its own for /boot to boot a system in memory from"
                .to_owned(),
            ANOTHER_WAY,
        ),
    }
}

/// Whether /boot is on a partition that nobody has mounted (`noauto`).
pub(super) fn is_unmounted(facts: &Facts) -> bool {
    mounted(facts).is_none() && in_fstab(facts).is_some()
}

fn mounted(facts: &Facts) -> Option<&Mount> {
    facts.mounts.iter().find(|mount| mount.target == "/boot")
}

fn in_fstab(facts: &Facts) -> Option<Line> {
    let mut lines = facts.fstab.lines().filter_map(Line::parse);
    lines.find(|line| line.mount == "/boot")
}

/// What is free there, with what goes first.
pub(super) fn free(facts: &Facts) -> Size {
    let boot = facts.boot.as_ref();
    boot.map_or(Size(0), |boot| [boot.free, boot.left].into_iter().sum())
}

/// What stands against it.
pub(super) fn refusals(input: &Input<'_>, partition: &FoundPartition) -> Vec<Refusal> {
    let device = &partition.device;
    let unfit = |why: String, hint: &str| {
        let message = format!("{device}, the partition of /boot, {why}");
        Refusal::new(RefusalCode::BootUnfit, message, hint)
    };
    let mut refusals: Vec<Refusal> = of_layout(input, partition).into_iter().collect();
    let content = partition.content.as_ref();
    if content.is_some_and(|content| is_stacked(&content.kind)) || !partition.holders.is_empty() {
        refusals.push(Refusal::new(
            RefusalCode::LandingStacked,
            format!("{device}, the partition of /boot, is part of LVM, RAID or LUKS"),
            "leave room that belongs to no partition, or name another partition with [landing] partition = \"/dev/…\"",
        ));
    }
    if let Some(boot) = &input.facts.boot {
        refusals.extend(of_files(boot, unfit));
    }
    if !fitness::can_make(&input.jump.manifest, crate::disk::Filesystem::Ext4) {
        let image = &input.jump.manifest.name;
        refusals.push(Refusal::new(
            RefusalCode::ImageUnfit,
            format!(
                "the jump image {image} has no e2fsprogs, which mend the partition of /boot after a power cut"
            ),
            "install e2fsprogs in its golden root and build it again",
        ));
    }
    refusals
}

/// What would keep files from being written there, or GRUB from reading them.
fn of_files(boot: &FoundBoot, unfit: impl Fn(String, &str) -> Refusal) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if !boot.writable {
        refusals.push(unfit(
            "is mounted read-only".to_owned(),
            "`mount -o remount,rw /boot` on the node",
        ));
    }
    if boot.data_in_journal {
        refusals.push(unfit(
            "has what is written to its files in its journal first, which no loader reads".to_owned(),
            "mount it with data=ordered, and take journal_data from its default options (`tune2fs -o ^journal_data`)",
        ));
    }
    let read: u32 = READ_BY_GRUB.iter().map(|(_, bit)| bit).sum();
    let not_read = boot.features & !read;
    if not_read != 0 {
        let known = NOT_READ.iter().filter(|(_, bit)| not_read & bit != 0);
        let names: Vec<&str> = known.map(|(name, _)| *name).collect();
        refusals.push(unfit(
            format!(
                "is made with features that the selector's GRUB does not read ({not_read:#x} {})",
                names.join(" ")
            ),
            "leave room that belongs to no partition, or name a partition with [landing] partition = \"/dev/…\"",
        ));
    }
    refusals
}

/// Until the end of the run it has to stay as it is.
fn of_layout(input: &Input<'_>, partition: &FoundPartition) -> Option<Refusal> {
    let action = input.job.layout.action(partition.number);
    let changes = !matches!(action, None | Some(Action::Keep));
    changes.then(|| {
        Refusal::new(
            RefusalCode::LandingInLayout,
            format!(
                "the layout changes {}, the partition of /boot, which the jump system is booted from",
                partition.device
            ),
            "leave it out of the layout: the new system has its /boot in its root, and that partition is free to be used once the run is over",
        )
    })
}
