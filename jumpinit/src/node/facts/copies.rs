//! The trees that are to be copied, and the places that they go to, as they are on this node.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jumpspec::disk::{Disk, FoundPartition};
use jumpspec::job::{CopyTo, CopyWish};
use jumpspec::node::facts::{FileOwners, FoundCopy, FoundPlace, FoundTree, PlaceState};
use jumpspec::node::remote::is_remote;
use jumpspec::words::size::Size;
use jumpsys::files::mountinfo::Mount;
use jumpsys::files::owners::Bounds;
use jumpsys::files::usage;

use crate::node::mounted::device_of;

/// How far and how long is looked at all trees: a million files in memory take some seconds.
const BOUNDS: Bounds = Bounds {
    entries: 1_000_000,
    time: Duration::from_secs(20),
};
/// Block size of the file systems that trees go to.
const BLOCK: u64 = 4096;
/// What mkfs.ext4 makes at the top of a file system, for e2fsck.
const LOST_AND_FOUND: &str = "lost+found";

/// Looks at what each copy is of, and where it goes.
pub(super) fn found(wishes: &[CopyWish], disks: &[Disk], mounted: &[Mount]) -> Vec<FoundCopy> {
    // Each is looked at twice: how much it is, and whose.
    let looks = u32::try_from(2 * wishes.len()).unwrap_or(u32::MAX);
    let bounds = Bounds {
        time: BOUNDS.time / looks.max(1),
        ..BOUNDS
    };
    let found = wishes.iter().map(|wish| FoundCopy {
        wish: wish.clone(),
        tree: tree(Path::new(wish.from.as_str()), mounted, bounds),
        places: places(&wish.to, disks, mounted),
    });
    found.collect()
}

/// The directory at `path`, symlinks followed as the old system follows them.
fn tree(path: &Path, mounted: &[Mount], bounds: Bounds) -> Option<FoundTree> {
    let real = std::fs::canonicalize(path).ok().filter(|it| it.is_dir());
    // What is elsewhere is hidden, and nobody is to look at it.
    let real = match real {
        Some(real) => real,
        None if is_remote(&mount_of(path, mounted)?.fstype) => path.to_owned(),
        None => return None,
    };
    let mount = mount_of(&real, mounted)?;
    let inside = real.strip_prefix(&mount.mount_point).ok()?;
    let directory = mount.root.join(inside);
    let (size, inodes, complete) = measured(&real, mount, bounds);
    let owners = if is_remote(&mount.fstype) {
        FileOwners::default()
    } else {
        super::owners_below(&real, bounds)
    };
    Some(FoundTree {
        device: device_of(mount),
        fs: mount.fstype.clone(),
        directory: directory.to_str()?.parse().ok()?,
        size,
        inodes,
        owners: FileOwners {
            complete: owners.complete && complete,
            ..owners
        },
        below: below(&real, mounted),
    })
}

/// The mount that `path` lies on: the deepest, and of those the latest.
fn mount_of<'a>(path: &Path, mounted: &'a [Mount]) -> Option<&'a Mount> {
    let above = mounted
        .iter()
        .filter(|mount| path.starts_with(&mount.mount_point));
    above.max_by_key(|mount| mount.mount_point.components().count())
}

fn below(path: &Path, mounted: &[Mount]) -> Vec<String> {
    let points = mounted.iter().map(|mount| &mount.mount_point);
    let below = points.filter(|point| point.starts_with(path) && *point != path);
    let mut below: Vec<String> = below.map(|point| point.display().to_string()).collect();
    below.sort();
    below.dedup();
    below
}

/// Bytes in blocks, inodes, and whether that is the tree's: else it is its whole file system's.
fn measured(path: &Path, mount: &Mount, bounds: Bounds) -> (Size, u64, bool) {
    if is_remote(&mount.fstype) {
        return (Size(0), 0, false);
    }
    let measured = usage::usage_within(path, bounds);
    if let Some(all) = measured.ok().filter(|measured| measured.complete) {
        let usage = all.usage;
        // At most one block is only partly used for each inode.
        return (
            Size(usage.stored + usage.inodes * BLOCK),
            usage.inodes,
            true,
        );
    }
    let space = usage::space(&mount.mount_point).ok();
    let used = space.map(|space| (space.total - space.free, space.inodes - space.free_inodes));
    let (bytes, inodes) = used.unwrap_or((u64::MAX, u64::MAX));
    (Size(bytes), inodes, false)
}

