//! A jump system whose root lies in memory, for nodes that have no partition to lend and no room for
//! one: the EFI system partition, or on a BIOS that of /boot, keeps what its boots begin from.

mod boot;

use super::landing::{self, Kind, Landing, saved};
use super::{Input, disk, uefi};
use crate::boot::uefi::found::FoundEsp;
use crate::disk::FoundPartition;
use crate::image::fitness;
use crate::node::facts::{Facts, Firmware};
use crate::node::fstab::unique;
use crate::plan::{Keeper, Plan};
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::size::Size;

/// What kernel, scripts, journal and logs take there beside the jump system's root: a kernel is 8 to
/// 14 MiB.
const BESIDE_ROOT: Size = Size::mib(24);
/// What the jump system works with beside its files: kernel, services, the frames of images that are
/// unpacked.
const AT_WORK: Size = Size::mib(256);
/// What else can be done where nothing keeps it.
const ANOTHER_WAY: &str = "leave room that belongs to no partition, or name a partition with [landing] partition = \"/dev/…\"";
/// What a processor adds to that: the kernel's threads and counters for each, and the queues that drivers of
/// network and disks open for each, of up to 1024 buffers.
const PER_PROCESSOR: Size = Size::mib(4);
/// An initramfs has 32 bits for a file's length.
const LARGEST: Size = Size::mib(4096);
/// With less nobody has tried it: 512 MiB were enough for a root of 318 MiB, without an image.
pub(super) const LEAST: Size = Size::mib(768);
/// What the old system keeps while the root is made in its memory.
pub(super) const OLD_KEEPS: Size = Size::mib(96);

/// What the jump system's root takes as an initramfs: a node packs in less time, and so less tightly,
/// than the image was.
fn packed(input: &Input<'_>) -> Size {
    let image = Size(input.jump.size + input.jump.size / 4);
    [image, saved(input)].into_iter().sum()
}

/// The same at zstd's first level, by which what is packed for one boot is packed.
pub(super) fn packed_in_haste(input: &Input<'_>) -> Size {
    let image = Size(input.jump.size + input.jump.size / 2);
    [image, saved(input)].into_iter().sum()
}

/// What it takes in memory, once a kernel has unpacked it.
pub(super) fn unpacked(input: &Input<'_>) -> Size {
    with_inodes(input, input.jump.in_memory.pages)
}

/// The same in the old system, whose tmpfs keeps holes.
pub(super) fn unpacked_in_old(input: &Input<'_>) -> Size {
    with_inodes(input, input.jump.manifest.unpacked)
}

fn with_inodes(input: &Input<'_>, files: Size) -> Size {
    let files = files.bytes();
    [Size(files.saturating_add(files / 10)), saved(input)]
        .into_iter()
        .sum()
}

/// What the jump system works with beside its files on this node.
pub(super) fn at_work(facts: &Facts) -> Size {
    let processors = u64::from(facts.processors.unwrap_or_default());
    let each = Size(PER_PROCESSOR.bytes().saturating_mul(processors));
    [AT_WORK, each].into_iter().sum()
}

/// What must be free on the partition that keeps it.
fn needed_there(input: &Input<'_>) -> Size {
    [packed(input), BESIDE_ROOT, uefi::ESP_ROOM]
        .into_iter()
        .sum()
}

/// What memory the node must have: while it boots the root lies there twice, packed and unpacked, and
/// then with the target image.
fn needed_memory(input: &Input<'_>) -> Size {
    let beside = packed(input).max(Size(input.target.size));
    let all: Size = [unpacked(input), beside, at_work(input.facts)]
        .into_iter()
        .sum();
    all.max(LEAST)
}

/// What memory must be available in the old system, which unpacks and packs it.
fn needed_in_old(input: &Input<'_>) -> Size {
    let image = Size(input.jump.size);
    [unpacked_in_old(input), image, OLD_KEEPS].into_iter().sum()
}

/// What keeps it on a node of this kind.
pub(super) fn keeper(input: &Input<'_>) -> Keeper {
    match input.facts.firmware {
        Firmware::Bios => Keeper::Boot,
        Firmware::Uefi => Keeper::Esp,
    }
}

