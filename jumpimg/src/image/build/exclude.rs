//! What stays out of every image, and what the recipe leaves out besides.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use glob::{MatchOptions, Pattern};
use jumparchive::{Decision, Node, Tree};
use jumpsys::files::mountinfo::read_swaps;

use super::mounts::Mounts;
use crate::error::{Exit, Trouble};

/// Directories that are stored empty: other file systems, and what is only of use to
/// the machine that it was made on or can be had again.
const HOLLOW: &[&str] = &[
    "proc",
    "sys",
    "dev",
    "run",
    "tmp",
    "var/tmp",
    "var/cache/apt",
    "var/cache/dnf",
    "var/cache/yum",
    "var/cache/zypp",
    "var/cache/debconf/tmp.ci",
    "var/lib/apt/lists",
    "var/lib/dhcp",
    "var/lib/dhclient",
    "var/lib/dhcpcd",
    "var/lib/systemd/coredump",
    "var/crash",
    "etc/lvm/archive",
    "etc/lvm/backup",
    "etc/lvm/cache",
    "etc/lvm/devices",
];

/// Files that belong to one machine. Keys that two machines share, or a seed of
/// randomness that they share, would be a hole in both.
const MACHINE: &[&str] = &[
    "etc/ssh/ssh_host_*_key*",
    "etc/udev/rules.d/70-persistent-*",
    "etc/blkid.tab*",
    "var/lib/systemd/random-seed",
    "var/lib/systemd/credential.secret",
    "var/lib/urandom/random-seed",
    "var/lib/NetworkManager/*.lease",
    "var/lib/NetworkManager/secret_key",
    "var/lib/NetworkManager/NetworkManager-intern.conf",
    "var/lib/NetworkManager/timestamps",
    "var/lib/dpkg/*-old",
    "etc/.pwd.lock",
    "swapfile",
    "swap.img",
];

/// Keeps its directories, for daemons that do not make their own, but no file.
const LOGS: &str = "var/log";

/// How patterns match: a `*` stays within one name.
const MATCH: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// What stays out of an image.
pub(crate) struct Rules {
    paths: HashMap<String, Decision>,
    patterns: Vec<Pattern>,
    names: Vec<Pattern>,
    nodes: HashSet<(u64, u64)>,
    mounts: Mounts,
}

impl Rules {
    /// The curated rules and those of the recipe.
    pub(crate) fn new(tree: &Tree, excludes: &[String], mounts: Mounts) -> Result<Self, Trouble> {
        let mut rules = Self {
            paths: HOLLOW
                .iter()
                .map(|path| ((*path).to_owned(), Decision::Hollow))
                .collect(),
            patterns: Vec::new(),
            names: Vec::new(),
            nodes: HashSet::new(),
            mounts,
        };
        for pattern in MACHINE {
            rules.add_path(pattern)?;
        }
        for pattern in excludes {
            match pattern.strip_prefix('/') {
                Some(path) => rules.add_path(&inside(tree, path.trim_end_matches('/')))?,
                None => rules.names.push(parse(pattern)?),
            }
        }
        // No swap is no reason to fail, nor is no /proc in a container.
        for swap in read_swaps().unwrap_or_default() {
            rules.leave_out_file(&swap.path);
        }
        Ok(rules)
    }

    /// Leaves a file out, wherever it is met.
    pub(crate) fn leave_out_file(&mut self, path: &Path) {
        if let Ok(is) = path.metadata() {
            self.leave_out_node((is.dev(), is.ino()));
        }
    }

    /// Leaves a file out by device and inode number.
    pub(crate) fn leave_out_node(&mut self, node: (u64, u64)) {
        self.nodes.insert(node);
    }

    /// What becomes of a node.
    pub(crate) fn decide(&self, node: &Node) -> Decision {
        let path = String::from_utf8_lossy(&node.path);
        let directory = node.is_directory();
        if self.nodes.contains(&(node.stat.st_dev, node.stat.st_ino)) {
            return Decision::Skip;
        }
        if self.is_mount(&path) || (directory && !self.mounts.devices.contains(&node.stat.st_dev)) {
            return if directory {
                Decision::Hollow
            } else {
                Decision::Skip
            };
        }
        if directory && node.name() == b"lost+found" {
            return Decision::Skip;
        }
        self.decide_by_path(&path, directory)
    }

    /// Whether something at `path`, below nothing that is followed, is left out.
    pub(crate) fn leaves_out(&self, path: &str) -> bool {
        self.is_below_left_out(path) || self.decide_by_path(path, false) == Decision::Skip
    }

