//! Counts what a build would store and leave out.

use anyhow::{Context as _, Result};
use jumparchive::{Decision, Node, Tree, look_through};
use jumpspec::words::shown;

use super::exclude::Rules;
use crate::image::packages;
use crate::image::weight::{Item, Measure, Scales, Weights};

/// Directories deeper than this count for the one above.
const DEPTH: usize = 4;
/// Blocks of the file systems that images are made for.
const BLOCK: u64 = 4096;

/// What a build would store and leave out.
#[derive(Debug)]
pub(crate) struct Census {
    /// Entries to be stored.
    pub(crate) entries: u64,
    /// Bytes of content to be stored.
    pub(crate) content: u64,
    /// Bytes on a file system with 4 KiB blocks, hard links counted once.
    pub(crate) unpacked: u64,
    /// Where the bytes are, before compression.
    pub(crate) weights: Weights,
    /// What is left out by a rule, itself and not what is below.
    pub(crate) left_out: Vec<String>,
}

impl Census {
    /// Looks through the tree.
    pub(crate) fn take(tree: &Tree, rules: &Rules) -> Result<Self> {
        let ledger = packages::from_tree(tree).context("cannot read its package database")?;
        let mut count = Count::new(Scales::new(ledger, Measure::Size));
        let mut seen = std::collections::HashSet::new();
        look_through(tree, &mut |node| {
            let decision = rules.decide(node);
            if decision == Decision::Skip {
                count
                    .left_out
                    .push(String::from_utf8_lossy(&node.path).into_owned());
                return decision;
            }
            let is = &node.stat;
            if node.is_directory() || is.st_nlink < 2 || seen.insert((is.st_dev, is.st_ino)) {
                count.add(node);
            }
            count.entries += 1;
            decision
        })?;
        Ok(count.finish())
    }

    /// The heaviest directories, such as are not mere parents of one another.
    pub(crate) fn heaviest(&self, count: usize) -> Vec<(String, u64)> {
        let tree = &self.weights.directories;
        let places = tree.heaviest(DEPTH, count, &|directory| directory.total.size);
        places
            .into_iter()
            .map(|place| (shown::name(&tree.path(place)), tree.at(place).total.size))
            .collect()
    }
}

/// A census being taken.
struct Count {
    scales: Scales,
    entries: u64,
    content: u64,
    unpacked: u64,
    left_out: Vec<String>,
}

impl Count {
    fn new(scales: Scales) -> Self {
        Self {
            scales,
            entries: 0,
            content: 0,
            unpacked: 0,
            left_out: Vec::new(),
        }
    }

    fn add(&mut self, node: &Node) {
        let size = node.content();
        self.content += size;
        self.unpacked += if node.is_directory() {
            BLOCK
        } else {
            size.next_multiple_of(BLOCK)
        };
        self.scales.add(Item {
            path: &node.path,
            directory: node.is_directory(),
            size,
            compressed: 0,
        });
    }

    fn finish(self) -> Census {
        Census {
            entries: self.entries,
            content: self.content,
            unpacked: self.unpacked,
            weights: self.scales.finish(),
            left_out: self.left_out,
        }
    }
}
