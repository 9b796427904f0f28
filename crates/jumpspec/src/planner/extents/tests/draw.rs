//! Disks and jobs by chance: sound ones, and tables whose partitions overlap.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{MIB, give_loader, wish};
use crate::disk::table::GPT_BIOS_BOOT;
use crate::disk::{Content, Disk, Filesystem, FoundPartition, Partition, TableKind};
use crate::job::{Action, CopyWish, Job, Length, PartitionWish, Rest};
use crate::node::facts::{Facts, FileOwners, FoundCopy, FoundPlace, FoundTree, PlaceState};
use crate::planner::sample::{facts, job};
use crate::words::size::Size;

/// Where partitions lie, what they are and what is wanted of them, as numbers to choose by.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    gpt: bool,
    first: u64,
    room_mib: u64,
    parts: Vec<Part>,
    created: Vec<(u32, u64)>,
    /// One partition is moved onto another.
    pub(super) crooked: Option<(usize, u64)>,
    room_at: usize,
    /// A tree of the root is copied to the partition of that number.
    copy_to: Option<u32>,
}

/// A partition: the gap before it and its length in MiB, what it is and what is wanted of it.
#[derive(Clone, Copy, Debug)]
struct Part {
    gap: u64,
    length: u64,
    number: u32,
    content: u8,
    wanted: u8,
}

fn parts() -> impl Strategy<Value = Part> {
    let numbers = (0..900u64, 700..2500u64, 1..7u32, 0..8u8, 0..8u8);
    numbers.prop_map(|(gap, length, number, content, wanted)| Part {
        gap,
        length,
        number,
        content,
        wanted,
    })
}

pub(super) fn draws() -> impl Strategy<Value = Draw> {
    let numbers = (
        any::<bool>(),
        prop::sample::select(vec![63u64, 800, 2048, 4096]),
        1..4u64,
        vec(parts(), 2..5),
        vec((1..8u32, 0..3000u64), 0..2),
        prop::option::weighted(0.3, (0..5usize, 1..4000u64)),
        0..5usize,
        prop::option::weighted(0.4, 1..7u32),
    );
    numbers.prop_map(
        |(gpt, first, room_mib, parts, created, crooked, room_at, copy_to)| Draw {
            gpt,
            first,
            room_mib,
            parts,
            created,
            crooked,
            room_at,
            copy_to,
        },
    )
}

/// The node and the job of a draw. The first partition swaps, the second is the root.
pub(super) fn drawn(draw: &Draw) -> (Facts, Job) {
    let (mut facts, mut job) = (facts(), job());
    job.layout.partitions.clear();
    let disk = &mut facts.disks[0];
    let sample = disk.partitions[0].clone();
    divide(disk, draw.gpt);
    let mut next = draw.first;
    for (index, part) in draw.parts.iter().enumerate() {
        if draw.gpt && index == draw.room_at.min(draw.parts.len() - 1) {
            let room = room(draw, part, &sample, next);
            next += draw.room_mib * MIB;
            job.layout.partitions.extend(wish_for_room(part, &room));
            disk.partitions.push(room);
        }
        if disk.partitions.iter().any(|it| it.number == part.number) {
            continue;
        }
        let made = partition(index, part, &sample, next);
        next = made.extent().end();
        disk.partitions.push(made);
        job.layout.partitions.extend(wish_for(index, part));
    }
    let swap = disk.partitions.iter().find(|it| it.swap_active);
    let swap = swap.map(|it| it.number);
    add_created(&mut job, draw, swap);
    give_loader(disk);
    bend(disk, draw);
    let mut root = disk.partitions.iter().filter(|it| !it.swap_active);
    let root = root.find(|it| it.type_code != GPT_BIOS_BOOT);
    let root = root.map(|it| it.device.clone()).unwrap_or_default();
    facts.mounts.truncate(1);
    facts.mounts[0].device = root;
    facts.swaps.clear();
    add_copy(&mut facts, &mut job, draw);
    (facts, job)
}

fn divide(disk: &mut Disk, gpt: bool) {
    disk.sectors = 40_000 * MIB;
    disk.partitions.clear();
    if let Some(table) = &mut disk.table {
        table.last_usable = disk.sectors - 1;
        if gpt {
            table.kind = TableKind::Gpt;
            (table.first_usable, table.last_usable) = (34, disk.sectors - 34);
        }
    }
}

