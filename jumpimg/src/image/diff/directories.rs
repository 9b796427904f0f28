//! How the bytes below each directory changed. Pure.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::image::weight::{Directories, Weight};

/// A directory below which there are more or fewer bytes or files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DirectoryChange {
    /// Any bytes, without a slash in front; empty for the root.
    pub(super) path: Vec<u8>,
    pub(super) old: Weight,
    pub(super) new: Weight,
}

impl DirectoryChange {
    /// Whether there was nothing in it before, or is nothing now.
    fn is_whole(&self) -> bool {
        let is_empty = |weight: Weight| weight.size == 0 && weight.files == 0;
        is_empty(self.old) || is_empty(self.new)
    }
}

/// More or less than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Delta {
    pub(super) size: i64,
    pub(super) compressed: i64,
    pub(super) files: i64,
}

/// What became of a weight.
pub(super) fn delta(old: Weight, new: Weight) -> Delta {
    let less = |old: u64, new: u64| {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        signed(new) - signed(old)
    };
    Delta {
        size: less(old.size, new.size),
        compressed: less(old.compressed, new.compressed),
        files: less(old.files, new.files),
    }
}

/// The changes at most `depth` deep, in the order of their paths. Compressed bytes alone
/// are no change: they depend on what a file shares its frame with.
pub(super) fn changes(old: &Directories, new: &Directories, depth: usize) -> Vec<DirectoryChange> {
    let mut pairs: BTreeMap<Vec<u8>, (Weight, Weight)> = BTreeMap::new();
    for (path, directory) in near(old, depth) {
        pairs.entry(path).or_default().0 = directory;
    }
    for (path, directory) in near(new, depth) {
        pairs.entry(path).or_default().1 = directory;
    }
    pairs
        .into_iter()
        .filter(|(_, (old, new))| (old.size, old.files) != (new.size, new.files))
        .map(|(path, (old, new))| DirectoryChange { path, old, new })
        .collect()
}

fn near(tree: &Directories, depth: usize) -> impl Iterator<Item = (Vec<u8>, Weight)> {
    let all = tree.iter().enumerate();
    let near = all.filter(move |(place, _)| tree.depth(*place) <= depth);
    near.map(|(_, (path, directory))| (path, directory.total))
}

/// The `count` largest changes of size, such as are not mere parents of one another; of
/// a directory that came or went as a whole, nothing below it.
pub(super) fn largest(changes: &[DirectoryChange], count: usize) -> Vec<&DirectoryChange> {
    let size = |change: &DirectoryChange| delta(change.old, change.new).size;
    let mut most_below: BTreeMap<&[u8], i64> = BTreeMap::new();
    for change in changes.iter().filter(|change| !change.path.is_empty()) {
        let most = most_below.entry(parent(&change.path)).or_default();
        if size(change).abs() > most.abs() {
            *most = size(change);
        }
    }
    let is_mere_parent = |change: &DirectoryChange| {
        let most = most_below.get(change.path.as_slice()).copied();
        let most = most.unwrap_or_default();
        let own = size(change);
        most.signum() == own.signum() && most.abs() > own.abs() / 10 * 8
    };
    let whole: HashSet<&[u8]> = changes
        .iter()
        .filter(|change| change.is_whole())
        .map(|change| change.path.as_slice())
        .collect();
    let mut chosen: Vec<&DirectoryChange> = changes
        .iter()
        .filter(|change| change.path.is_empty() || !whole.contains(parent(&change.path)))
        .filter(|change| size(change) != 0 && !is_mere_parent(change))
        .collect();
    chosen.sort_by_key(|change| std::cmp::Reverse(size(change).abs()));
    chosen.truncate(count);
    chosen
}

pub(super) fn parent(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    slash.map_or(b"", |slash| &path[..slash])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, old: u64, new: u64) -> DirectoryChange {
        let weight = |size| Weight {
            size,
            ..Weight::default()
        };
        DirectoryChange {
            path: path.into(),
            old: weight(old),
            new: weight(new),
        }
    }

    #[test]
    fn a_change_is_told_where_it_is_and_not_above() {
        let changes = [
            change("", 1000, 1990),
            change("usr", 500, 1500),
            change("usr/lib", 400, 1400),
            change("var", 10, 0),
            change("var/log", 8, 0),
        ];
        let paths: Vec<&[u8]> = largest(&changes, 9)
            .iter()
            .map(|change| change.path.as_slice())
            .collect();
        assert_eq!(paths, [&b"usr/lib"[..], b"var"]);
    }

    #[test]
    fn what_cancels_out_is_told_on_both_sides() {
        let changes = [
            change("", 100, 101),
            change("a", 50, 1),
            change("b", 50, 100),
        ];
        let paths: Vec<&[u8]> = largest(&changes, 9)
            .iter()
            .map(|change| change.path.as_slice())
            .collect();
        assert_eq!(paths, [b"b", b"a"]);
    }
}
