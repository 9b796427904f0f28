//! The last check of every plan: nothing is written over what the run still needs.
//!
//! It looks at the finished plan alone, step by step, whatever the planner's parts have
//! meant: the selector with its raw copy, the loaders, the landing partition with journal
//! and key, the old system until the commit, what is kept and what is made anew. It
//! chooses nothing.

use crate::disk::table::GPT_BIOS_BOOT;
use crate::disk::{Disk, Extent, FoundPartition, Partition, TableKind};
use crate::plan::Plan;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::step::Step;

#[cfg(test)]
mod tests;

/// Whose sectors they are. Writing over one's own is what the steps do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Table,
    OldLoader,
    Selector,
    RawCopy,
    NewLoader,
    Landing,
    Partition(u32),
    /// A partition that is copied from.
    CopiedFrom(u32),
}

impl Owner {
    fn in_words(self, plan: &Plan) -> String {
        match self {
            Self::Table => "the partition table".to_owned(),
            Self::OldLoader => "the loader in use".to_owned(),
            Self::Selector => "the selector".to_owned(),
            Self::RawCopy => "the copy of the boot sector".to_owned(),
            Self::NewLoader => "the new system's loader".to_owned(),
            Self::Landing => format!("the landing partition {}", plan.landing.device),
            Self::Partition(number) => format!("partition {number}"),
            Self::CopiedFrom(number) => format!("what is copied from partition {number}"),
        }
    }
}

/// Sectors of an owner, from a step on and until another; steps are counted over all systems.
#[derive(Clone, Copy, Debug)]
struct Need {
    owner: Owner,
    extent: Extent,
    from: usize,
    until: usize,
}

/// Longer than any list of steps.
const FOR_GOOD: usize = usize::MAX;

/// What stands against `plan`, made for `disk`.
pub(super) fn refusals(plan: &Plan, disk: &Disk) -> Vec<Refusal> {
    let steps: Vec<&Step> = [
        &plan.steps.old,
        &plan.steps.prove,
        &plan.steps.replace,
        &plan.steps.new,
    ]
    .into_iter()
    .flatten()
    .collect();
    let needs = needs(plan, disk, &steps);
    let mut refusals = misplaced(plan, disk);
    refusals.extend(beside(plan));
    refusals.extend(lost_by_the_table(plan, &steps));
    if !refusals.is_empty() {
        return refusals;
    }
    for (at, step) in steps.iter().enumerate() {
        for (owner, extent) in writes(plan, disk, step) {
            let hit = needs.iter().find(|need| {
                need.owner != owner
                    && (need.from..need.until).contains(&at)
                    && need.extent.overlaps(extent)
            });
            refusals.extend(hit.map(|need| overlap(plan, owner, need)));
        }
    }
    refusals.dedup();
    refusals
}

fn overlap(plan: &Plan, owner: Owner, need: &Need) -> Refusal {
    Refusal::new(
        RefusalCode::ExtentsOverlap,
        format!(
            "{} would be written over {} (sectors {} to {} of {}), which is needed then",
            owner.in_words(plan),
            need.owner.in_words(plan),
            need.extent.start,
            need.extent.end().saturating_sub(1),
            plan.disk.device
        ),
        "mend the node's partition table if its partitions overlap (sfdisk --verify), or leave them as they are in the layout",
    )
}

/// A landing partition of another disk lies on it, and on nothing that it has.
fn beside(plan: &Plan) -> Option<Refusal> {
    let other = plan.landing.beside.as_ref()?;
    let extent = plan.landing.extent();
    let others = other.before.iter();
    let mut others = others.filter(|it| it.number != plan.landing.number);
    let hit = others.find(|it| it.extent().overlaps(extent));
    if hit.is_none() && extent.ends_within(other.sectors) {
        return None;
    }
    let over = hit.map_or("the end of its disk", |it| it.device.as_str());
    Some(Refusal::new(
        RefusalCode::ExtentsOverlap,
        format!(
            "{} would be written over {over}",
            Owner::Landing.in_words(plan)
        ),
        "mend the partition table of that disk (sfdisk --verify)",
    ))
}