    /// Whether a directory at `path` is left out, itself and all that is in it.
    pub(crate) fn leaves_out_directory(&self, path: &str) -> bool {
        self.is_below_left_out(path) || self.decide_by_path(path, true) == Decision::Skip
    }

    fn is_below_left_out(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        let shut = |above: &str| {
            self.is_mount(above) || self.decide_by_path(above, true) != Decision::Store
        };
        above.into_iter().any(shut)
    }

    /// Mount points that are stored as empty directories.
    pub(crate) fn hollow_mounts(&self) -> Vec<String> {
        let mut mounts: Vec<String> = self.mounts.hollow.iter().cloned().collect();
        mounts.retain(|path| {
            !["proc", "sys", "dev", "run", "tmp"].contains(&path.split('/').next().unwrap_or(""))
        });
        mounts.sort();
        mounts
    }

    fn is_mount(&self, path: &str) -> bool {
        self.mounts.hollow.contains(path)
    }

    fn decide_by_path(&self, path: &str, directory: bool) -> Decision {
        match self.paths.get(path) {
            Some(Decision::Hollow) if !directory => {}
            Some(decision) => return *decision,
            None => {}
        }
        let in_logs = path
            .strip_prefix(LOGS)
            .is_some_and(|rest| rest.starts_with('/'));
        let name = path.rsplit('/').next().unwrap_or(path);
        let matches = |pattern: &Pattern, text: &str| pattern.matches_with(text, MATCH);
        if (in_logs && !directory)
            || self.patterns.iter().any(|pattern| matches(pattern, path))
            || self.names.iter().any(|pattern| matches(pattern, name))
        {
            return Decision::Skip;
        }
        Decision::Store
    }

    fn add_path(&mut self, pattern: &str) -> Result<(), Trouble> {
        if pattern.contains(['*', '?', '[']) {
            self.patterns.push(parse(pattern)?);
        } else {
            self.paths.insert(pattern.to_owned(), Decision::Skip);
        }
        Ok(())
    }
}

fn parse(pattern: &str) -> Result<Pattern, Trouble> {
    Pattern::new(pattern).map_err(|error| {
        let message = format!("exclude {pattern:?}: {error}");
        Trouble::new(Exit::Usage, "bad-exclude", message)
    })
}

/// A path as the walk meets it: with a merged `/usr`, `/lib/x` is `usr/lib/x`.
fn inside(tree: &Tree, path: &str) -> String {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    match tree.read_link(first) {
        Ok(Some(target)) if !rest.is_empty() => {
            let target = String::from_utf8_lossy(&target).into_owned();
            format!("{}/{rest}", target.trim_matches('/'))
        }
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(excludes: &[&str]) -> Rules {
        let scratch = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("usr/lib", scratch.path().join("lib")).unwrap();
        let tree = Tree::open(scratch.path()).unwrap();
        let excludes: Vec<String> = excludes.iter().map(ToString::to_string).collect();
        match Rules::new(&tree, &excludes, Mounts::default()) {
            Ok(rules) => rules,
            Err(trouble) => panic!("{trouble:?}"),
        }
    }

    #[test]
    fn keys_of_one_machine_never_go_to_another() {
        let rules = rules(&[]);
        assert!(rules.leaves_out("etc/ssh/ssh_host_ed25519_key"));
        assert!(rules.leaves_out("etc/ssh/ssh_host_rsa_key.pub"));
        assert!(!rules.leaves_out("etc/ssh/sshd_config"));
    }

    #[test]
    fn logs_go_and_their_directories_stay() {
        let rules = rules(&[]);
        assert_eq!(rules.decide_by_path("var/log/apt", true), Decision::Store);
        assert_eq!(
            rules.decide_by_path("var/log/apt/history.log", false),
            Decision::Skip
        );
    }

    #[test]
    fn excludes_are_anchored_paths_or_names() {
        let rules = rules(&["/usr/share/doc", "/lib/modules/*/sound", "*.pyc"]);
        assert!(rules.leaves_out("usr/share/doc/bash/README"));
        assert!(rules.leaves_out("usr/lib/modules/6.1/sound/x.ko"));
        assert!(rules.leaves_out("opt/a.pyc"));
        assert!(!rules.leaves_out("opt/usr/share/doc"));
    }

    #[test]
    fn other_file_systems_are_empty_directories() {
        let rules = rules(&[]);
        assert_eq!(rules.decide_by_path("proc", true), Decision::Hollow);
        assert!(rules.leaves_out("run/lock/x"));
        assert_eq!(rules.decide_by_path("opt/proc", true), Decision::Store);
    }
}
