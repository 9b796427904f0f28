//! The partition to borrow: whether it may be borrowed, whether it is large enough, what it becomes
//! again.

use super::{Input, derived_uuid, disk, is_stacked};
use crate::disk::{Disk, FoundPartition, Swap, UNKNOWN, UNRECOGNISED, filesystem};
use crate::job::Action;
use crate::node::facts::Facts;
use crate::node::fstab::unique;
use crate::plan::{Keeper, LANDING_LABEL, Plan};
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::run::journal::{Journal, RESERVED_BYTES};
use crate::words::size::Size;

/// What logs, journal, selector and configuration may take.
const SLACK: Size = Size::mib(48);

/// The landing partition with its disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Landing<'a> {
    pub(super) disk: &'a Disk,
    pub(super) partition: &'a FoundPartition,
    pub(super) kind: Kind,
}

/// What a landing partition is, see [`crate::plan::LandingKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Lent,
    Made,
    InMemory(Keeper),
}

impl<'a> Landing<'a> {
    /// Whether the jump system's root is to lie in memory.
    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.kind, Kind::InMemory(_))
    }

    pub(super) fn of(facts: &Facts, (disk, partition): (&'a Disk, &'a FoundPartition)) -> Self {
        let named = partition.name.as_deref() == Some(LANDING_LABEL);
        let recorded = facts.jump.as_ref().is_some_and(|jump| jump.made);
        let is_made = is_ours(facts, partition) && (named || recorded);
        Self {
            disk,
            partition,
            kind: if is_made { Kind::Made } else { Kind::Lent },
        }
    }
}

/// Whether an earlier run that did not finish has borrowed it: by the label of its file system, or
/// where a cut left none by its journal.
pub(super) fn is_ours(facts: &Facts, partition: &FoundPartition) -> bool {
    let content = partition.content.as_ref();
    let labelled = content.and_then(|content| content.label.as_deref()) == Some(LANDING_LABEL);
    let jump = facts.jump.as_ref();
    labelled || jump.and_then(|jump| jump.landing.as_ref()) == Some(&partition.device)
}

/// What an earlier run has borrowed or made.
pub(super) fn left_over(facts: &Facts) -> Option<Landing<'_>> {
    let mut partitions = facts.partitions();
    let found = partitions.find(|(_, partition)| is_ours(facts, partition));
    found.map(|found| Landing::of(facts, found))
}

/// What stands against borrowing it.
pub(super) fn refusals(input: &Input<'_>, disk: &Disk, landing: &Landing<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let partition = landing.partition;
    let device = &partition.device;
    let name_another = "name another partition with [landing] partition = \"/dev/…\"";
    let mut refuse =
        |code, message: String, hint: &str| refusals.push(Refusal::new(code, message, hint));
    match input
        .facts
        .mounts
        .iter()
        .find(|mount| &mount.device == device)
    {
        Some(mount) if mount.target == "/" => {
            refuse(
                RefusalCode::LandingIsRoot,
                format!("{device} is the root file system"),
                name_another,
            );
        }
        Some(mount) => refuse(
            RefusalCode::LandingMounted,
            format!("{device} is mounted at {}", mount.target),
            "unmount it, or name another partition",
        ),
        None => {}
    }
    let content = partition.content.as_ref();
    let kind = content.map(|content| content.kind.as_str());
    if kind.is_some_and(is_stacked) || !partition.holders.is_empty() {
        refuse(
            RefusalCode::LandingStacked,
            format!("{device} is part of LVM, RAID or LUKS"),
            name_another,
        );
    } else if let Some(kind) = kind.filter(|kind| *kind != "swap")
        && !is_ours(input.facts, partition)
    {
        refuse(
            RefusalCode::LandingHoldsData,
            match kind {
                UNKNOWN | UNRECOGNISED => {
                    format!("{device} is not blank, and what it holds is not known")
                }
                kind => format!("{device} holds {kind}, not swap"),
            },
            &format!(
                "if its content may go, run `mkswap {device}` on the node; or name another partition"
            ),
        );
    }
    let is_beside = landing.disk.device != disk.device;
    if is_beside && landing.kind != Kind::Made {
        refuse(
            RefusalCode::LandingInLayout,
            format!(
                "{device} is not on {}, the disk that boots and is replaced",
                disk.device
            ),
            name_another,
        );
    }
    let action = input.job.layout.action(partition.number);
    if !is_beside && !matches!(action, None | Some(Action::Keep)) {
        refuse(
            RefusalCode::LandingInLayout,
            format!(
                "the layout changes partition {}, which the jump system runs from",
                partition.number
            ),
            "leave it out of the layout: it becomes swap again by itself",
        );
    }
    if is_beside && landing.kind == Kind::Made {
        refusals.extend(disk::unfit(input, landing.disk));
    }
    refusals.extend(too_small(input, partition));
    refusals
}

