//! The disk that boots and is replaced: which it is, what it becomes, where the
//! selector finds room on it.

use std::slice;

use super::layout::new_table;
use super::{Input, derived_uuid, is_stacked, named};
use crate::boot::bios::LARGEST_CORE;
use crate::boot::{BiosBoot, PlannedBoot};
use crate::disk::table::GPT_BIOS_BOOT;
use crate::disk::{
    BootArea, Disk, Extent, FoundPartition, Partition, Slot, TableKind, UNKNOWN,
    planned as planned_among,
};
use crate::job::Action;
use crate::node::facts::Firmware;
use crate::plan::PlannedDisk;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::size::Size;

/// Room for the selector's core image: about 160 KiB with the modules that it has.
const SELECTOR_SECTORS: u64 = 640;
/// The least room for the new system's own core image: Debian's is about 60 KiB on ext4.
const CORE_SECTORS: u64 = 512;
/// The logical sectors of a disk that boots by a BIOS, or has an MBR.
const SMALL_SECTOR: u32 = 512;
/// Those that a GPT on a node with a UEFI may have besides.
const LARGE_SECTOR: u32 = 4096;

/// The disk that the job means.
pub(super) fn chosen<'a>(input: &Input<'a>) -> Result<&'a Disk, Refusal> {
    let facts = input.facts;
    if input.job.layout.disk == "root" {
        return facts.root().map(|(disk, _)| disk).ok_or_else(|| {
            Refusal::new(
                RefusalCode::RootNotOnDisk,
                "the root file system is not on a partition of a disk (LVM, RAID or a network?)",
                "name the disk to replace with [layout] disk = \"/dev/…\"",
            )
        });
    }
    let wanted = &input.job.layout.disk;
    facts
        .disks
        .iter()
        .find(|disk| &disk.device == wanted)
        .ok_or_else(|| {
            let there: Vec<_> = facts
                .disks
                .iter()
                .map(|disk| disk.device.as_str())
                .collect();
            Refusal::new(
                RefusalCode::LayoutImpossible,
                format!("there is no disk {wanted}"),
                format!("this node has {}", there.join(", ")),
            )
        })
}

/// What stands against this disk.
pub(super) fn refusals(input: &Input<'_>, disk: &Disk) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = boots_elsewhere(input, disk).into_iter().collect();
    refusals.extend(unfit(input, disk));
    refusals
}

/// What stands against any disk that a run works with.
pub(super) fn unfit(input: &Input<'_>, disk: &Disk) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = twins(input, disk).into_iter().collect();
    // Asked as the jump system will ask.
    if planned_among(slice::from_ref(disk), &disk.identities, disk.sectors).is_err() {
        refusals.push(Refusal::new(
            RefusalCode::DiskNotIdentifiable,
            format!(
                "{} has no world-wide name, no serial number and no table identifier that tells it from others",
                named(disk)
            ),
            "give its partition table an identifier (sfdisk --disk-id)",
        ));
    }
    refusals.extend(sectors(input, disk));
    refusals.extend(stale_table(disk));
    refusals
}

/// Sectors that nobody here counts in.
fn sectors(input: &Input<'_>, disk: &Disk) -> Option<Refusal> {
    let is_gpt = disk
        .table
        .as_ref()
        .is_some_and(|it| it.kind == TableKind::Gpt);
    let may_be_large = is_gpt && input.facts.firmware == Firmware::Uefi;
    let is_known = match disk.logical_sector {
        SMALL_SECTOR => true,
        LARGE_SECTOR => may_be_large,
        _ => false,
    };
    (!is_known).then(|| {
        Refusal::new(
            RefusalCode::SectorSizeUnsupported,
            format!(
                "{} has sectors of {} bytes; {SMALL_SECTOR} are supported, and {LARGE_SECTOR} on a GPT of a node that boots by UEFI",
                named(disk),
                disk.logical_sector
            ),
            "jump this node another way",
        )
    })
}

/// Disks that a run could not tell from this one. It is known by its hardware, and where that
/// says nothing by its table, which a copy shares.
fn twins(input: &Input<'_>, disk: &Disk) -> Option<Refusal> {
    let twin = input.facts.disks.iter().find(|other| {
        other.device != disk.device && other.is_like(&disk.identities, disk.sectors)
    })?;
    Some(Refusal::new(
        RefusalCode::DiskNotIdentifiable,
        format!(
            "{} and {} have the same length and the same serial number or table identifier",
            named(disk),
            twin.device
        ),
        "give one a table identifier of its own (sfdisk --disk-id), or take it out",
    ))
}

