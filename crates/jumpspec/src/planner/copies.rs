//! Trees that are copied from one partition to another, before what they lie on goes: whether each
//! can be read, has room and a place of its own, and when.

mod destination;
mod order;
mod source;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::Input;
use super::landing::{Kind, Landing};
use super::wished::Wished;
use crate::disk::Disk;
use crate::job::CopyWish;
use crate::node::facts::{FoundCopy, FoundTree};
use crate::plan::PlannedDisk;
use crate::planner::refusal::Refusal;
use crate::step::{Step, TreeCopy, TreePlace};
use crate::words::size::Size;

/// What a slow disk reads and writes in a second, when much of it is small files.
const SLOWLY: u64 = 20 << 20;

/// The copies, and when each is made.
pub(super) struct Copies {
    /// In the job's order.
    pub(super) trees: Vec<TreeCopy>,
    /// The partition table, all file systems, all copies: in an order in which nothing is lost.
    pub(super) order: Vec<Step>,
    /// What to say of them.
    pub(super) notes: Vec<String>,
}

impl Copies {
    /// What is proved of them.
    pub(super) fn prove(&self) -> Option<Step> {
        (!self.trees.is_empty()).then(|| Step::ProveCopies {
            copies: self.trees.clone(),
        })
    }
}

/// What the copies follow from.
#[derive(Clone, Copy)]
struct Given<'a> {
    input: &'a Input<'a>,
    disk: &'a Disk,
    /// The number of the partition that is borrowed, if one is.
    landing: Option<u32>,
    table: &'a PlannedDisk,
    filesystems: &'a [Wished],
}

/// Works out the copies, of what a table and file systems are made.
pub(super) fn planned(
    input: &Input<'_>,
    disk: &Disk,
    landing: &Landing<'_>,
    (table, filesystems): (&PlannedDisk, &[Wished]),
) -> Result<Copies, Vec<Refusal>> {
    let given = Given {
        input,
        disk,
        landing: match landing.kind {
            Kind::Lent | Kind::Made if landing.disk.device == disk.device => {
                Some(landing.partition.number)
            }
            Kind::Lent | Kind::Made | Kind::InMemory(_) => None,
        },
        table,
        filesystems,
    };
    let wishes = &input.job.copy;
    let mut refusals = destination::in_each_other(wishes);
    let mut trees = Vec::new();
    for wish in wishes {
        match one(given, wish) {
            Ok(tree) => trees.push(tree),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    refusals.extend(destination::too_small(input, &trees));
    let order = order::ordered(table, filesystems, &trees);
    match order {
        Ok(order) if refusals.is_empty() => Ok(Copies {
            notes: notes(input, filesystems, &trees),
            trees,
            order,
        }),
        Ok(_) => Err(refusals),
        Err(refusal) => {
            refusals.push(refusal);
            Err(refusals)
        }
    }
}

fn one(given: Given<'_>, wish: &CopyWish) -> Result<TreeCopy, Refusal> {
    let found = found(given.input, wish);
    let (from, size) = source::of(given.input, given.disk, wish, found)?;
    let to = destination::Asked { given, wish, found };
    let (fs, kept) = to.filesystem(&from)?;
    Ok(TreeCopy {
        path: wish.from.clone(),
        from,
        to: TreePlace {
            number: wish.to.number,
            fs,
            directory: wish.to.directory.clone(),
        },
        kept,
        size,
    })
}

fn found<'a>(input: &Input<'a>, wish: &CopyWish) -> Option<&'a FoundCopy> {
    let mut found = input.facts.copies.iter();
    found.find(|found| found.wish == *wish)
}

/// The trees that the node has for the job's copies.
pub(super) fn trees<'a>(input: &Input<'a>) -> impl Iterator<Item = (&'a CopyWish, &'a FoundTree)> {
    let wishes = input.job.copy.iter();
    let facts = input.facts;
    wishes.filter_map(move |wish| {
        let mut found = facts.copies.iter();
        let found = found.find(|found| found.wish == *wish)?;
        Some((wish, found.tree.as_ref()?))
    })
}

/// What is copied to partition `number` takes there: bytes and inodes.
pub(super) fn going_to(input: &Input<'_>, number: u32) -> (Size, u64) {
    let trees = trees(input).filter(|(wish, _)| wish.to.number == number);
    trees.fold((Size(0), 0), |(size, inodes), (_, tree)| {
        let size = [size, tree.size].into_iter().sum();
        (size, tree.inodes.saturating_add(inodes))
    })
}

fn notes(input: &Input<'_>, filesystems: &[Wished], copies: &[TreeCopy]) -> Vec<String> {
    let mut notes = Vec::new();
    for (wish, tree) in trees(input) {
        notes.extend(tree.below.iter().map(|below| {
            format!(
                "what is mounted at {below} is not copied with {}: a copy stays on one file system",
                wish.from
            )
        }));
        if !tree.owners.complete {
            notes.push(format!(
                "{} has too many files to look at all: its size is taken for all that is in use there, and who else owns some is not known",
                wish.from
            ));
        }
    }
    let made = copies.iter().filter(|copy| !copy.kept);
    notes.extend(made.filter_map(|copy| {
        let place = destination::in_new_system(filesystems, &copy.to.directory, copy.to.number)?;
        Some(format!(
            "{} is copied to {place} of the new system, in place of what the image has there",
            copy.path
        ))
    }));
    notes.extend(takes_long(input, copies));
    notes
}

/// A copy is read, written and read back, all within `[wait] replace`.
fn takes_long(input: &Input<'_>, copies: &[TreeCopy]) -> Option<String> {
    let size: Size = copies.iter().map(|copy| copy.size).sum();
    let slowly = Duration::from_secs(size.bytes() / SLOWLY);
    let limit = input.job.wait.replace.0;
    (slowly > limit / 2).then(|| {
        format!(
            "{size} are copied within [wait] replace, which is {}: a slow disk may need more",
            humantime::format_duration(limit)
        )
    })
}