/// What the landing partition must hold at the fullest moment: the jump system, beside
/// it first its own image file and later the target's with the saved files.
fn too_small(input: &Input<'_>, partition: &FoundPartition) -> Option<Refusal> {
    let needed = needed(input, partition.size());
    (needed > partition.size()).then(|| {
        Refusal::new(
            RefusalCode::LandingTooSmall,
            format!(
                "{} is {}; jump system ({}), image ({}), saved files ({}) and file system need {}",
                partition.device,
                partition.size(),
                input.jump.manifest.unpacked,
                Size(input.target.size),
                saved(input),
                needed
            ),
            "name another partition with [landing] partition = \"/dev/…\", or make the images smaller",
        )
    })
}

/// The same of a partition of that size, in bytes.
pub(super) fn needed(input: &Input<'_>, size: Size) -> Size {
    let jump = input.jump.manifest.unpacked;
    let target = Size(input.target.size);
    let staged = Size(input.jump.size).max([target, saved(input)].into_iter().sum());
    // ext4's own: inode tables 1/64, journal up to 64 MiB on partitions of a few GiB.
    let overhead = Size((size.bytes() / 50) + (64 << 20));
    let slack = [SLACK, super::hooks::scripts(input), Size(RESERVED_BYTES)];
    [jump, staged, overhead].into_iter().chain(slack).sum()
}

/// What saved files may take.
pub(super) fn saved(input: &Input<'_>) -> Size {
    let saved = input.facts.saved.iter().filter_map(|path| path.size);
    saved.chain([super::hooks::added(input)]).sum()
}

/// What the journal could not keep.
pub(super) fn journal_refusal(plan: &Plan) -> Option<Refusal> {
    let (swap, disk) = (plan.landing.swap(), plan.landing_disk());
    let excess = Journal::excess(&plan.run, disk.identities, &plan.boot_id, swap);
    (excess > 0).then(|| {
        Refusal::new(
            RefusalCode::JournalRoom,
            format!("the names of {} and the options of its swap are {excess} bytes longer than the run's journal has room for", disk.device),
            "shorten the options of the swap's line in /etc/fstab",
        )
    })
}

/// The swap to make again: the one that is there; or, where an earlier run has wiped it, what that
/// run's record or fstab says that it was.
pub(super) fn swap(input: &Input<'_>, partition: &FoundPartition) -> Option<Swap> {
    let facts = input.facts;
    let in_fstab = crate::node::fstab::swap_entry(facts, partition);
    let content = partition.content.as_ref();
    let holds_swap = content.is_some_and(|content| content.kind == "swap");
    let ours = is_ours(facts, partition);
    if !holds_swap && !ours && content.is_some() {
        return None;
    }
    let recorded = facts.jump.as_ref().and_then(|jump| jump.swap.clone());
    let (uuid, label, options) = match (content.filter(|_| holds_swap), recorded.filter(|_| ours)) {
        (Some(content), _) => (
            content.uuid.clone(),
            content.label.clone(),
            in_fstab.map(|entry| entry.options),
        ),
        (None, Some(swap)) => (Some(swap.uuid), swap.label, Some(swap.options)),
        (None, None) => {
            let entry = in_fstab?;
            (entry.uuid, entry.label, Some(entry.options))
        }
    };
    Some(Swap {
        // mkswap before 2.13 made areas without a UUID, and fstab may go by the device.
        uuid: uuid
            .filter(|uuid| uuid::Uuid::try_parse(uuid).is_ok())
            .filter(|uuid| !unique::stands_twice(uuid, facts))
            .unwrap_or_else(|| derived_uuid(input, "swap")),
        label: label.filter(|label| filesystem::label("swap", label).is_ok()),
        options: options.unwrap_or_else(|| "sw".to_owned()),
    })
}

/// That there is nothing to land on.
pub(super) fn none(message: String, hint: &str) -> Refusal {
    Refusal::new(RefusalCode::NoLandingPartition, message, hint)
}
