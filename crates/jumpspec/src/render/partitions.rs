//! Partitions before and after: as boxes for the bar, and as a table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::WIDTH;
use super::bar::Segment;
use crate::disk::{FoundPartition, Partition};
use crate::node::facts::Facts;
use crate::plan::{Plan, PlannedFilesystem};

/// MBR extended partitions: containers, drawn as what they hold.
const EXTENDED: &[&str] = &["0x05", "0x0f", "0x85", "0x5", "0xf"];

/// The boxes of the disk as it is.
pub(super) fn before(plan: &Plan, facts: &Facts) -> Vec<Segment> {
    let drawn = plan.disk.before.iter();
    drawn
        .filter(|partition| is_drawn(plan, partition))
        .map(|partition| Segment {
            start: partition.start,
            sectors: partition.sectors,
            labels: [
                format!("{} {}", partition.number, old_content(partition)),
                old_mount(partition, facts).unwrap_or_default().to_owned(),
            ],
        })
        .collect()
}

/// The boxes of the disk as it will be.
pub(super) fn after(plan: &Plan) -> Vec<Segment> {
    let drawn = plan.disk.after.iter();
    drawn
        .filter(|partition| is_drawn(plan, partition))
        .map(|partition| Segment {
            start: partition.start,
            sectors: partition.sectors,
            labels: [
                format!("{} {}", partition.number, new_content(plan, partition)),
                new_mount(plan, partition.number)
                    .unwrap_or_default()
                    .to_owned(),
            ],
        })
        .collect()
}

/// One that is there for the run alone is free room before and after it.
fn is_drawn(plan: &Plan, partition: &Partition) -> bool {
    let made = is_made(plan, partition.number);
    !made && !EXTENDED.contains(&partition.type_code.as_str())
}

/// Whether that is a partition which is there for the run alone.
fn is_made(plan: &Plan, number: u32) -> bool {
    plan.landing.is_made() && plan.landing.number_on_replaced() == Some(number)
}

/// One row a partition: number, before, after, what happens to it.
pub(super) fn table(plan: &Plan, facts: &Facts) -> Vec<String> {
    let head = ["", "before", "", "", "after", "", "", ""].map(str::to_owned);
    let numbers: BTreeSet<u32> = plan
        .disk
        .before
        .iter()
        .map(|partition| partition.number)
        .chain(plan.disk.after.iter().map(|partition| partition.number))
        .collect();
    let rows: Vec<_> = std::iter::once(head)
        .chain(numbers.into_iter().map(|number| row(plan, facts, number)))
        .collect();
    aligned(&rows)
}

fn row(plan: &Plan, facts: &Facts, number: u32) -> [String; 8] {
    let before = plan
        .disk
        .before
        .iter()
        .find(|partition| partition.number == number);
    let after = plan
        .disk
        .after
        .iter()
        .find(|partition| partition.number == number);
    let mut row = [const { String::new() }; 8];
    row[0] = number.to_string();
    // It is there for the run alone.
    let made = is_made(plan, number);
    if let Some(partition) = before.filter(|_| !made) {
        row[1] = partition.size().to_string();
        old_content(partition).clone_into(&mut row[2]);
        old_mount(partition, facts)
            .unwrap_or("-")
            .clone_into(&mut row[3]);
    }
    if let Some(partition) = after.filter(|_| !made) {
        row[4] = partition.size().to_string();
        new_content(plan, partition).clone_into(&mut row[5]);
        new_mount(plan, number)
            .unwrap_or("-")
            .clone_into(&mut row[6]);
    }
    fate(plan, before, after).clone_into(&mut row[7]);
    row
}

/// What happens to a partition, in a word or two.
fn fate(plan: &Plan, before: Option<&FoundPartition>, after: Option<&Partition>) -> &'static str {
    let Some(after) = after else { return "deleted" };
    let same_place =
        before.is_some_and(|before| (before.start, before.sectors) == (after.start, after.sectors));
    if Some(after.number) == plan.landing.borrowed() {
        return match plan.landing.swap() {
            _ if plan.landing.is_made() => "free room, borrowed",
            Some(_) => "borrowed, then swap again",
            None => "borrowed, then empty",
        };
    }
    match filesystem(plan, after.number) {
        _ if !same_place => "made anew",
        Some(filesystem) if !filesystem.kept => "formatted",
        _ => "kept",
    }
}

fn old_content(partition: &FoundPartition) -> &str {
    partition
        .content
        .as_ref()
        .map_or("?", |content| content.kind.as_str())
}

fn old_mount<'a>(partition: &FoundPartition, facts: &'a Facts) -> Option<&'a str> {
    let mut mounts = facts.mounts.iter();
    mounts
        .find(|mount| mount.device == partition.device)
        .map(|mount| mount.target.as_str())
}

fn new_content<'a>(plan: &'a Plan, partition: &Partition) -> &'a str {
    if Some(partition.number) == plan.landing.borrowed() {
        return if plan.landing.swap().is_some() {
            "swap"
        } else {
            "?"
        };
    }
    if let Some(filesystem) = filesystem(plan, partition.number) {
        return &filesystem.fs;
    }
    let mut before = plan.disk.before.iter();
    before
        .find(|before| before.number == partition.number)
        .map_or("?", old_content)
}

fn new_mount(plan: &Plan, number: u32) -> Option<&str> {
    filesystem(plan, number).map(|filesystem| filesystem.mount.as_str())
}

fn filesystem(plan: &Plan, number: u32) -> Option<&PlannedFilesystem> {
    plan.filesystems
        .iter()
        .find(|filesystem| filesystem.number == number)
}

/// Columns padded to their widest cell, but not for what is wider than a page; sizes to the right.
fn aligned(rows: &[[String; 8]]) -> Vec<String> {
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.filter(|width| *width < WIDTH).max().unwrap_or(0)
    };
    let widths: [usize; 8] = std::array::from_fn(width);
    let text = |(index, row): (usize, &[String; 8])| {
        let mut text = String::from(" ");
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let right = matches!(column, 0 | 1 | 4) && index > 0;
            let written = if right {
                write!(text, "  {cell:>width$}")
            } else {
                write!(text, "  {cell:<width$}")
            };
            // Writing to a string cannot fail.
            written.ok();
        }
        text.truncate(text.trim_end().len());
        text
    };
    rows.iter().enumerate().map(text).collect()
}
