//! How much room trees take and file systems have. Only reads.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;

use crate::error::{At as _, PathError};
use crate::files::mountinfo::read_mountinfo;
use crate::files::owners::Bounds;

/// How long a file system may take to say how large it is.
const SPACE_LIMIT: Duration = Duration::from_secs(10);

/// What a tree takes, and whether all of it was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// What was looked at takes that much.
    pub usage: Usage,
    /// Whether that is all.
    pub complete: bool,
}

/// What a tree takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Apparent bytes of regular files and symbolic links; a file with several names counts once.
    pub bytes: u64,
    /// The same without holes.
    pub stored: u64,
    /// Inodes, directories included.
    pub inodes: u64,
}

/// What a file system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that root can still write.
    pub free: u64,
    /// Inodes that can still be made; 0 of 0 where the file system does not count them.
    pub free_inodes: u64,
    /// Inodes in all.
    pub inodes: u64,
}

/// Measures a file or a tree; symbolic links are not followed and other file systems not entered,
/// nor even looked at: one of them may be dead. What vanishes meanwhile is left out. A path that
/// does not exist takes nothing.
pub fn usage(path: &Path) -> Result<Usage, PathError> {
    measure(path, None).map(|measured| measured.usage)
}

/// The same, no further than the bounds go.
pub fn usage_within(path: &Path, bounds: Bounds) -> Result<Measured, PathError> {
    measure(path, Some(bounds))
}

fn measure(path: &Path, bounds: Option<Bounds>) -> Result<Measured, PathError> {
    let began = Instant::now();
    let is_over = |usage: &Usage| {
        bounds.is_some_and(|bounds| {
            usage.inodes >= bounds.entries as u64 || began.elapsed() > bounds.time
        })
    };
    let mounted: HashSet<PathBuf> = read_mountinfo()?
        .into_iter()
        .map(|mount| mount.mount_point)
        .collect();
    let mut usage = Usage::default();
    let mut seen = HashSet::new();
    let mut device = None;
    let mut pending = vec![path.to_owned()];
    while let Some(here) = pending.pop() {
        if is_over(&usage) {
            return Ok(Measured {
                usage,
                complete: false,
            });
        }
        if here != path && mounted.contains(&here) {
            continue;
        }
        let Some(metadata) = there(fs::symlink_metadata(&here)).at("measure", &here)? else {
            continue;
        };
        let linked = metadata.nlink() > 1 && !metadata.is_dir();
        if linked && !seen.insert((metadata.dev(), metadata.ino())) {
            continue;
        }
        usage.inodes += 1;
        if metadata.is_file() || metadata.is_symlink() {
            usage.bytes += metadata.len();
            usage.stored += stored(&metadata);
        }
        let top = *device.get_or_insert(metadata.dev());
        if !metadata.is_dir() || metadata.dev() != top {
            continue;
        }
        let Some(entries) = there(fs::read_dir(&here)).at("measure", &here)? else {
            continue;
        };
        for entry in entries {
            pending.push(entry.at("measure", &here)?.path());
        }
    }
    Ok(Measured {
        usage,
        complete: true,
    })
}

/// Bytes of a file without its holes, as far as its blocks of 512 bytes tell (stat(2)). What is short
/// may be kept without a block.
fn stored(metadata: &fs::Metadata) -> u64 {
    const INLINE: u64 = 4096;
    metadata.len().min((metadata.blocks() * 512).max(INLINE))
}

fn there<T>(looked: io::Result<T>) -> io::Result<Option<T>> {
    match looked {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The room on the file system that holds `path`, which may be dead: whoever asks it then is left
/// behind. statvfs(3).
pub fn space(path: &Path) -> Result<Space, PathError> {
    let (tell, told) = channel();
    let asked = path.to_owned();
    thread::spawn(move || tell.send(statvfs(&asked)));
    let fs = match told.recv_timeout(SPACE_LIMIT) {
        Ok(answer) => answer.at("measure", path)?,
        Err(_) => return Err(PathError::new("measure", path, io::ErrorKind::TimedOut)),
    };
    let fragment = fs.fragment_size();
    Ok(Space {
        total: fs.blocks() * fragment,
        free: fs.blocks_free() * fragment,
        free_inodes: fs.files_free(),
        inodes: fs.files(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Usage, space, usage, usage_within};
    use crate::files::owners::Bounds;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    #[test]
    fn counts_hard_links_once_and_follows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), [0; 1000]).unwrap();
        fs::hard_link(dir.path().join("a"), dir.path().join("b")).unwrap();
        symlink("/etc", dir.path().join("c")).unwrap();
        let expected = Usage {
            bytes: 1004,
            stored: 1004,
            inodes: 3,
        };
        assert_eq!(usage(dir.path()).unwrap(), expected);
        assert_eq!(usage(Path::new("/nonexistent")).unwrap(), Usage::default());
    }

    #[test]
    fn holes_are_told_apart_and_bounds_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let sparse = fs::File::create(dir.path().join("a")).unwrap();
        sparse.set_len(1 << 30).unwrap();
        let bounds = |entries| Bounds {
            entries,
            time: std::time::Duration::from_mins(1),
        };
        let all = usage_within(dir.path(), bounds(2)).unwrap();
        assert_eq!((all.usage.bytes, all.complete), (1 << 30, true));
        assert!(all.usage.stored <= 4096);
        assert!(!usage_within(dir.path(), bounds(1)).unwrap().complete);
    }

    #[test]
    fn a_file_system_is_larger_than_what_is_free() {
        let space = space(Path::new("/")).unwrap();
        assert!(space.total > space.free);
    }
}