/// What keeps it as the landing partition.
pub(super) fn chosen<'a>(input: &Input<'a>, wanted: Keeper) -> Result<Landing<'a>, Refusal> {
    let why_not = |why: String| landing::none(why, ANOTHER_WAY);
    match (wanted, keeper(input)) {
        (Keeper::Esp, Keeper::Boot) => {
            return Err(why_not(
                "this node boots by a BIOS and has no EFI system partition to boot a system in memory from"
                    .to_owned(),
            ));
        }
        (Keeper::Boot, Keeper::Esp) => {
            return Err(landing::none(
                "this node boots by a UEFI, which boots a system in memory from its EFI system partition"
                    .to_owned(),
                "say [landing] partition = \"esp\"",
            ));
        }
        (Keeper::Esp, Keeper::Esp) | (Keeper::Boot, Keeper::Boot) => {}
    }
    let replaced = disk::chosen(input)?;
    let (disk, partition) = match wanted {
        Keeper::Esp => uefi::system_partition(input).map_err(|refusal| {
            why_not(format!(
                "the EFI system partition cannot be used: {}",
                refusal.message
            ))
        })?,
        Keeper::Boot => (replaced, boot::partition(input, replaced)?),
    };
    Ok(Landing {
        disk,
        partition,
        kind: Kind::InMemory(wanted),
    })
}

/// Whether it may be done.
pub(super) fn fits(input: &Input<'_>) -> bool {
    against(input).is_empty()
}

/// Why it may not be, on a node that has what would keep it.
pub(super) fn why_not(input: &Input<'_>) -> Option<String> {
    let facts = input.facts;
    if keeper(input) == Keeper::Boot && facts.boot.is_none() && !boot::is_unmounted(facts) {
        return None;
    }
    let refusals = against(input);
    refusals.first().map(|refusal| refusal.message.clone())
}

fn against(input: &Input<'_>) -> Vec<Refusal> {
    let keeper = keeper(input);
    match chosen(input, keeper) {
        Ok(landing) => refusals(input, keeper, &landing),
        Err(refusal) => vec![refusal],
    }
}

