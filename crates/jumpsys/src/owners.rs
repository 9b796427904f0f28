//! Who owns the files below a directory. Only looks; ends after a number of files and a time.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::mountinfo::read_mountinfo;

/// The bounds of a look.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Files and directories looked at, at most.
    pub entries: usize,
    /// For this long, at most.
    pub time: Duration,
}

/// Ids that own something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// User ids.
    pub uids: BTreeSet<u32>,
    /// Group ids.
    pub gids: BTreeSet<u32>,
    /// Whether all was looked at.
    pub complete: bool,
}

/// Looks at what is below `path`, symbolic links not followed and what is mounted there not even
/// looked at: it may be dead. What cannot be read makes it incomplete.
pub fn owners(path: &Path, bounds: Bounds) -> Found {
    let deadline = Instant::now() + bounds.time;
    let mut found = Found::default();
    let Ok(mounts) = read_mountinfo() else {
        return found;
    };
    let mounted: HashSet<PathBuf> = mounts.into_iter().map(|mount| mount.mount_point).collect();
    found.complete = true;
    let (mut pending, mut looked_at) = (vec![path.to_owned()], 0);
    while let Some(here) = pending.pop() {
        if here != path && mounted.contains(&here) {
            continue;
        }
        if looked_at == bounds.entries || Instant::now() > deadline {
            found.complete = false;
            break;
        }
        looked_at += 1;
        found.look_at(&here, &mut pending, bounds.entries);
    }
    found
}

impl Found {
    /// Notes one file's owners, and what is in it for later, at most `most` names at once.
    fn look_at(&mut self, here: &Path, pending: &mut Vec<PathBuf>, most: usize) {
        let Ok(metadata) = fs::symlink_metadata(here) else {
            self.complete = false;
            return;
        };
        self.uids.insert(metadata.uid());
        self.gids.insert(metadata.gid());
        if !metadata.is_dir() {
            return;
        }
        match fs::read_dir(here) {
            Ok(entries) => {
                let room = most.saturating_sub(pending.len());
                let names = entries.take(room).filter_map(Result::ok);
                pending.extend(names.map(|entry| entry.path()));
                self.complete &= pending.len() < most;
            }
            Err(_) => self.complete = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: Bounds = Bounds {
        entries: 100,
        time: Duration::from_mins(1),
    };

    #[test]
    fn finds_the_owners_and_stops_at_the_bound() {
        let scratch = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(scratch.path().join(name), "").unwrap();
        }
        let found = owners(scratch.path(), ENOUGH);
        let me = nix::unistd::geteuid().as_raw();
        assert!(found.complete && found.uids.contains(&me));
        let bounds = Bounds {
            entries: 2,
            ..ENOUGH
        };
        assert!(!owners(scratch.path(), bounds).complete);
    }

    #[test]
    fn what_is_not_there_is_not_complete() {
        assert!(!owners(Path::new("/nonexistent"), ENOUGH).complete);
    }
}
