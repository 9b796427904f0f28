//! A comparison for people.

use std::cmp::Reverse;
use std::collections::HashSet;

use jumpspec::render::page::{Ink, Page};
use jumpspec::words::shown;
use jumpspec::words::size::Size;

use super::compare::Comparison;
use super::directories::{delta, largest};
use super::entries::{Aspect, EntryChange, Side};
use super::fold::{Group, fold};
use super::packages::{Fate, Key, PackageChange, key};
use crate::image::weight::column;

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Lines of each kind.
    pub(super) top: usize,
    /// Every package and every file, those of changed packages too.
    pub(super) all: bool,
}

/// The comparison; the summary is its last line.
pub(super) fn text(comparison: &Comparison, extent: Extent) -> Page {
    let mut text = Page::default();
    packages(&mut text, comparison, extent);
    files(&mut text, comparison, extent);
    directories(&mut text, comparison, extent);
    for ledger in [&comparison.old.ledger, &comparison.new.ledger] {
        for note in ledger.notes() {
            text.line(format_args!("note: {note}"));
        }
    }
    text.line(summary(comparison));
    text
}

fn head(text: &mut Page, title: &str) {
    text.marked("", Ink::Bold, title, "");
}

/// Appends a line with the sign of what became of it in front.
fn marked(text: &mut Page, fate: Fate, line: &str) {
    let (ink, sign) = match fate {
        Fate::Added => (Ink::Green, "+"),
        Fate::Removed => (Ink::Red, "-"),
        Fate::Changed => (Ink::Yellow, "~"),
    };
    text.marked("  ", ink, sign, format_args!(" {line}"));
}

fn packages(text: &mut Page, comparison: &Comparison, extent: Extent) {
    if comparison.packages.is_empty() {
        return;
    }
    head(text, "packages");
    for fate in [Fate::Changed, Fate::Added, Fate::Removed] {
        let changes = comparison.packages.iter();
        let changes: Vec<&PackageChange> = changes.filter(|change| change.fate == fate).collect();
        let (first, rest) = changes.split_at(extent.named(changes.len()));
        let width = column(first.iter().map(|change| change.name.as_str()));
        for change in first {
            let line = format!("{:<width$}  {}", change.name, versions(change));
            marked(text, fate, &line);
        }
        if let Some(line) = more(rest.len()) {
            marked(text, fate, &line);
        }
    }
    text.blank();
}

fn versions(change: &PackageChange) -> String {
    let (old, new) = (change.old.join(", "), change.new.join(", "));
    match change.fate {
        Fate::Added => new,
        Fate::Removed => old,
        Fate::Changed => format!("{old} -> {new}"),
    }
}

fn more(count: usize) -> Option<String> {
    (count > 0).then(|| format!("… {count} more (--all names them)"))
}

/// Files, heaviest first where not all are named. Those of packages that changed are
/// counted only: the packages say it.
fn files(text: &mut Page, comparison: &Comparison, extent: Extent) {
    if comparison.entries.is_empty() {
        return;
    }
    head(text, "files");
    let (told, others) = by_packages(comparison, extent);
    let mut groups = if extent.all {
        others.into_iter().map(Group::alone).collect()
    } else {
        fold(&others)
    };
    if !extent.all {
        groups.sort_by_key(|group| Reverse(group.size));
    }
    let rest = groups.split_off(extent.named(groups.len()));
    groups.sort_by_key(|group| &group.change.path);
    for group in &groups {
        let line = format!("{}  {}", shown::path(&group.change.path), what(group));
        marked(text, fate(group.change), &line);
    }
    if let Some(line) = more(rest.len()) {
        text.line(format_args!("    {line}"));
    }
    if !told.is_empty() {
        let count = told.len();
        text.line(format_args!(
            "    … {count} of the packages above (--all names them)"
        ));
    }
    text.blank();
}