/// What stands against it.
pub(super) fn refusals(input: &Input<'_>, keeper: Keeper, landing: &Landing<'_>) -> Vec<Refusal> {
    let facts = input.facts;
    let (device, name) = (&landing.partition.device, keeper.name());
    let (mut refusals, free, full, unknown) = match keeper {
        Keeper::Esp => {
            let free = free_on_esp(facts, device);
            let (full, unknown) = (RefusalCode::EspFull, RefusalCode::EspUnknown);
            (open_esp(facts, device), free, full, unknown)
        }
        Keeper::Boot => {
            let (full, unknown) = (RefusalCode::BootFull, RefusalCode::BootUnfit);
            let refusals = boot::refusals(input, landing.partition);
            (refusals, boot::free(facts), full, unknown)
        }
    };
    let needed = needed_there(input);
    if free < needed {
        refusals.push(Refusal::new(
            full,
            format!(
                "{device}, {name}, has {free} free; kernel and root of a jump system in memory need {needed}"
            ),
            "remove what no system needs from it, leave room that belongs to no partition, or make the jump image smaller",
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
    refusals.extend(left_on_partition(facts));
    refusals.extend(unfit(input));
    let uuid = fs_uuid(landing.partition);
    if uuid.is_empty() || unique::stands_twice(&uuid, facts) {
        let anew = match keeper {
            Keeper::Esp => "fatlabel -i",
            Keeper::Boot => "tune2fs -U random",
        };
        refusals.push(Refusal::new(
            unknown,
            format!("the file system of {device}, {name}, has no number of its own ({uuid:?}), by which a loader would find it"),
            format!("give it another one (`{anew}`), or take the other disks out"),
        ));
    }
    refusals
}

/// What an earlier run has left on a partition would be taken for this run's by whoever looks at the node.
fn left_on_partition(facts: &Facts) -> Option<Refusal> {
    let left = landing::left_over(facts)?;
    let device = &left.partition.device;
    let run = facts.jump.as_ref().filter(|jump| jump.landing.is_some());
    let whose = run.map_or("an earlier run".to_owned(), |jump| {
        format!("run {}", jump.run)
    });
    Some(Refusal::new(
        RefusalCode::JumpInProgress,
        format!(
            "{whose} did not finish and has left its landing partition, {device}; a jump system in memory would leave it so"
        ),
        format!(
            "give it back first (`jumpimg abort`), or land there again with [landing] partition = \"{device}\""
        ),
    ))
}

/// Why the jump image's root cannot lie in memory, whatever the node is.
pub(super) fn unfit(input: &Input<'_>) -> impl Iterator<Item = Refusal> {
    unreadable(input).into_iter().chain(too_large(input))
}

/// A kernel that cannot unpack its root panics, and the node comes back as the old system.
fn unreadable(input: &Input<'_>) -> Option<Refusal> {
    let image = &input.jump.manifest;
    let kernel = image.kernels.last()?;
    (!fitness::unpacks_zstd(image)).then(|| {
        Refusal::new(
            RefusalCode::ImageUnfit,
            format!(
                "kernel {} of the jump image {} does not unpack an initramfs that is compressed with zstd (CONFIG_RD_ZSTD), as which the root of a jump system in memory is packed",
                kernel.release, image.name
            ),
            "build it with a kernel that does (Linux 5.9 or newer; with its /boot/config-… in the golden root), or name a partition with [landing] partition = \"/dev/…\"",
        )
    })
}

/// What could not be packed at all.
fn too_large(input: &Input<'_>) -> Option<Refusal> {
    let largest = input.jump.in_memory.largest;
    (largest >= LARGEST).then(|| {
        Refusal::new(
            RefusalCode::ImageUnfit,
            format!(
                "the jump image {} has a file of {largest}, holes included; the root of a jump system in memory has no place for one of {LARGEST} or more",
                input.jump.manifest.name
            ),
            "leave it out (excludes) and build the image again, or name a partition with [landing] partition = \"/dev/…\"",
        )
    })
}

/// What an earlier run has left on the partition of /boot goes when the next one takes its place there, and
/// has what was saved of the node in it. On an EFI system partition it goes with the selector's directory.
pub(super) fn left_elsewhere(input: &Input<'_>, landing: &Landing<'_>) -> Option<Refusal> {
    let facts = input.facts;
    let jump = facts.jump.as_ref()?;
    let kept = jump.kept.as_ref()?;
    let takes_its_place = landing.kind == Kind::InMemory(Keeper::Boot);
    let is_told = jump.is_under_way(&facts.disks, facts.uefi.as_ref());
    let stays = keeper(input) == Keeper::Boot && !takes_its_place && !is_told;
    stays.then(|| {
        Refusal::new(
            RefusalCode::JumpInProgress,
            format!(
                "run {} has left on {kept} what its jump system was to be booted from, with what it has saved of the node",
                jump.run
            ),
            "take it back with `jumpimg abort`, or say [landing] partition = \"boot\"",
        )
    })
}

/// What an admin should know of it.
pub(super) fn note(plan: &Plan) -> Option<String> {
    plan.landing.is_in_memory().then(|| {
        format!(
            "the jump system runs in memory, booted from {}, and the target image waits there: a power cut behind the commit takes it, and the node comes up as the jump system and waits until this push, or `jumpimg resume --job`, sends it again",
            plan.landing.device
        )
    })
}

/// What is saved of the node lies there.
fn open_esp(facts: &Facts, device: &str) -> Vec<Refusal> {
    let is_open = esp(facts, device).is_some_and(|esp| esp.open);
    let refusal = || {
        Refusal::new(
            RefusalCode::EspOpen,
            format!(
                "{device}, the EFI system partition, is mounted so that others than root may read it; what is saved of the node lies there for the time of the run, with its key"
            ),
            "unmount it, or mount it anew with umask=0077 and no uid or gid",
        )
    };
    Vec::from_iter(is_open.then(refusal))
}

fn esp<'a>(facts: &'a Facts, device: &str) -> Option<&'a FoundEsp> {
    facts.uefi.as_ref().and_then(|uefi| uefi.esp(device))
}

fn free_on_esp(facts: &Facts, device: &str) -> Size {
    let free = esp(facts, device).and_then(|esp| Some([esp.free?, esp.left].into_iter().sum()));
    free.unwrap_or_default()
}

/// What its loader finds the partition by.
pub(super) fn fs_uuid(partition: &FoundPartition) -> String {
    let content = partition.content.as_ref();
    content
        .and_then(|content| content.uuid.clone())
        .unwrap_or_default()
}