/// A partition is named by its number: what is copied from or to one is there before and after the
/// table is written, as far as that comes before the copy.
fn lost_by_the_table(plan: &Plan, steps: &[&Step]) -> Vec<Refusal> {
    let written = steps.iter().position(|step| **step == Step::Repartition);
    let stays = |number: u32| {
        let before = plan.disk.before.iter().map(FoundPartition::unchanged);
        let mut before = before.filter(|it| it.number == number);
        before.any(|it| plan.disk.after.contains(&it))
    };
    let copies = steps
        .iter()
        .enumerate()
        .filter_map(|(at, step)| match step {
            Step::Copy(copy) => Some((at, copy)),
            _ => None,
        });
    let lost = copies.filter(|(at, copy)| {
        let is_written = written.is_some_and(|written| written < *at);
        is_written && !stays(copy.from.number)
            || !is_written && !stays(copy.to.number)
            || made(steps, copy.to.number).is_some_and(|made| made > *at)
    });
    lost.map(|(_, copy)| {
        Refusal::new(
            RefusalCode::CopyOrder,
            format!(
                "{} would be copied when partition {} or {} is not there",
                copy.path, copy.from.number, copy.to.number
            ),
            "leave the copy out; this is a mistake of the planner's",
        )
    })
    .collect()
}

/// The loaders and the selector lie in the loader area, which on GPT is a BIOS boot partition
/// that stays; all lies on the disk.
fn misplaced(plan: &Plan, disk: &Disk) -> Vec<Refusal> {
    let area = disk.loader.as_ref().and_then(|loader| loader.area);
    let stays = |area: &Extent| {
        let home = |partition: &Partition| {
            partition.type_code == GPT_BIOS_BOOT && partition.extent() == *area
        };
        let before = disk.partitions.iter().map(FoundPartition::unchanged);
        plan.disk.table == TableKind::Mbr
            || before
                .filter(home)
                .any(|home| plan.disk.after.contains(&home))
    };
    let area = area.filter(stays);
    let inside = |extent: Extent| area.is_some_and(|area| area.contains(extent));
    let homeless = loaders(plan)
        .into_iter()
        .filter(|(_, extent)| !inside(*extent));
    let beyond = plan
        .disk
        .after
        .iter()
        .map(|partition| (Owner::Partition(partition.number), partition.extent()))
        .filter(|(_, extent)| !extent.ends_within(disk.sectors));
    homeless
        .chain(beyond)
        .map(|(owner, extent)| {
            Refusal::new(
                RefusalCode::ExtentsOverlap,
                format!(
                    "{} would lie outside its room (sectors {} to {} of {})",
                    owner.in_words(plan),
                    extent.start,
                    extent.end().saturating_sub(1),
                    plan.disk.device
                ),
                "leave the BIOS boot partition as it is in the layout; if the table does not fit the disk, mend it first (sfdisk --verify)",
            )
        })
        .collect()
}

/// The sectors that loaders lie in of themselves; none where they are files.
fn loaders(plan: &Plan) -> Vec<(Owner, Extent)> {
    let sectors = plan.boot.bios().map(|bios| {
        [
            (Owner::Selector, bios.core),
            (Owner::RawCopy, bios.raw_copy()),
            (Owner::NewLoader, bios.new_core),
        ]
    });
    sectors.into_iter().flatten().collect()
}

/// What a step writes to, journal entries (which lie in the landing partition) left out.
fn writes(plan: &Plan, disk: &Disk, step: &Step) -> Vec<(Owner, Extent)> {
    let of = |owners: [Owner; 2]| {
        let loaders = loaders(plan).into_iter();
        loaders.filter(move |(owner, _)| owners.contains(owner))
    };
    let selector = of([Owner::Selector, Owner::RawCopy]);
    // On another disk it is looked at by itself.
    let is_here = plan.landing.beside.is_none();
    let landing = is_here.then(|| (Owner::Landing, plan.landing.extent()));
    let tables = table(disk).filter(|_| is_here);
    let tables = tables.map(|extent| (Owner::Table, extent));
    match step {
        Step::AddLanding => tables.chain(landing).collect(),
        Step::MakeLanding => landing.into_iter().collect(),
        Step::WriteSelector => selector.collect(),
        Step::Repartition => table(disk).map(|extent| (Owner::Table, extent)).collect(),
        Step::Mkfs { number, .. } => extent_after(plan, *number)
            .map(|extent| (Owner::Partition(*number), extent))
            .into_iter()
            .collect(),
        Step::Copy(copy) => extent_after(plan, copy.to.number)
            .map(|extent| (Owner::Partition(copy.to.number), extent))
            .into_iter()
            .collect(),
        Step::PlaceLoader => of([Owner::RawCopy, Owner::NewLoader]).collect(),
        Step::ReturnLanding if plan.landing.is_made() => {
            selector.chain(landing).chain(tables).collect()
        }
        Step::ReturnLanding => selector.chain(landing).collect(),
        _ => Vec::new(),
    }
}

