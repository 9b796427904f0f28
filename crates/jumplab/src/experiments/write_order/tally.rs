//! What was tried and what came of it, by window.

use std::fmt::Write as _;

use serde::Serialize;

use crate::vm::loader::Choice;

/// Of all windows, in the order of the journey.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Tally {
    windows: Vec<Row>,
    /// The losses, in words.
    lost: Vec<String>,
}

/// Of one window.
#[derive(Debug, Default, Clone, Serialize)]
struct Row {
    window: &'static str,
    /// Disks as they were at a flush.
    flushes: u64,
    /// Disks with some of the writes since the last flush.
    subsets: u64,
    /// Sectors missing from writes of which others landed.
    torn_sectors: u64,
    old: u64,
    jump: u64,
    new: u64,
    lost: u64,
    /// Disks that were booted, and answered SSH as what GRUB chose.
    booted: u64,
}

impl Tally {
    /// One with a row for each window.
    pub(super) fn new(windows: impl Iterator<Item = &'static str>) -> Self {
        let mut tally = Self::default();
        for window in windows {
            tally.row(window);
        }
        tally
    }

    fn row(&mut self, window: &'static str) -> &mut Row {
        let found = self.windows.iter().position(|row| row.window == window);
        let at = found.unwrap_or_else(|| {
            self.windows.push(Row {
                window,
                ..Row::default()
            });
            self.windows.len() - 1
        });
        &mut self.windows[at]
    }

    /// Counts a disk.
    pub(super) fn count(&mut self, window: &'static str, is_subset: bool, torn_sectors: u64) {
        let row = self.row(window);
        row.flushes += u64::from(!is_subset);
        row.subsets += u64::from(is_subset);
        row.torn_sectors += torn_sectors;
    }

    /// Counts what GRUB chose.
    pub(super) fn chose(&mut self, window: &'static str, choice: Choice) {
        let row = self.row(window);
        match choice {
            Choice::Old => row.old += 1,
            Choice::Jump => row.jump += 1,
            Choice::New => row.new += 1,
        }
    }

    /// Counts a disk that answered SSH.
    pub(super) fn booted(&mut self, window: &'static str) {
        self.row(window).booted += 1;
    }

    /// Counts a loss.
    pub(super) fn lose(&mut self, window: &'static str, what: String) {
        self.row(window).lost += 1;
        self.lost.push(what);
    }

    /// The losses, in words.
    pub(super) fn lost(&self) -> &[String] {
        &self.lost
    }

    /// Adds what another worker counted.
    pub(super) fn add(&mut self, other: Self) {
        for from in other.windows {
            let row = self.row(from.window);
            row.flushes += from.flushes;
            row.subsets += from.subsets;
            row.torn_sectors += from.torn_sectors;
            row.old += from.old;
            row.jump += from.jump;
            row.new += from.new;
            row.lost += from.lost;
            row.booted += from.booted;
        }
        self.lost.extend(other.lost);
    }

    /// Disks tried.
    pub(super) fn orders(&self) -> u64 {
        self.windows
            .iter()
            .map(|row| row.flushes + row.subsets)
            .sum()
    }

    /// The table, and the verdict as its last line.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{:<12}{:>8}{:>8}{:>8}{:>6}{:>6}{:>6}{:>6}{:>8}\n",
            "window", "flushes", "subsets", "torn", "old", "jump", "new", "lost", "booted"
        );
        for row in &self.windows {
            let _ = writeln!(
                text,
                "{:<12}{:>8}{:>8}{:>8}{:>6}{:>6}{:>6}{:>6}{:>8}",
                row.window,
                row.flushes,
                row.subsets,
                row.torn_sectors,
                row.old,
                row.jump,
                row.new,
                row.lost,
                row.booted
            );
        }
        let (orders, lost) = (self.orders(), self.lost.len());
        let _ = writeln!(text, "write orders: {orders}, lost: {lost}");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use crate::vm::loader::Choice;

    #[test]
    fn two_workers_add_up_and_the_verdict_comes_last() {
        let mut one = Tally::new(["arm", "commit"].into_iter());
        one.count("commit", false, 0);
        one.chose("commit", Choice::Jump);
        let mut two = Tally::default();
        two.count("commit", true, 3);
        two.lose("commit", "flush 7".to_owned());
        one.add(two);
        let table = one.table();
        assert!(table.ends_with("write orders: 2, lost: 1\n"), "{table}");
        let commit = table.lines().find(|line| line.starts_with("commit"));
        let numbers: Vec<&str> = commit.unwrap().split_whitespace().skip(1).collect();
        assert_eq!(numbers, ["1", "1", "3", "0", "1", "0", "1", "0"]);
    }
}
