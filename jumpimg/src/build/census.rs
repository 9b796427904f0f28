//! Counts what a build would store and leave out.

use std::collections::HashMap;

use jumparchive::{Decision, Node, Result, Tree, look_through};

use super::exclude::Rules;

/// Directories deeper than this count for the one above.
const DEPTH: usize = 4;
/// Blocks of the file systems that images are made for.
const BLOCK: u64 = 4096;

/// What a build would store and leave out.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Entries to be stored.
    pub(crate) entries: u64,
    /// Bytes of content to be stored.
    pub(crate) content: u64,
    /// Bytes on a file system with 4 KiB blocks, hard links counted once.
    pub(crate) unpacked: u64,
    /// Bytes below each directory, up to [`DEPTH`] deep.
    pub(crate) directories: HashMap<String, u64>,
    /// What is left out by a rule, itself and not what is below.
    pub(crate) left_out: Vec<String>,
}

impl Census {
    /// Looks through the tree.
    pub(crate) fn take(tree: &Tree, rules: &Rules) -> Result<Self> {
        let mut census = Self::default();
        let mut seen = std::collections::HashSet::new();
        look_through(tree, &mut |node| {
            let decision = rules.decide(node);
            if decision == Decision::Skip {
                census
                    .left_out
                    .push(String::from_utf8_lossy(&node.path).into_owned());
                return decision;
            }
            let is = &node.stat;
            if node.is_directory() || is.st_nlink < 2 || seen.insert((is.st_dev, is.st_ino)) {
                census.count(node);
            }
            census.entries += 1;
            decision
        })?;
        Ok(census)
    }

    fn count(&mut self, node: &Node) {
        if node.is_directory() {
            self.unpacked += BLOCK;
        }
        if !node.is_file() {
            return;
        }
        let size = u64::try_from(node.stat.st_size).unwrap_or_default();
        self.content += size;
        self.unpacked += size.next_multiple_of(BLOCK);
        let path = String::from_utf8_lossy(&node.path);
        for (at, _) in path.match_indices('/').take(DEPTH) {
            *self.directories.entry(path[..at].to_owned()).or_default() += size;
        }
    }

    /// The heaviest directories, such as are not mere parents of one another.
    pub(crate) fn heaviest(&self, count: usize) -> Vec<(&str, u64)> {
        let mut all: Vec<(&str, u64)> = self
            .directories
            .iter()
            .map(|(path, size)| (path.as_str(), *size))
            .collect();
        all.retain(|(path, size)| !self.has_heavy_child(path, *size));
        all.sort_by(|one, two| two.1.cmp(&one.1).then(one.0.cmp(two.0)));
        all.truncate(count);
        all
    }

    /// Whether most of a directory is in one below it.
    fn has_heavy_child(&self, path: &str, size: u64) -> bool {
        self.directories.iter().any(|(other, below)| {
            let child = other
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'));
            child && *below > size / 10 * 8
        })
    }
}
