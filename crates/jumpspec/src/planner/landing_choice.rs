//! Which partition the jump system lands on: swap, one that is made, the one that the job names; or
//! memory, with the EFI system partition or that of /boot.

use super::free_room::{self, Made};
use super::landing::{self, Kind, Landing, is_ours, left_over};
use super::{Input, derived_uuid, disk, in_memory, memory};
use crate::disk::{Disk, FoundPartition, OtherDisk};
use crate::job::LandingChoice;
use crate::node::facts::Facts;
use crate::plan::{Keeper, LandingKind, PlannedLanding};
use crate::planner::refusal::Refusal;

/// The landing partition that is made, if one is: because the job says so, or because no swap
/// partition can be borrowed. One that an earlier run has made, or borrowed, is used again.
pub(super) fn made(input: &Input<'_>) -> Option<Made> {
    let wanted = match input.job.landing.partition {
        LandingChoice::Free => true,
        LandingChoice::Auto => !borrows_swap(input),
        LandingChoice::Swap
        | LandingChoice::Esp
        | LandingChoice::Boot
        | LandingChoice::Device(_) => false,
    };
    let is_new = wanted && left_over(input.facts).is_none();
    is_new.then(|| free_room::found(input).ok()).flatten()
}

fn borrows_swap(input: &Input<'_>) -> bool {
    let (Ok(disk), Ok(landing)) = (disk::chosen(input), swap_of(input)) else {
        return false;
    };
    landing::refusals(input, disk, &landing).is_empty()
        && memory::refusal(input, &landing).is_none()
}

/// The partition that the job means; `made` is the device of one that is to be made.
pub(super) fn chosen<'a>(input: &Input<'a>, made: Option<&str>) -> Result<Landing<'a>, Refusal> {
    let facts = input.facts;
    let named = |device: &str| {
        facts
            .partition(device)
            .map(|found| Landing::of(facts, found))
    };
    if let Some(made) = made.and_then(named) {
        return Ok(Landing {
            kind: Kind::Made,
            ..made
        });
    }
    match &input.job.landing.partition {
        LandingChoice::Device(wanted) => named(wanted).ok_or_else(|| {
            landing::none(
                format!("{wanted} is not a partition of this node"),
                "name one of its partitions",
            )
        }),
        LandingChoice::Free => left_over(facts).ok_or_else(|| {
            landing::none(
                free_room::found(input).err().unwrap_or_default(),
                "shrink or delete a partition that nobody needs, or name one with [landing] partition = \"/dev/…\"",
            )
        }),
        LandingChoice::Esp => in_memory::chosen(input, Keeper::Esp),
        LandingChoice::Boot => in_memory::chosen(input, Keeper::Boot),
        LandingChoice::Auto if !borrows_swap(input) && in_memory::fits(input) => {
            in_memory::chosen(input, in_memory::keeper(input))
        }
        LandingChoice::Swap | LandingChoice::Auto => swap_of(input),
    }
}

/// The node's swap partition.
fn swap_of<'a>(input: &Input<'a>) -> Result<Landing<'a>, Refusal> {
    let facts = input.facts;
    let holds = |partition: &FoundPartition, kind: &str| {
        partition
            .content
            .as_ref()
            .is_some_and(|content| content.kind == kind)
    };
    let kinds: [&dyn Fn(&FoundPartition) -> bool; 4] = [
        &|partition| is_ours(facts, partition),
        &|partition| partition.swap_active,
        &|partition| holds(partition, "swap"),
        &|partition| was_swap(facts, partition),
    ];
    let largest = |may_be: &dyn Fn(&Disk) -> bool| {
        kinds.iter().find_map(|wanted| {
            facts
                .partitions()
                .filter(|(disk, partition)| may_be(disk) && wanted(partition))
                .max_by_key(|(_, partition)| partition.sectors)
        })
    };
    let replaced = super::disk::chosen(input).ok();
    // One on another disk is taken only to be refused with the true reason.
    let found = largest(&|disk| Some(disk) == replaced).or_else(|| largest(&|_| true));
    found.map(|found| Landing::of(facts, found)).ok_or_else(|| {
        let mut why = match facts.swaps.first() {
            None => "this node has no swap partition".to_owned(),
            Some(swap) => {
                format!("this node swaps to {swap}, which is not a partition of a disk")
            }
        };
        let no_room = free_room::found(input).err();
        if let Some(no_room) = no_room.filter(|_| input.job.landing.partition == LandingChoice::Auto) {
            why = format!("{why}, and there is no room for a partition of our own: {no_room}");
            if let Some(not_there) = in_memory::why_not(input) {
                why = format!("{why}; nor for a system in memory: {not_there}");
            }
        }
        landing::none(
            why,
            "name another partition with [landing] partition = \"/dev/…\", or leave room that belongs to no partition",
        )
    })
}

/// Whether it is blank and fstab names it as swap.
fn was_swap(facts: &Facts, partition: &FoundPartition) -> bool {
    partition.content.is_none() && crate::node::fstab::names_swap(&facts.fstab, partition)
}

/// What stands against the choice.
pub(super) fn refusals(input: &Input<'_>, disk: &Disk, landing: &Landing<'_>) -> Vec<Refusal> {
    match landing.kind {
        Kind::InMemory(keeper) => in_memory::refusals(input, keeper, landing),
        Kind::Lent | Kind::Made => landing::refusals(input, disk, landing),
    }
}

/// The landing partition as the plan carries it.
pub(super) fn planned(input: &Input<'_>, replaced: &Disk, landing: &Landing<'_>) -> PlannedLanding {
    let partition = landing.partition;
    let (fs_uuid, kind) = match landing.kind {
        Kind::Lent => {
            let swap = landing::swap(input, partition);
            (derived_uuid(input, "landing"), LandingKind::Lent { swap })
        }
        Kind::Made => (derived_uuid(input, "landing"), LandingKind::Made),
        Kind::InMemory(on) => {
            let fs_uuid = in_memory::fs_uuid(partition);
            (fs_uuid, LandingKind::InMemory { on })
        }
    };
    PlannedLanding {
        device: partition.device.clone(),
        number: partition.number,
        beside: OtherDisk::beside(replaced, landing.disk),
        start: partition.start,
        sectors: partition.sectors,
        fs_uuid,
        kind,
    }
}
