//! A jump system whose root lies in memory, for nodes that have no partition to lend and no room for
//! one: the EFI system partition keeps what its boots begin from.

use super::landing::{self, Landing, saved};
use super::{Input, disk, uefi};
use crate::boot::uefi::found::FoundEsp;
use crate::disk::FoundPartition;
use crate::node::facts::{Facts, Firmware};
use crate::node::fstab::unique;
use crate::plan::{Plan, PlannedLanding};
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::size::Size;

/// What kernel, scripts, journal and logs take on the EFI system partition beside the jump system's
/// root: a kernel is 8 to 14 MiB.
const BESIDE_ROOT: Size = Size::mib(24);
/// What the jump system works with beside its files: kernel, services, the frames of images that are
/// unpacked.
pub(super) const AT_WORK: Size = Size::mib(256);
/// With less nobody has tried it: 512 MiB were enough for a root of 318 MiB, without an image.
pub(super) const LEAST: Size = Size::mib(768);
/// What the old system keeps while the root is made in its memory.
pub(super) const OLD_KEEPS: Size = Size::mib(96);

/// What the jump system's root takes as an initramfs: a node packs in less time, and so less tightly,
/// than the image was.
pub(super) fn packed(input: &Input<'_>) -> Size {
    let image = Size(input.jump.size + input.jump.size / 4);
    [image, saved(input)].into_iter().sum()
}

/// What it takes in memory.
pub(super) fn unpacked(input: &Input<'_>) -> Size {
    let files = input.jump.manifest.unpacked.bytes();
    [Size(files + files / 10), saved(input)].into_iter().sum()
}

/// What the EFI system partition must have free.
fn needed_on_esp(input: &Input<'_>) -> Size {
    [packed(input), BESIDE_ROOT, uefi::ESP_ROOM]
        .into_iter()
        .sum()
}

/// What memory the node must have: while it boots the root lies there twice, packed and unpacked, and
/// then with the target image.
fn needed_memory(input: &Input<'_>) -> Size {
    let beside = packed(input).max(Size(input.target.size));
    let all: Size = [unpacked(input), beside, AT_WORK].into_iter().sum();
    all.max(LEAST)
}

/// What memory must be available in the old system, which unpacks and packs it.
fn needed_in_old(input: &Input<'_>) -> Size {
    let image = Size(input.jump.size);
    [unpacked(input), image, OLD_KEEPS].into_iter().sum()
}

/// The EFI system partition as the landing partition.
pub(super) fn chosen<'a>(input: &Input<'a>) -> Result<Landing<'a>, Refusal> {
    let facts = input.facts;
    let why_not = |why: String| {
        landing::none(
            why,
            "leave room that belongs to no partition, or name a partition with [landing] partition = \"/dev/…\"",
        )
    };
    if facts.firmware != Firmware::Uefi {
        return Err(why_not(
            "this node boots by a BIOS and has no EFI system partition to boot a system in memory from"
                .to_owned(),
        ));
    }
    let disk = disk::chosen(input)?;
    let partition = uefi::system_partition(input, disk).map_err(|refusal| {
        why_not(format!(
            "the EFI system partition cannot be used: {}",
            refusal.message
        ))
    })?;
    Ok(Landing {
        disk,
        partition,
        made: false,
        in_memory: true,
    })
}

/// Whether it may be done.
pub(super) fn fits(input: &Input<'_>) -> bool {
    chosen(input).is_ok_and(|landing| refusals(input, &landing).is_empty())
}

/// Why it may not be, on a node that boots by UEFI.
pub(super) fn why_not(input: &Input<'_>) -> Option<String> {
    if input.facts.firmware != Firmware::Uefi {
        return None;
    }
    let refusals = chosen(input).map_or_else(|it| vec![it], |it| refusals(input, &it));
    refusals.first().map(|refusal| refusal.message.clone())
}

/// What stands against it.
pub(super) fn refusals(input: &Input<'_>, landing: &Landing<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let facts = input.facts;
    let device = &landing.partition.device;
    let free = free_on(facts, device);
    let needed = needed_on_esp(input);
    if free < needed {
        refusals.push(Refusal::new(
            RefusalCode::EspFull,
            format!(
                "{device}, the EFI system partition, has {free} free; kernel and root of a jump system in memory need {needed}"
            ),
            "remove what no system needs from it, leave room that belongs to no partition, or make the jump image smaller",
        ));
    }
    if esp(facts, device).is_some_and(|esp| esp.open) {
        refusals.push(Refusal::new(
            RefusalCode::EspOpen,
            format!(
                "{device}, the EFI system partition, is mounted so that others than root may read it; what is saved of the node lies there for the time of the run, with its key"
            ),
            "unmount it, or mount it anew with umask=0077 and no uid or gid",
        ));
    }
    let needed = needed_memory(input);
    if facts.memory < needed {
        refusals.push(Refusal::new(
            RefusalCode::MemoryTooSmall,
            format!(
                "the node has {} of memory; a jump system in memory with the target image ({}) needs {needed}",
                facts.memory,
                Size(input.target.size)
            ),
            "leave room that belongs to no partition, or make the images smaller",
        ));
    }
    let needed = needed_in_old(input);
    if let Some(available) = facts.memory_available.filter(|it| *it < needed) {
        refusals.push(Refusal::new(
            RefusalCode::MemoryTooSmall,
            format!(
                "the node has {available} of memory available; to make the jump system there takes {needed}"
            ),
            "stop what takes the memory (`ps -eo rss,args --sort=-rss | head`, then `systemctl stop …`)",
        ));
    }
    let uuid = fs_uuid(landing.partition);
    if uuid.is_empty() || unique::stands_twice(&uuid, facts) {
        refusals.push(Refusal::new(
            RefusalCode::EspUnknown,
            format!("the file system of {device}, the EFI system partition, has no number of its own ({uuid:?}), by which a loader would find it"),
            "give it another one (`fatlabel -i`), or take the other disks out",
        ));
    }
    refusals
}

/// What an admin should know of it.
pub(super) fn note(plan: &Plan) -> Option<String> {
    plan.landing.in_memory.then(|| {
        format!(
            "the jump system runs in memory, booted from {}, and the target image waits there: a power cut behind the commit takes it, and the node comes up as the jump system and waits until this push, or `jumpimg resume --job`, sends it again",
            plan.landing.device
        )
    })
}

fn esp<'a>(facts: &'a Facts, device: &str) -> Option<&'a FoundEsp> {
    facts.uefi.as_ref().and_then(|uefi| uefi.esp(device))
}

fn free_on(facts: &Facts, device: &str) -> Size {
    let free = esp(facts, device).and_then(|esp| Some([esp.free?, esp.left].into_iter().sum()));
    free.unwrap_or_default()
}

/// The partition as the plan carries it.
pub(super) fn planned(landing: &Landing<'_>) -> PlannedLanding {
    let partition = landing.partition;
    PlannedLanding {
        device: partition.device.clone(),
        number: partition.number,
        start: partition.start,
        sectors: partition.sectors,
        fs_uuid: fs_uuid(partition),
        swap: None,
        made: false,
        in_memory: true,
        volatile: false,
    }
}

/// What its loader finds the partition by.
fn fs_uuid(partition: &FoundPartition) -> String {
    let content = partition.content.as_ref();
    content
        .and_then(|content| content.uuid.clone())
        .unwrap_or_default()
}
