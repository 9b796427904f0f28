//! Whole directories that came or went, as one change each. Pure.

use std::collections::HashMap;

use super::directories::parent;
use super::entries::{EntryChange, Side};

/// A change, and what came or went with it.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) change: &'a EntryChange,
    /// Entries below it.
    pub(super) below: u64,
    /// Bytes of content, of what is below it too: the larger of before and after.
    pub(super) size: u64,
}

impl<'a> Group<'a> {
    /// A change by itself.
    pub(super) fn alone(change: &'a EntryChange) -> Self {
        Self {
            change,
            below: 0,
            size: size(change),
        }
    }
}

/// Folds changes, sorted by path, into the directory that came or went with them.
pub(super) fn fold<'a>(changes: &[&'a EntryChange]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut directories: HashMap<&[u8], usize> = HashMap::new();
    for change in changes {
        let above = directories.get(parent(&change.path)).copied();
        let group = above.filter(|group| same_way(groups[*group].change, change));
        let group = if let Some(group) = group {
            groups[group].below += 1;
            let sum = &mut groups[group].size;
            *sum = sum.saturating_add(size(change));
            group
        } else {
            groups.push(Group::alone(change));
            groups.len() - 1
        };
        if is_directory_on_one_side(change) {
            directories.insert(&change.path, group);
        }
    }
    groups
}

fn same_way(one: &EntryChange, other: &EntryChange) -> bool {
    one.old.is_some() == other.old.is_some() && one.new.is_some() == other.new.is_some()
}

fn is_directory_on_one_side(change: &EntryChange) -> bool {
    match (change.old, change.new) {
        (Some(side), None) | (None, Some(side)) => side.kind == b'5',
        _ => false,
    }
}

fn size(change: &EntryChange) -> u64 {
    let size = |side: Option<Side>| side.map_or(0, |side| side.size);
    size(change.old).max(size(change.new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(path: &str, kind: u8) -> EntryChange {
        let side = Side {
            kind,
            size: u64::from(kind == b'0') * 10,
            mode: 0,
            uid: 0,
            gid: 0,
        };
        EntryChange {
            path: path.as_bytes().into(),
            old: Some(side),
            new: None,
            aspects: Vec::new(),
            package: None,
        }
    }

    #[test]
    fn a_directory_that_is_gone_stands_for_all_below() {
        let changes = [
            gone("doc", b'5'),
            gone("doc-base", b'0'),
            gone("doc/a", b'5'),
            gone("doc/a/file", b'0'),
            gone("doc/file", b'0'),
        ];
        let changes: Vec<&EntryChange> = changes.iter().collect();
        let told: Vec<(&[u8], u64, u64)> = fold(&changes)
            .iter()
            .map(|group| (&*group.change.path, group.below, group.size))
            .collect();
        assert_eq!(told, [(&b"doc"[..], 3, 20), (b"doc-base", 0, 10)]);
    }
}