/// The directory on each partition of that number that is mounted from its top.
fn places(to: &CopyTo, disks: &[Disk], mounted: &[Mount]) -> Vec<FoundPlace> {
    let partitions = disks.iter().flat_map(|disk| &disk.partitions);
    let numbered = partitions.filter(|partition| partition.number == to.number);
    numbered
        .filter_map(|partition| place(to, partition, mounted))
        .collect()
}

fn place(to: &CopyTo, partition: &FoundPartition, mounted: &[Mount]) -> Option<FoundPlace> {
    let mut mounts = mounted.iter();
    let whole =
        |mount: &&Mount| mount.root == Path::new("/") && device_of(mount) == partition.device;
    let mount = mounts.find(whole)?;
    let space = usage::space(&mount.mount_point).ok()?;
    Some(FoundPlace {
        device: partition.device.clone(),
        free: Size(space.free),
        free_inodes: (space.inodes > 0).then_some(space.free_inodes),
        state: state(&mount.mount_point, to.directory.as_str(), mounted),
    })
}

/// What is at `directory` below `top`; nothing is followed there, nor looked for on another mount.
fn state(top: &Path, directory: &str, mounted: &[Mount]) -> PlaceState {
    let mut here = top.to_owned();
    for part in directory.split('/').filter(|part| !part.is_empty()) {
        here.push(part);
        match std::fs::symlink_metadata(&here) {
            Err(error) if error.kind() == ErrorKind::NotFound => return PlaceState::Missing,
            Ok(found) if found.is_dir() && !is_mount_point(&here, mounted) => {}
            _ => return PlaceState::NoDirectory,
        }
    }
    if is_empty(&here) {
        PlaceState::Empty
    } else {
        PlaceState::Occupied
    }
}

fn is_mount_point(path: &PathBuf, mounted: &[Mount]) -> bool {
    mounted.iter().any(|mount| mount.mount_point == *path)
}

/// Whether nothing is in a directory but an empty one for e2fsck.
fn is_empty(directory: &Path) -> bool {
    let names = |directory: &Path| -> Option<Vec<PathBuf>> {
        let entries = std::fs::read_dir(directory).ok()?;
        entries
            .map(|entry| entry.ok().map(|entry| entry.path()))
            .collect()
    };
    match names(directory).as_deref() {
        Some([]) => true,
        Some([one]) if one.ends_with(LOST_AND_FOUND) => {
            names(one).is_some_and(|inside| inside.is_empty())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpsys::files::mountinfo::parse_mountinfo;

    const MOUNTED: &[u8] = b"1 0 8:3 / / rw - ext4 /dev/sda3 rw\n\
        2 1 8:4 / /data rw - ext4 /dev/sda4 rw\n\
        3 1 8:3 /srv /mnt rw - ext4 /dev/sda3 rw\n\
        4 1 0:40 / /home/nfs rw - nfs4 nas:/x rw\n";

    #[test]
    fn a_path_lies_on_its_deepest_mount() {
        let mounted = parse_mountinfo(MOUNTED);
        let point = |path| mount_of(Path::new(path), &mounted).unwrap().id;
        assert_eq!(
            [point("/home"), point("/data/x"), point("/database")],
            [1, 2, 1]
        );
        assert_eq!(below(Path::new("/home"), &mounted), ["/home/nfs"]);
    }

    #[test]
    fn what_is_elsewhere_is_told_and_not_looked_at() {
        let mounted = parse_mountinfo(MOUNTED);
        let tree = tree(Path::new("/home/nfs/not-there"), &mounted, BOUNDS).unwrap();
        assert_eq!((tree.fs.as_str(), tree.size), ("nfs4", Size(0)));
    }

    #[test]
    fn a_place_is_free_when_it_is_missing_or_empty() {
        let top = tempfile::tempdir().unwrap();
        let at = |directory| state(top.path(), directory, &[]);
        assert_eq!(
            (at("/"), at("/a/b")),
            (PlaceState::Empty, PlaceState::Missing)
        );
        std::fs::create_dir(top.path().join(LOST_AND_FOUND)).unwrap();
        assert_eq!(at("/"), PlaceState::Empty);
        std::fs::write(top.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("/", top.path().join("link")).unwrap();
        assert_eq!(at("/"), PlaceState::Occupied);
        assert_eq!([at("/file"), at("/link/x")], [PlaceState::NoDirectory; 2]);
    }
}
