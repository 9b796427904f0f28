//! A landing partition for a node that has none to lend: made for the run in room that belongs to no
//! partition, and removed at its end. Everything else is planned as if it were there already.

use std::fmt::Write as _;

use super::layout::{ALIGNMENT, MBR_PRIMARIES, aligned, free_runs, type_of_linux};
use super::{Input, derived_uuid, disk, landing};
use crate::disk::table::{self, MOST_PARTITIONS};
use crate::disk::{Disk, Extent, FoundPartition, Partition, SECTOR, Slot, Table, TableKind};
use crate::job::Job;
use crate::node::facts::Facts;
use crate::plan::LANDING_LABEL;
use crate::words::size::Size;

/// How udev's names of what is plugged in by USB begin: a stick, or a disc that a remote console lends.
const USB: &str = "/dev/disk/by-id/usb-";

/// A node as it will be once the partition is there.
#[derive(Debug)]
pub(super) struct Made {
    /// With it.
    pub(super) facts: Facts,
    /// What it will be called.
    pub(super) device: String,
}

/// Where there is room for one, or why there is none: on the disk that is replaced, or else on another.
pub(super) fn found(input: &Input<'_>) -> Result<Made, String> {
    let replaced = disk::chosen(input).map_err(|refusal| refusal.message)?;
    on(input, replaced, replaced).or_else(|mut why| {
        let others = input.facts.disks.iter();
        for disk in others.filter(|it| it.device != replaced.device) {
            match (on(input, replaced, disk), against(input, disk)) {
                (Ok(made), None) => return Ok(made),
                (Ok(_), Some(against)) => {
                    let _ = write!(why, "; {} has the room, but {against}", disk.device);
                }
                (Err(_), _) => {}
            }
        }
        Err(why)
    })
}

/// What stands against one on a disk that is not replaced: that has to stay where it is until the end, and
/// nothing may have the whole of it, as a RAID of the firmware's has with what it writes at its end.
fn against(input: &Input<'_>, disk: &Disk) -> Option<String> {
    if let Some(holder) = disk.holders.first() {
        return Some(format!("{holder} has the whole of it"));
    }
    if let Some(content) = &disk.content {
        return Some(format!("{} has the whole of it", content.kind));
    }
    let is_usb = |link: &String| link.starts_with(USB);
    if disk.removable || disk.links.iter().any(is_usb) {
        return Some("it can be taken out, or a remote console lends it".to_owned());
    }
    let unfit = disk::unfit(input, disk);
    unfit.first().map(|refusal| refusal.message.clone())
}

/// The same on `disk`.
fn on(input: &Input<'_>, replaced: &Disk, disk: &Disk) -> Result<Made, String> {
    let found = disk.table.as_ref();
    let found = found.ok_or_else(|| format!("{} has no partition table", disk.device))?;
    if found.extended {
        return Err(format!(
            "{} has an extended partition, and its table is not written",
            disk.device
        ));
    }
    let job = (disk.device == replaced.device).then_some(input.job);
    let number = number(job, disk, found)?;
    let place = place(input, disk, found)?;
    let partition = Partition {
        number,
        start: place.start,
        sectors: place.sectors,
        type_code: type_of_linux(found.kind).to_owned(),
        partuuid: Some(match found.kind {
            TableKind::Mbr => format!("{}-{number:02x}", found.id),
            TableKind::Gpt => derived_uuid(input, "landing partition"),
        }),
        name: (found.kind == TableKind::Gpt).then(|| LANDING_LABEL.to_owned()),
        bootable: false,
    };
    let device = disk.partition_device(number);
    let slots = disk.partitions.iter().map(|it| it.slot());
    let slots: Vec<Slot> = slots.chain([partition.slot()]).collect();
    table::check(found.kind, &slots, disk.sectors)
        .map_err(|error| format!("{}: {error}", disk.device))?;
    let made = FoundPartition {
        partition,
        device: device.clone(),
        content: None,
        swap_active: false,
        holders: Vec::new(),
        links: Vec::new(),
    };
    let mut facts = input.facts.clone();
    let with_it = facts.disks.iter_mut().filter(|it| it.device == disk.device);
    with_it.for_each(|disk| add(disk, made.clone()));
    Ok(Made { facts, device })
}

/// The lowest that neither the table has nor the job makes, if it is about this disk.
fn number(job: Option<&Job>, disk: &Disk, table: &Table) -> Result<u32, String> {
    let most = match table.kind {
        TableKind::Mbr => MBR_PRIMARIES,
        TableKind::Gpt => MOST_PARTITIONS,
    };
    let is_taken = |number: &u32| {
        disk.partitions.iter().any(|it| it.number == *number)
            || job.is_some_and(|job| job.layout.action(*number).is_some())
    };
    (1..=most)
        .find(|number| !is_taken(number))
        .ok_or_else(|| {
            format!(
                "{} has no number left for one more partition beside those that it has and the job makes",
                disk.device
            )
        })
}

/// The end of the largest free run: partitions that the job makes begin in front of it, and get what it
/// does not need.
fn place(input: &Input<'_>, disk: &Disk, table: &Table) -> Result<Extent, String> {
    let largest = largest_run(disk, table);
    let there = largest.map_or(Size(0), |run| Size::of_sectors(run.sectors));
    let needed = size(input);
    let sectors = needed.bytes() / SECTOR;
    largest
        .filter(|_| needed <= there)
        .map(|run| Extent {
            start: run.end() - sectors,
            sectors,
        })
        .ok_or_else(|| {
            format!(
                "the largest free run of {} is {there}, and the jump system with what is staged needs {needed}",
                disk.device
            )
        })
}

fn largest_run(disk: &Disk, table: &Table) -> Option<Extent> {
    let partitions = disk.partitions.iter().map(FoundPartition::unchanged);
    let runs = free_runs(table.usable(), &partitions.collect::<Vec<Partition>>());
    let usable = runs.iter().filter_map(aligned);
    usable.max_by_key(|run| run.sectors)
}

/// What it takes, in whole MiB. What its file system takes of it grows with it, by a fiftieth.
fn size(input: &Input<'_>) -> Size {
    let whole = |size: Size| {
        let bytes = size.bytes().checked_next_multiple_of(ALIGNMENT * SECTOR);
        Size(bytes.unwrap_or(u64::MAX))
    };
    let mut size = Size(0);
    loop {
        let needed = whole(landing::needed(input, size));
        if needed <= size {
            return size;
        }
        size = needed;
    }
}

/// In its place, as the kernel will know it.
pub(super) fn add(disk: &mut Disk, made: FoundPartition) {
    if let Some(known) = &mut disk.kernel_partitions {
        known.push(made.slot());
    }
    disk.partitions.push(made);
    disk.partitions.sort_by_key(|partition| partition.number);
}
