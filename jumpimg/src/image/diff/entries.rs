//! Which entries came, went or changed, as far as two indexes tell. Pure.
//!
//! The old index is kept as fingerprints and attributes, 72 bytes an entry whatever its
//! path; the new one passes by. Neither needs an order.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use jumparchive::IndexEntry;
use serde::Serialize;

use crate::image::weight;

/// What an entry is, as far as changes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// The tar type flag, as in the index.
    pub(super) kind: u8,
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// In what an entry differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Aspect {
    Type,
    Content,
    Link,
    Mode,
    Owner,
}

/// An entry that is not the same in both images; `None` where it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EntryChange {
    /// Any bytes, without a slash in front.
    pub(super) path: Box<[u8]>,
    pub(super) old: Option<Side>,
    pub(super) new: Option<Side>,
    /// Empty unless it is in both.
    pub(super) aspects: Vec<Aspect>,
    /// The place of its package in the ledger of the new image, or of the old one for
    /// what is gone.
    pub(super) package: Option<usize>,
}

/// The old image's entries: first all of them are added, then the new one's compared.
#[derive(Debug)]
pub(super) struct OldEntries {
    /// Sorted by their fingerprints once all are in: a map would take twice the memory.
    known: Vec<Known>,
    /// Keyed at random: nobody can make two paths that share their fingerprint.
    hasher: RandomState,
    /// Entries of which only the time differs.
    pub(super) touched: u64,
}

#[derive(Debug)]
struct Known {
    path: u64,
    side: Side,
    /// Half a SHA-256 of the content; zeros where there is none.
    content: [u8; 16],
    /// The fingerprint of the link's target; 0 where there is none.
    link: u64,
    time: u64,
    /// Whether the new image has it.
    met: bool,
}

impl OldEntries {
    /// Room for `count` entries.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            known: Vec::with_capacity(count),
            hasher: RandomState::new(),
            touched: 0,
        }
    }

    /// Takes in an entry of the old image.
    pub(super) fn add(&mut self, entry: &IndexEntry) {
        self.known.push(self.known(entry));
    }

    /// To be called between the last entry of the old image and the first of the new.
    pub(super) fn sort(&mut self) {
        self.known.sort_unstable_by_key(|known| known.path);
    }

    /// Compares an entry of the new image; `None` if it is the same but for its time.
    pub(super) fn compare(
        &mut self,
        entry: &IndexEntry,
        package: Option<usize>,
    ) -> Option<EntryChange> {
        let new = self.known(entry);
        let (old, aspects) = match self.find(new.path) {
            Some(place) => {
                let old = &mut self.known[place];
                old.met = true;
                let aspects = aspects(old, &new);
                if aspects.is_empty() {
                    self.touched += u64::from(old.time != new.time);
                    return None;
                }
                (Some(old.side), aspects)
            }
            None => (None, Vec::new()),
        };
        Some(EntryChange {
            path: entry.path.as_slice().into(),
            old,
            new: Some(new.side),
            aspects,
            package,
        })
    }

    /// Whether something of the old image was not in the new one.
    pub(super) fn has_gone(&self) -> bool {
        self.known.iter().any(|known| !known.met)
    }

    /// What an entry of the old image came to, once all of the new one were compared.
    pub(super) fn gone(&self, entry: &IndexEntry, package: Option<usize>) -> Option<EntryChange> {
        let known = &self.known[self.find(self.known(entry).path)?];
        (!known.met).then(|| EntryChange {
            path: entry.path.as_slice().into(),
            old: Some(known.side),
            new: None,
            aspects: Vec::new(),
            package,
        })
    }

    fn find(&self, path: u64) -> Option<usize> {
        let place = self.known.binary_search_by_key(&path, |known| known.path);
        place.ok()
    }

    fn known(&self, entry: &IndexEntry) -> Known {
        let half = |digest: [u8; 32]| *digest.first_chunk().unwrap_or(&[0; 16]);
        Known {
            path: self.hasher.hash_one(entry.path.as_slice()),
            side: Side {
                kind: entry.kind,
                size: weight::size(entry),
                mode: entry.mode,
                uid: entry.uid,
                gid: entry.gid,
            },
            content: entry.digest.map(half).unwrap_or_default(),
            link: entry
                .link
                .as_deref()
                .map_or(0, |link| self.hasher.hash_one(link)),
            time: self.hasher.hash_one((entry.mtime, entry.mtime_nanoseconds)),
            met: false,
        }
    }
}

fn aspects(old: &Known, new: &Known) -> Vec<Aspect> {
    let (one, two) = (&old.side, &new.side);
    if one.kind != two.kind {
        return vec![Aspect::Type];
    }
    let differs = [
        (
            old.content != new.content || one.size != two.size,
            Aspect::Content,
        ),
        (old.link != new.link, Aspect::Link),
        (one.mode != two.mode, Aspect::Mode),
        ((one.uid, one.gid) != (two.uid, two.gid), Aspect::Owner),
    ];
    let found = differs.into_iter().filter(|(differs, _)| *differs);
    found.map(|(_, aspect)| aspect).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, digest: u8) -> IndexEntry {
        IndexEntry {
            path: path.into(),
            kind: b'0',
            size: 10,
            stored: 10,
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 0,
            mtime_nanoseconds: 0,
            frame: 0,
            offset: 0,
            digest: Some([digest; 32]),
            link: None,
        }
    }

    /// What became of one entry.
    fn compared(old: &IndexEntry, new: &IndexEntry) -> Option<EntryChange> {
        let mut entries = OldEntries::with_capacity(1);
        entries.add(old);
        entries.compare(new, None)
    }

    fn aspects_of(new: &IndexEntry) -> Vec<Aspect> {
        compared(&file("a", 1), new).map_or(Vec::new(), |change| change.aspects)
    }

    #[test]
    fn each_difference_is_told_apart() {
        assert_eq!(aspects_of(&file("a", 2)), [Aspect::Content]);
        let mode = IndexEntry {
            mode: 0o4755,
            uid: 7,
            ..file("a", 1)
        };
        assert_eq!(aspects_of(&mode), [Aspect::Mode, Aspect::Owner]);
        let link = IndexEntry {
            kind: b'1',
            digest: None,
            link: Some(b"b".to_vec()),
            ..file("a", 1)
        };
        assert_eq!(aspects_of(&link), [Aspect::Type]);
        let other = IndexEntry {
            link: Some(b"c".to_vec()),
            ..link.clone()
        };
        assert_eq!(compared(&link, &other).unwrap().aspects, [Aspect::Link]);
    }

    #[test]
    fn a_time_alone_is_counted_and_is_no_change() {
        let mut entries = OldEntries::with_capacity(1);
        entries.add(&file("a", 1));
        let later = IndexEntry {
            mtime: 1,
            ..file("a", 1)
        };
        assert_eq!(entries.compare(&later, None), None);
        assert_eq!(entries.touched, 1);
        assert!(!entries.has_gone());
    }

    #[test]
    fn what_came_and_what_went_is_told() {
        let mut entries = OldEntries::with_capacity(1);
        let (old, new) = (file("old", 1), file("new", 1));
        entries.add(&old);
        let came = entries.compare(&new, Some(3)).unwrap();
        assert_eq!((came.old, came.package), (None, Some(3)));
        assert!(entries.has_gone());
        let gone = entries.gone(&old, None).unwrap();
        assert_eq!((&*gone.path, gone.new), (&b"old"[..], None));
    }
}
