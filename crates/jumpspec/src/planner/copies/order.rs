//! The order of the partition table, the file systems and the copies in which nothing is lost: a
//! tree is copied once there is a file system for it, and before its own goes.

use crate::disk::FoundPartition;
use crate::plan::PlannedDisk;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::planner::wished::Wished;
use crate::step::{Step, TreeCopy};

/// What is to be brought into an order.
struct Work<'a> {
    table: &'a PlannedDisk,
    /// Each is done once.
    waiting: Vec<Step>,
}

/// All of them in order: copies as early as they can be, and then what destroys.
///
/// # Errors
/// When there is none.
pub(super) fn ordered(
    table: &PlannedDisk,
    filesystems: &[Wished],
    copies: &[TreeCopy],
) -> Result<Vec<Step>, Refusal> {
    let makes = || filesystems.iter().filter_map(Wished::mkfs);
    let is_for_a_copy = |step: &Step| {
        let mut numbers = copies.iter().map(|copy| Some(copy.to.number));
        numbers.any(|number| number == made(step))
    };
    let first = makes().filter(is_for_a_copy);
    let later = makes().filter(|step| !is_for_a_copy(step));
    let mut work = Work {
        table,
        waiting: copies
            .iter()
            .cloned()
            .map(Step::Copy)
            .chain(first)
            .chain(table.rewrite.then_some(Step::Repartition))
            .chain(later)
            .collect(),
    };
    let mut order = Vec::new();
    while !work.waiting.is_empty() {
        let next = work.waiting.iter().position(|step| work.may_come(step));
        let Some(next) = next else {
            return Err(work.stuck());
        };
        order.push(work.waiting.remove(next));
    }
    Ok(order)
}

/// The partition that a step makes a file system on.
fn made(step: &Step) -> Option<u32> {
    match step {
        Step::Mkfs { number, .. } => Some(*number),
        _ => None,
    }
}

impl Work<'_> {
    /// Whether nothing that waits has to come before `step`.
    fn may_come(&self, step: &Step) -> bool {
        let mut waiting = self.waiting.iter();
        match step {
            Step::Copy(copy) => {
                waiting.all(|other| made(other) != Some(copy.to.number))
                    && (self.stays(copy.to.number) || !self.waits_for_the_table())
            }
            Step::Mkfs { number, .. } => {
                let in_place = self.stays(*number) || !self.waits_for_the_table();
                in_place
                    && self
                        .copies_to_come()
                        .all(|copy| copy.from.number != *number)
            }
            _ => self
                .copies_to_come()
                .all(|copy| self.stays(copy.from.number)),
        }
    }

    fn copies_to_come(&self) -> impl Iterator<Item = &TreeCopy> {
        self.waiting.iter().filter_map(|step| match step {
            Step::Copy(copy) => Some(copy),
            _ => None,
        })
    }

    fn waits_for_the_table(&self) -> bool {
        self.waiting.contains(&Step::Repartition)
    }

    /// Whether partition `number` is in both tables, at the same place.
    fn stays(&self, number: u32) -> bool {
        let before = self.table.before.iter().map(FoundPartition::unchanged);
        let mut before = before.filter(|it| it.number == number);
        before.any(|it| self.table.after.contains(&it))
    }

    fn stuck(&self) -> Refusal {
        let by_the_table = self
            .copies_to_come()
            .find(|copy| !self.stays(copy.from.number));
        let (copy, why) = match by_the_table {
            Some(copy) => (
                Some(copy),
                "goes when the partition table is written, and there is no place for it before",
            ),
            None => (
                self.copies_to_come().next(),
                "would be formatted before there is a place for it, for that waits for another copy",
            ),
        };
        let what = copy.map_or_else(String::new, |copy| {
            format!(
                "[[copy]]: {} lies on partition {}, which {why} (partition {} is to take it)",
                copy.path, copy.from.number, copy.to.number
            )
        });
        Refusal::new(
            RefusalCode::CopyOrder,
            what,
            "say action = \"format\" or \"keep\" for one of the two, so that its place stays; or copy to a partition that is there already",
        )
    }
}
