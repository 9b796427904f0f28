//! Counts what is packed.

use std::collections::BTreeMap;

use jumpspec::words::size::Size;

use crate::tar::entry::{Entry, EntryKind};

/// What packing could not keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Sockets, which no archive can hold.
    pub sockets: u64,
    /// Files that were written to or changed size while they were read; the image
    /// has as many bytes as were there at first, zeros where they are missing.
    pub changed: Vec<String>,
    /// What was listed and then gone.
    pub vanished: Vec<String>,
}

impl Report {
    /// Whether everything was kept.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what else could not be kept.
    pub(super) fn merge(&mut self, other: Self) {
        self.sockets += other.sockets;
        self.changed.extend(other.changed);
        self.vanished.extend(other.vanished);
    }
}

/// What was packed so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Of all files' contents, without holes.
    pub(super) content: u64,
    /// What the files take on a file system with 4 KiB blocks.
    pub(super) unpacked: u64,
    /// The same, for each first-level directory.
    pub(super) directories: BTreeMap<String, Size>,
    /// Entries, hard links included.
    pub(super) entries: u64,
    /// Entries without hard links.
    pub(super) inodes: u64,
    /// What could not be kept.
    pub(super) report: Report,
}

/// Blocks of the file systems that images are made for; see `Manifest::unpacked`.
const BLOCK: u64 = 4096;

impl Tally {
    /// Counts an entry.
    pub(super) fn count(&mut self, entry: &Entry) {
        self.content += entry.stored();
        self.entries += 1;
        self.inodes += u64::from(!matches!(entry.kind, EntryKind::HardLink(_)));
        let taken = taken(entry);
        self.unpacked += taken;
        let first = entry
            .path
            .split(|byte| *byte == b'/')
            .next()
            .unwrap_or_default();
        let deeper = entry.path.len() > first.len() || entry.kind == EntryKind::Directory;
        if let (false, true, Ok(name)) = (first.is_empty(), deeper, str::from_utf8(first)) {
            self.add(name, taken);
        }
    }

    fn add(&mut self, directory: &str, taken: u64) {
        if let Some(sum) = self.directories.get_mut(directory) {
            sum.0 += taken;
        } else {
            self.directories.insert(directory.to_owned(), Size(taken));
        }
    }

    /// Adds what another has counted later.
    pub(super) fn merge(&mut self, later: Self) {
        self.content += later.content;
        self.unpacked += later.unpacked;
        self.entries += later.entries;
        self.inodes += later.inodes;
        for (name, taken) in &later.directories {
            self.add(name, taken.0);
        }
        self.report.merge(later.report);
    }
}

/// What an entry takes when it is unpacked.
fn taken(entry: &Entry) -> u64 {
    match (&entry.kind, &entry.map) {
        (EntryKind::File, Some(map)) => map
            .iter()
            .map(|extent| extent.length.next_multiple_of(BLOCK))
            .sum(),
        (EntryKind::File, None) => entry.size.next_multiple_of(BLOCK),
        (EntryKind::Directory, _) => BLOCK,
        _ => 0,
    }
}
