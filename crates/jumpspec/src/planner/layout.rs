//! From the old partition table and the wishes to the new one.
//!
//! Kept partitions and the landing partition never move. New ones go to the first free
//! run with room, on MiB boundaries.

use crate::disk::{Disk, Extent, FoundPartition, Partition, SECTOR, Slot, TableKind};
use crate::job::{Action, Layout, Length, PartitionWish};
use crate::planner::refusal::{Refusal, RefusalCode};

/// New partitions start on multiples of this: what every partitioning tool has used
/// since disks with 4 KiB sectors came up.
pub(super) const ALIGNMENT: u64 = (1 << 20) / SECTOR;

/// MBR type byte of a Linux file system.
const MBR_LINUX: &str = "0x83";
/// GPT type GUID of Linux file system data (UAPI group, Discoverable Partitions).
const GPT_LINUX: &str = "0fc63daf-8483-4772-8e79-3d69d8477de4";
/// MBR has four primary partitions.
pub(super) const MBR_PRIMARIES: u32 = 4;

/// The type of a Linux file system's partition.
pub(super) fn type_of_linux(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Mbr => MBR_LINUX,
        TableKind::Gpt => GPT_LINUX,
    }
}

/// The partitions that `disk` has once `layout` is carried out, by number.
///
/// `identifier` makes a GPT partition's unique GUID from its number.
pub(super) fn new_table(
    disk: &Disk,
    layout: &Layout,
    identifier: impl Fn(u32) -> String,
) -> Result<Vec<Partition>, Refusal> {
    let table = disk.table.as_ref().ok_or_else(|| no_table(disk))?;
    let stays =
        |number: u32| !matches!(layout.action(number), Some(Action::Create | Action::Delete));
    let mut partitions: Vec<Partition> = disk
        .partitions
        .iter()
        .filter(|partition| stays(partition.number))
        .map(FoundPartition::unchanged)
        .collect();
    let rewriting = |wish: &&PartitionWish| matches!(wish.action, Action::Create | Action::Delete);
    for wish in layout.partitions.iter().filter(rewriting) {
        refuse_impossible_number(disk, table.kind, table.extended, wish)?;
    }
    let created = layout
        .partitions
        .iter()
        .filter(|wish| wish.action == Action::Create);
    for wish in created {
        let place = place(disk, &free_runs(table.usable(), &partitions), wish)?;
        let partuuid = match table.kind {
            TableKind::Mbr => format!("{}-{:02x}", table.id, wish.number),
            TableKind::Gpt => identifier(wish.number),
        };
        partitions.push(Partition {
            number: wish.number,
            start: place.start,
            sectors: place.sectors,
            type_code: type_of_linux(table.kind).to_owned(),
            partuuid: Some(partuuid),
            name: wish.label.clone().filter(|_| table.kind == TableKind::Gpt),
            bootable: false,
        });
    }
    partitions.sort_by_key(|partition| partition.number);
    refuse_unwritable(disk, table.kind, &partitions)?;
    Ok(partitions)
}

/// What whoever writes the table would refuse. A table that stays as it is needs no writing.
fn refuse_unwritable(
    disk: &Disk,
    kind: TableKind,
    partitions: &[Partition],
) -> Result<(), Refusal> {
    let before = disk.partitions.iter().map(FoundPartition::unchanged);
    if before.eq(partitions.iter().cloned()) {
        return Ok(());
    }
    let slots: Vec<Slot> = partitions.iter().map(Partition::slot).collect();
    crate::disk::table::check(kind, &slots, disk.sectors).map_err(|error| {
        Refusal::new(
            RefusalCode::LayoutImpossible,
            format!("{}: {error}", disk.device),
            "choose another number or size, or leave the table as it is (keep and format)",
        )
    })
}

fn no_table(disk: &Disk) -> Refusal {
    Refusal::new(
        RefusalCode::NoPartitionTable,
        format!(
            "{} has neither an MBR nor a GPT partition table",
            disk.device
        ),
        "name another disk with [layout] disk = …",
    )
}

fn refuse_impossible_number(
    disk: &Disk,
    kind: TableKind,
    extended: bool,
    wish: &PartitionWish,
) -> Result<(), Refusal> {
    if kind == TableKind::Mbr && (wish.number > MBR_PRIMARIES || wish.number == 0) {
        return Err(Refusal::new(
            RefusalCode::LayoutImpossible,
            format!(
                "partition {} of {} cannot be made or removed: an MBR has primaries 1 to 4",
                wish.number, disk.device
            ),
            "choose among 1 to 4, or keep the logical ones as they are",
        ));
    }
    if kind == TableKind::Mbr && extended {
        return Err(Refusal::new(
            RefusalCode::LayoutImpossible,
            format!(
                "{} has an extended partition; its table is not rewritten",
                disk.device
            ),
            "use keep and format for the partitions of this disk",
        ));
    }
    Ok(())
}

/// The runs of `usable` that no partition takes, in order.
pub(super) fn free_runs(usable: Extent, partitions: &[Partition]) -> Vec<Extent> {
    let mut taken: Vec<(u64, u64)> = partitions
        .iter()
        .map(|partition| (partition.start, partition.extent().end()))
        .collect();
    taken.sort_unstable();
    let mut runs = Vec::new();
    let mut next = usable.start;
    for (start, end) in taken.into_iter().chain([(usable.end(), usable.end())]) {
        if start > next {
            runs.push(Extent {
                start: next,
                sectors: start - next,
            });
        }
        next = next.max(end);
    }
    runs
}

/// What of a run lies between two multiples of [`ALIGNMENT`].
pub(super) fn aligned(run: &Extent) -> Option<Extent> {
    let start = run.start.checked_next_multiple_of(ALIGNMENT)?;
    let end = run.end() / ALIGNMENT * ALIGNMENT;
    (end > start).then(|| Extent {
        start,
        sectors: end - start,
    })
}

/// A place for `wish`, aligned: the first run with room, or all of the largest for `rest`.
fn place(disk: &Disk, runs: &[Extent], wish: &PartitionWish) -> Result<Extent, Refusal> {
    let mut usable = runs.iter().filter_map(aligned);
    let found = match wish.size {
        Some(Length::Size(size)) => {
            let sectors = size.bytes().div_ceil(SECTOR).next_multiple_of(ALIGNMENT);
            usable.find(|run| run.sectors >= sectors).map(|run| Extent {
                start: run.start,
                sectors,
            })
        }
        Some(Length::Rest(_)) | None => usable.max_by_key(|run| run.sectors),
    };
    found.ok_or_else(|| {
        let wanted = match wish.size {
            Some(Length::Size(size)) => size.to_string(),
            _ => "any room".to_owned(),
        };
        Refusal::new(
            RefusalCode::LayoutImpossible,
            format!(
                "{} has no free run for partition {} ({wanted})",
                disk.device, wish.number
            ),
            "make it smaller, or let other partitions go",
        )
    })
}