/// The BIOS boot partition, of any number that is free.
fn room(draw: &Draw, part: &Part, sample: &FoundPartition, start: u64) -> FoundPartition {
    let taken = |number: &u32| draw.parts.iter().any(|part| part.number == *number);
    let first = 3 + u32::from(part.content);
    let number = (first..=128)
        .find(|number| !taken(number))
        .unwrap_or_default();
    FoundPartition {
        device: format!("/dev/vda{number}"),
        partition: Partition {
            number,
            start,
            sectors: draw.room_mib * MIB,
            type_code: GPT_BIOS_BOOT.to_owned(),
            ..sample.partition.clone()
        },
        content: None,
        ..sample.clone()
    }
}

fn wish_for_room(part: &Part, room: &FoundPartition) -> Option<PartitionWish> {
    let action = [Action::Delete, Action::Create][usize::from(part.content) % 2];
    (part.wanted == 7).then(|| wish(room.number, action, Some("/x")))
}

fn partition(index: usize, part: &Part, sample: &FoundPartition, next: u64) -> FoundPartition {
    let swap = index == 0;
    let content = Content {
        kind: if swap { "swap" } else { "ext4" }.to_owned(),
        uuid: Some(format!("{:08}-0000-4000-8000-000000000003", part.number)),
        label: None,
    };
    FoundPartition {
        partition: Partition {
            number: part.number,
            start: next + part.gap * MIB,
            sectors: part.length * MIB,
            type_code: "0x83".to_owned(),
            ..sample.partition.clone()
        },
        device: format!("/dev/vda{}", part.number),
        content: Some(content).filter(|_| swap || part.content != 7),
        swap_active: swap,
        ..sample.clone()
    }
}

fn wish_for(index: usize, part: &Part) -> Option<PartitionWish> {
    let action = match (index, part.wanted) {
        (1, 0..=4) | (2.., 0 | 1) => Action::Format,
        (1, _) | (2.., 2 | 3) => Action::Create,
        (2.., 4 | 5) => Action::Delete,
        _ => return None,
    };
    let mount = match index {
        1 => "/".to_owned(),
        _ => format!("/m{}", part.number),
    };
    let mut wish = wish(part.number, action, Some(&mount));
    wish.fs = Some(Filesystem::Ext4);
    Some(wish)
}

fn add_created(job: &mut Job, draw: &Draw, swap: Option<u32>) {
    for (number, mib) in &draw.created {
        let taken = |wish: &PartitionWish| wish.number == *number;
        if swap == Some(*number) || job.layout.partitions.iter().any(taken) {
            continue;
        }
        let mut wish = wish(*number, Action::Create, Some(&format!("/c{number}")));
        wish.size = Some(match mib {
            0 => Length::Rest(Rest::Rest),
            mib => Length::Size(Size::mib(*mib)),
        });
        job.layout.partitions.push(wish);
    }
}

/// Copies a directory of the root, which has room wherever it goes.
fn add_copy(facts: &mut Facts, job: &mut Job, draw: &Draw) {
    let Some(number) = draw.copy_to else { return };
    let wish = CopyWish {
        from: "/home".parse().unwrap(),
        to: format!("{number}:/old").parse().unwrap(),
    };
    facts.copies.push(FoundCopy {
        wish: wish.clone(),
        tree: Some(FoundTree {
            device: facts.mounts[0].device.clone(),
            fs: facts.mounts[0].fs.clone(),
            directory: wish.from.clone(),
            size: Size::mib(100),
            inodes: 2000,
            owners: FileOwners {
                complete: true,
                ..FileOwners::default()
            },
            below: Vec::new(),
        }),
        places: vec![FoundPlace {
            device: format!("/dev/vda{number}"),
            free: Size::mib(500),
            free_inodes: Some(60_000),
            state: PlaceState::Missing,
        }],
    });
    job.copy.push(wish);
}

/// Moves a partition towards the start of the disk, so that it may overlap another.
fn bend(disk: &mut Disk, draw: &Draw) {
    if let Some((index, shift)) = draw.crooked {
        let crooked = index % disk.partitions.len();
        let partition = &mut disk.partitions[crooked];
        partition.start = partition.start.saturating_sub(shift * 500).max(1);
    }
}