/// The firmware's word, where there is one, on which disk boots.
fn boots_elsewhere(input: &Input<'_>, disk: &Disk) -> Option<Refusal> {
    let said = input.facts.bios_disk.as_deref()?;
    let has = |disk: &&Disk| disk.table.as_ref().is_some_and(|table| table.id == said);
    let found: Vec<&Disk> = input.facts.disks.iter().filter(has).collect();
    let elsewhere = !found.is_empty() && found.iter().all(|other| other.device != disk.device);
    (elsewhere && input.job.layout.disk == "root").then(|| {
        Refusal::new(
            RefusalCode::BootsFromAnotherDisk,
            format!(
                "the firmware boots from {} (signature {said}), and the root lies on {}",
                found[0].device, disk.device
            ),
            format!(
                "if {} boots all the same, say so with [layout] disk = \"{}\"; else let the firmware boot from it first",
                disk.device, disk.device
            ),
        )
    })
}

/// What the disk that boots is known by, for people to read, unless there is only one that could
/// boot.
pub(super) fn how_it_boots(input: &Input<'_>, device: &str) -> Option<String> {
    let grub = |disk: &&Disk| disk.loader.as_ref().is_some_and(BootArea::is_grub);
    let others: Vec<&str> = input
        .facts
        .disks
        .iter()
        .filter(grub)
        .map(|disk| disk.device.as_str())
        .filter(|other| *other != device)
        .collect();
    (!others.is_empty()).then(|| {
        let known = match &input.facts.bios_disk {
            Some(said) => format!("the firmware names signature {said}"),
            None if input.job.layout.disk == "root" => "it carries the root".to_owned(),
            None => "the job says so".to_owned(),
        };
        format!(
            "{} has GRUB's boot sector too; {device} is taken for the disk that boots, because {known}. Were it another, the next boot would be the old system's again",
            others.join(", ")
        )
    })
}

/// Device names mean what the kernel knows; the plan, and the next boot, go by what is on the disk.
fn stale_table(disk: &Disk) -> Option<Refusal> {
    // Tables of kinds that are not read here have partitions that only the kernel knows.
    disk.table.as_ref()?;
    let known = disk.kernel_partitions.as_ref()?;
    let on_disk: Vec<Slot> = disk.partitions.iter().map(as_known).collect();
    let missing = |all: &[Slot], one: &Slot| !all.contains(one);
    let unread = on_disk.iter().find(|there| missing(known, there));
    let vanished = known.iter().find(|there| missing(&on_disk, there));
    let (place, partition) = unread
        .map(|there| ("only in the table on the disk", there))
        .or_else(|| vanished.map(|there| ("only known to the kernel", there)))?;
    Some(Refusal::new(
        RefusalCode::PartitionTableStale,
        format!(
            "the kernel has not read the partition table of {} as it is now: partition {} at \
             sectors {} to {} is {place}",
            named(disk),
            partition.number,
            partition.extent.start,
            partition.extent.end().saturating_sub(1),
        ),
        format!(
            "let the kernel read it again (`partx --update {0}`), or reboot the node; if the table \
             on the disk is the wrong one, mend it first (`sfdisk --list {0}` shows it)",
            disk.device
        ),
    ))
}

fn as_known(partition: &FoundPartition) -> Slot {
    Slot {
        number: partition.number,
        extent: Extent {
            start: partition.start,
            sectors: partition.sectors,
        },
    }
}

/// Where the selector goes: the end of the last free run that leaves the standard
/// place of a core image to the new system.
pub(super) fn boot(disk: &Disk) -> Result<PlannedBoot, Refusal> {
    let loader = disk
        .loader
        .as_ref()
        .filter(|loader| loader.is_grub())
        .ok_or_else(|| {
            Refusal::new(
                RefusalCode::LoaderUnknown,
                format!(
                    "the boot sector of {} is not GRUB's, so what it loads is not known",
                    named(disk)
                ),
                "install GRUB on this node first",
            )
        })?;
    let too_small = |free: u64| {
        let (wanted, there) = (
            Size::of_sectors(SELECTOR_SECTORS + 1),
            Size::of_sectors(free),
        );
        Refusal::new(
            RefusalCode::GapTooSmall,
            format!(
                "the selector needs {wanted} beside the loader of {}; the largest free run is {there}",
                named(disk)
            ),
            "move the first partition to sector 2048, or enlarge the BIOS boot partition to 1 MiB",
        )
    };
    let area = loader.area.ok_or_else(|| too_small(0))?;
    let after_core = area.start.saturating_add(CORE_SECTORS);
    let room = |run: &Extent| run.end().saturating_sub(run.start.max(after_core));
    let best = loader
        .free
        .iter()
        .filter(|run| room(run) > SELECTOR_SECTORS)
        .max_by_key(|run| run.start);
    let best = best.ok_or_else(|| too_small(loader.free.iter().map(room).max().unwrap_or(0)))?;
    let start = best.end() - SELECTOR_SECTORS - 1;
    Ok(PlannedBoot::Bios(BiosBoot {
        core: Extent {
            start,
            sectors: SELECTOR_SECTORS,
        },
        old_boot_sector: start + SELECTOR_SECTORS,
        // All that is left: its size is known only once the new system's GRUB has made it.
        new_core: Extent {
            start: area.start,
            sectors: (start - area.start).min(LARGEST_CORE),
        },
    }))
}

