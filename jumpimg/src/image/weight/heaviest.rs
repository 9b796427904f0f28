//! The heaviest of many files, a few of which are kept in memory.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::Weight;

/// How many files are kept: enough for every tile of a treemap that can be seen.
const KEPT: usize = 1000;

/// A heavy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeavyFile {
    /// Any bytes, without a slash in front.
    pub(crate) path: Vec<u8>,
    pub(crate) weight: Weight,
    /// The place of its package in the ledger.
    pub(crate) package: Option<usize>,
}

/// A file that is kept for now; of two that weigh the same, the one that comes first by
/// name counts as heavier.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    rank: u64,
    file: HeavyFile,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_name = other.file.path.cmp(&self.file.path);
        self.rank.cmp(&other.rank).then(by_name)
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The heaviest of the files that were offered, the lightest of them on top.
#[derive(Debug, Default)]
pub(super) struct Heaviest {
    heap: BinaryHeap<Reverse<Candidate>>,
}

impl Heaviest {
    /// Keeps a file if it is among the heaviest so far.
    pub(super) fn offer(&mut self, rank: u64, path: &[u8], weight: Weight, package: Option<usize>) {
        let full = self.heap.len() == KEPT;
        if full && self.heap.peek().is_some_and(|top| top.0.rank > rank) {
            return;
        }
        let file = HeavyFile {
            path: path.to_vec(),
            weight,
            package,
        };
        self.heap.push(Reverse(Candidate { rank, file }));
        if full {
            self.heap.pop();
        }
    }

    /// The heaviest first.
    pub(super) fn finish(self) -> Vec<HeavyFile> {
        let kept = self.heap.into_sorted_vec().into_iter();
        kept.map(|candidate| candidate.0.file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_are_kept_and_equals_go_by_name() {
        let mut heaviest = Heaviest::default();
        for number in 0..5000_u64 {
            let path = format!("{:04}", number % 4999);
            heaviest.offer(number / 2, path.as_bytes(), Weight::default(), None);
        }
        let files = heaviest.finish();
        assert_eq!(files.len(), KEPT);
        let names: Vec<&[u8]> = files.iter().take(4).map(|file| &file.path[..]).collect();
        assert_eq!(names, [&b"0000"[..], b"4998", b"4996", b"4997"]);
    }
}
