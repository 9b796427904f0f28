//! Who owns the files below a directory. Only looks; ends after a number of files and a time.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::files::mountinfo::read_mountinfo;

/// Who only looks leaves no time of access behind: a check must not write to a node's disk.
const LOOK: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NOATIME)
    .union(OFlag::O_CLOEXEC);

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
        match Dir::open(here, LOOK, Mode::empty()) {
            Ok(mut directory) => {
                let room = most.saturating_sub(pending.len());
                let entries = directory.iter().filter_map(Result::ok);
                let names = entries.map(|entry| entry.file_name().to_bytes().to_vec());
                let below = names.filter(|name| !matches!(name.as_slice(), b"." | b".."));
                let below = below.take(room);
                pending.extend(below.map(|name| here.join(OsStr::from_bytes(&name))));
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
    fn a_look_leaves_no_time_of_access() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("a"), "").unwrap();
        let accessed = || {
            let metadata = fs::metadata(scratch.path()).unwrap();
            (metadata.atime(), metadata.atime_nsec())
        };
        // Older than its last change: what reads it would change it (mount(8), relatime).
        let old = fs::FileTimes::new().set_accessed(std::time::UNIX_EPOCH);
        fs::File::open(scratch.path())
            .unwrap()
            .set_times(old)
            .unwrap();
        assert!(owners(scratch.path(), ENOUGH).complete);
        assert_eq!(accessed(), (0, 0));
        fs::read_dir(scratch.path()).unwrap().count();
        if accessed() == (0, 0) {
            println!("skipped: a_look_leaves_no_time_of_access: the file system keeps none");
        }
    }

    #[test]
    fn what_is_not_there_is_not_complete() {
        assert!(!owners(Path::new("/nonexistent"), ENOUGH).complete);
    }
}