/// The disk with its old and its new partitions.
pub(super) fn planned(input: &Input<'_>, disk: &Disk) -> Result<PlannedDisk, Refusal> {
    refuse_changes_below_stacks(input, disk)?;
    refuse_changes_of_the_unknown(input, disk)?;
    refuse_changes_of_the_loaders_room(input, disk)?;
    let after = new_table(disk, &input.job.layout, |number| {
        derived_uuid(input, &format!("partition {number}"))
    })?;
    let before: Vec<Partition> = disk
        .partitions
        .iter()
        .map(FoundPartition::unchanged)
        .collect();
    let (kind, id) = disk
        .table
        .as_ref()
        .map_or((TableKind::Mbr, String::new()), |table| {
            (table.kind, table.id.clone())
        });
    Ok(PlannedDisk {
        device: disk.device.clone(),
        identities: disk.identities.clone(),
        sectors: disk.sectors,
        table: kind,
        table_id: id,
        before: disk.partitions.clone(),
        rewrite: before != after,
        after,
    })
}

fn refuse_changes_below_stacks(input: &Input<'_>, disk: &Disk) -> Result<(), Refusal> {
    let changed =
        |number: u32| !matches!(input.job.layout.action(number), None | Some(Action::Keep));
    let stacked = disk.partitions.iter().find(|partition| {
        let stacked = partition
            .content
            .as_ref()
            .is_some_and(|content| is_stacked(&content.kind));
        changed(partition.number) && (stacked || !partition.holders.is_empty())
    });
    stacked.map_or(Ok(()), |partition| {
        Err(Refusal::new(
            RefusalCode::PartitionStacked,
            format!(
                "{} is part of something larger (LVM, RAID, LUKS, a cache, another's journal): {}",
                partition.device,
                partition
                    .content
                    .iter()
                    .map(|content| &content.kind)
                    .chain(&partition.holders)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            "take it out of its volume first, or keep it",
        ))
    })
}

/// What neither we nor the node's blkid know may be somebody's: its owner has to say that it may
/// go. What blkid has looked at in vain is told.
fn refuse_changes_of_the_unknown(input: &Input<'_>, disk: &Disk) -> Result<(), Refusal> {
    let changed =
        |number: u32| !matches!(input.job.layout.action(number), None | Some(Action::Keep));
    let unknown = disk.partitions.iter().find(|partition| {
        let content = partition.content.as_ref();
        changed(partition.number) && content.is_some_and(|content| content.kind == UNKNOWN)
    });
    unknown.map_or(Ok(()), |partition| {
        Err(Refusal::new(
            RefusalCode::ContentUnknown,
            format!(
                "{} is not blank, what it holds is not known, and the layout would destroy it",
                partition.device
            ),
            format!(
                "install blkid (util-linux) on the node; or, if its content may go, run `mkswap {}` there",
                partition.device
            ),
        ))
    })
}

/// On GPT the loader in use, the selector and the new system's loader share one BIOS boot
/// partition: until the end there is no moment when nothing in it is needed.
fn refuse_changes_of_the_loaders_room(input: &Input<'_>, disk: &Disk) -> Result<(), Refusal> {
    let area = disk.loader.as_ref().and_then(|loader| loader.area);
    let changed = disk.partitions.iter().find_map(|partition| {
        let room = partition.type_code == GPT_BIOS_BOOT && Some(partition.extent()) == area;
        let done = match input.job.layout.action(partition.number)? {
            Action::Keep => return None,
            Action::Format => "formats",
            Action::Create => "makes anew",
            Action::Delete => "deletes",
        };
        room.then_some((partition, done))
    });
    changed.map_or(Ok(()), |(partition, done)| {
        Err(Refusal::new(
            RefusalCode::LoaderInLayout,
            format!(
                "the layout {done} {}, the BIOS boot partition that the loaders of the old and the new system and the selector lie in",
                partition.device
            ),
            "leave it out of the layout, or say action = \"keep\"",
        ))
    })
}