/// Changes that changed packages explain, unless all are to be named; and the others.
fn by_packages(comparison: &Comparison, extent: Extent) -> (Vec<&EntryChange>, Vec<&EntryChange>) {
    let changed: HashSet<Key<'_>> = comparison
        .packages
        .iter()
        .map(|change| (change.manager, &*change.name, &*change.architecture))
        .collect();
    comparison.entries.iter().partition(|change| {
        let package = comparison.package(change);
        !extent.all && package.is_some_and(|package| changed.contains(&key(package)))
    })
}

/// What became of an entry.
pub(super) fn fate(change: &EntryChange) -> Fate {
    match (change.old, change.new) {
        (None, _) => Fate::Added,
        (_, None) => Fate::Removed,
        _ => Fate::Changed,
    }
}

fn what(group: &Group<'_>) -> String {
    let change = group.change;
    let (Some(old), Some(new)) = (change.old, change.new) else {
        let side = change.old.or(change.new);
        let what = side.map(|side| it(&side)).unwrap_or_default();
        return match group.below {
            0 => what,
            below => format!("{what} and {below} below it, {}", Size(group.size)),
        };
    };
    let told: Vec<String> = change
        .aspects
        .iter()
        .map(|aspect| match aspect {
            Aspect::Type => format!("{} -> {}", it(&old), it(&new)),
            Aspect::Content if old.size == new.size => format!("content, {}", Size(new.size)),
            Aspect::Content => format!("content, {} -> {}", Size(old.size), Size(new.size)),
            Aspect::Link => "link target".to_owned(),
            Aspect::Mode => format!("mode {:04o} -> {:04o}", old.mode, new.mode),
            Aspect::Owner => format!("owner {}:{} -> {}:{}", old.uid, old.gid, new.uid, new.gid),
        })
        .collect();
    told.join("; ")
}

fn it(side: &Side) -> String {
    match side.kind {
        b'0' => Size(side.size).to_string(),
        kind => kind_name(kind).to_owned(),
    }
}

/// The name of a tar type flag.
pub(super) fn kind_name(kind: u8) -> &'static str {
    match kind {
        b'0' => "file",
        b'1' => "hard link",
        b'2' => "symlink",
        b'3' => "character device",
        b'4' => "block device",
        b'5' => "directory",
        b'6' => "FIFO",
        _ => "unknown",
    }
}

fn directories(text: &mut Page, comparison: &Comparison, extent: Extent) {
    let rows = largest(&comparison.directories, extent.top);
    if rows.is_empty() {
        return;
    }
    let title = format!(
        "{:>12}{:>12}{:>13}{:>13}  directory",
        "before", "after", "change", "compressed"
    );
    head(text, &title);
    for row in rows {
        let delta = delta(row.old, row.new);
        text.line(format_args!(
            "{:>12}{:>12}{:>13}{:>13}  {}",
            Size(row.old.size).to_string(),
            Size(row.new.size).to_string(),
            signed(delta.size),
            signed(delta.compressed),
            shown::path(&row.path)
        ));
    }
    text.blank();
}

fn signed(bytes: i64) -> String {
    let sign = match bytes {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", Size(bytes.unsigned_abs()))
}

/// All in one line.
pub(super) fn summary(comparison: &Comparison) -> String {
    if !comparison.differs() {
        return match comparison.touched {
            0 => "no difference".to_owned(),
            touched => format!("no difference but in times ({touched} entries)"),
        };
    }
    let count = |fates: &[Fate]| {
        let [added, removed, changed] = [Fate::Added, Fate::Removed, Fate::Changed]
            .map(|fate| fates.iter().filter(|other| **other == fate).count());
        format!("{added} added, {removed} removed, {changed} changed")
    };
    let packages: Vec<Fate> = comparison
        .packages
        .iter()
        .map(|change| change.fate)
        .collect();
    let files: Vec<Fate> = comparison.entries.iter().map(fate).collect();
    let total = comparison.total();
    format!(
        "packages: {}; files: {}; {} unpacked, {} compressed",
        count(&packages),
        count(&files),
        signed(total.size),
        signed(total.compressed)
    )
}

impl Extent {
    /// How many of `count` are named.
    fn named(&self, count: usize) -> usize {
        if self.all { count } else { self.top.min(count) }
    }
}

#[cfg(test)]
mod tests;