fn extent_after(plan: &Plan, number: u32) -> Option<Extent> {
    let mut after = plan.disk.after.iter();
    let partition = after.find(|partition| partition.number == number)?;
    Some(partition.extent())
}

/// The boot sector, and on GPT both copies of the table.
fn table(disk: &Disk) -> impl Iterator<Item = Extent> {
    let gpt = disk
        .table
        .as_ref()
        .filter(|table| table.kind == TableKind::Gpt);
    let (head, tail) = gpt.map_or((1, disk.sectors), |table| {
        (
            table.first_usable.max(1),
            table.last_usable.saturating_add(1),
        )
    });
    let extent = |start: u64, end: u64| Extent {
        start,
        sectors: end.saturating_sub(start),
    };
    [extent(0, head), extent(tail, disk.sectors)].into_iter()
}

fn needs(plan: &Plan, disk: &Disk, steps: &[&Step]) -> Vec<Need> {
    let at = |is: fn(&Step) -> bool| steps.iter().position(|step| is(step)).unwrap_or(FOR_GOOD);
    let commit = at(|step| matches!(step, Step::Commit));
    let selector = at(|step| matches!(step, Step::WriteSelector));
    let placed = at(|step| matches!(step, Step::PlaceLoader));
    let finish = at(|step| matches!(step, Step::ReturnLanding));
    let need = |owner, extent, from, until| Need {
        owner,
        extent,
        from,
        until,
    };
    let mut needs = Vec::new();
    if plan.landing.beside.is_none() {
        needs.push(need(Owner::Landing, plan.landing.extent(), 0, FOR_GOOD));
    }
    needs.extend(
        loaders(plan)
            .into_iter()
            .map(|(owner, extent)| match owner {
                Owner::NewLoader => need(owner, extent, placed, FOR_GOOD),
                _ => need(owner, extent, selector, finish),
            }),
    );
    needs.extend(table(disk).map(|extent| need(Owner::Table, extent, 0, FOR_GOOD)));
    let loader = disk.loader.iter().flat_map(|loader| &loader.core);
    needs.extend(loader.map(|extent| need(Owner::OldLoader, *extent, 0, commit)));
    for partition in disk.partitions.iter().filter(|it| holds_files(plan, it)) {
        let number = partition.number;
        let after = plan.disk.after.contains(&partition.partition.clone());
        let until = if after && made(steps, number).is_none() {
            FOR_GOOD
        } else {
            commit
        };
        needs.push(need(Owner::Partition(number), partition.extent(), 0, until));
    }
    needs.extend(copied_from(disk, steps));
    for partition in &plan.disk.after {
        if let Some(from) = made(steps, partition.number) {
            let owner = Owner::Partition(partition.number);
            needs.push(need(owner, partition.extent(), from, FOR_GOOD));
        }
    }
    needs
}

/// What is copied is needed until then.
fn copied_from(disk: &Disk, steps: &[&Step]) -> Vec<Need> {
    let copies = steps
        .iter()
        .enumerate()
        .filter_map(|(at, step)| match step {
            Step::Copy(copy) => Some((at, copy.from.number)),
            _ => None,
        });
    let needs = copies.filter_map(|(until, number)| {
        let mut before = disk.partitions.iter();
        let partition = before.find(|partition| partition.number == number)?;
        Some(Need {
            owner: Owner::CopiedFrom(number),
            extent: partition.extent(),
            from: 0,
            until,
        })
    });
    needs.collect()
}

/// Neither the landing partition, which is a need of its own, nor the one that loaders lie in.
fn holds_files(plan: &Plan, partition: &crate::disk::FoundPartition) -> bool {
    Some(partition.number) != plan.landing.number_on_replaced()
        && partition.type_code != GPT_BIOS_BOOT
}

/// The step that makes a file system on partition `number`.
fn made(steps: &[&Step], number: u32) -> Option<usize> {
    steps
        .iter()
        .position(|step| matches!(step, Step::Mkfs { number: made, .. } if *made == number))
}
