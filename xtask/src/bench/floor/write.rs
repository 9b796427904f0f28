//! Writes a snapshot: directories first, then files by two threads, hard links last.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{
    FchmodatFlags, Mode, UtimensatFlags, fchmod, fchmodat, futimens, mkdirat, utimensat,
};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown, fchownat, linkat, symlinkat, write};

use super::snapshot::{Directory, Kind, Leaf, Meta, Snapshot};

/// As many as the machine that the targets are for has CPUs.
const THREADS: usize = 2;
/// chown(2) clears these bits; mkdir(2) does not set the second.
const SET_IDS: u32 = 0o6000;

/// Writes the tree below `root`, an empty directory.
pub(super) fn tree(snapshot: &Snapshot, root: &Path) -> Result<()> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = openat(AT_FDCWD, root, flags, Mode::empty())
        .with_context(|| format!("cannot open {}", root.display()))?;
    let directories = &snapshot.directories;
    for directory in directories.iter().skip(1) {
        mkdirat(&root, directory.path.as_c_str(), mode(&directory.meta))?;
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        while let Some(directory) = directories.get(next.fetch_add(1, Ordering::Relaxed)) {
            leaves(snapshot, directory, root.as_fd())?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(work));
        threads.into_iter().try_for_each(|thread| {
            let ended = thread.join();
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    for (first, other) in &snapshot.links {
        linkat(
            &root,
            first.as_c_str(),
            &root,
            other.as_c_str(),
            AtFlags::empty(),
        )?;
    }
    directories
        .iter()
        .try_for_each(|directory| finish(directory, root.as_fd()))
}

/// Writes what is in a directory, each relative to its descriptor.
fn leaves(snapshot: &Snapshot, directory: &Directory, root: BorrowedFd<'_>) -> Result<()> {
    if directory.leaves.is_empty() {
        return Ok(());
    }
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let parent: OwnedFd = openat(root, directory.path.as_c_str(), flags, Mode::empty())?;
    for leaf in &directory.leaves {
        match &leaf.kind {
            Kind::File(place) => file(leaf, &snapshot.contents[place.clone()], parent.as_fd())?,
            Kind::Symlink(target) => {
                symlinkat(target.as_c_str(), &parent, leaf.name.as_c_str())?;
                own_at(parent.as_fd(), &leaf.name, &leaf.meta)?;
                stamp_at(parent.as_fd(), &leaf.name, &leaf.meta)?;
            }
        }
    }
    Ok(())
}

fn file(leaf: &Leaf, content: &[u8], parent: BorrowedFd<'_>) -> Result<()> {
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let meta = &leaf.meta;
    let file: File = openat(parent, leaf.name.as_c_str(), flags, mode(meta))?.into();
    let mut left = content;
    while !left.is_empty() {
        left = &left[write(&file, left)?..];
    }
    if is_foreign(meta) {
        let (uid, gid) = owner(meta);
        fchown(&file, Some(uid), Some(gid))?;
        if meta.mode & SET_IDS != 0 {
            fchmod(&file, mode(meta))?;
        }
    }
    futimens(&file, &TimeSpec::UTIME_OMIT, &meta.mtime)?;
    Ok(())
}

/// Gives a directory what later entries would have changed.
fn finish(directory: &Directory, root: BorrowedFd<'_>) -> Result<()> {
    let (path, meta) = (&directory.path, &directory.meta);
    own_at(root, path, meta)?;
    if meta.mode & SET_IDS != 0 || path.as_bytes() == b"." {
        fchmodat(
            root,
            path.as_c_str(),
            mode(meta),
            FchmodatFlags::FollowSymlink,
        )?;
    }
    stamp_at(root, path, meta)
}

fn own_at(parent: BorrowedFd<'_>, name: &std::ffi::CStr, meta: &Meta) -> Result<()> {
    if is_foreign(meta) {
        let (uid, gid) = owner(meta);
        fchownat(
            parent,
            name,
            Some(uid),
            Some(gid),
            AtFlags::AT_SYMLINK_NOFOLLOW,
        )?;
    }
    Ok(())
}

fn stamp_at(parent: BorrowedFd<'_>, name: &std::ffi::CStr, meta: &Meta) -> Result<()> {
    let (omit, flags) = (TimeSpec::UTIME_OMIT, UtimensatFlags::NoFollowSymlink);
    utimensat(parent, name, &omit, &meta.mtime, flags)?;
    Ok(())
}

fn is_foreign(meta: &Meta) -> bool {
    (meta.uid, meta.gid) != (0, 0)
}

fn owner(meta: &Meta) -> (Uid, Gid) {
    (Uid::from_raw(meta.uid), Gid::from_raw(meta.gid))
}

fn mode(meta: &Meta) -> Mode {
    Mode::from_bits_truncate(meta.mode)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::Path;

    use super::tree;
    use crate::bench::floor::snapshot::Snapshot;

    fn look(root: &Path, name: &str) -> (u32, u64, u64, i64, i64) {
        let is = root.join(name).symlink_metadata().expect(name);
        (is.mode(), is.nlink(), is.len(), is.mtime(), is.mtime_nsec())
    }

    #[test]
    fn the_floor_makes_the_same_tree() {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let [from, to] = ["from", "to"].map(|name| scratch.path().join(name));
        std::fs::create_dir(&from)
            .and_then(|()| std::fs::create_dir(&to))
            .expect("made");
        std::fs::create_dir(from.join("d")).expect("made");
        std::fs::write(from.join("d/file"), "content").expect("written");
        std::fs::write(from.join("d/empty"), "").expect("written");
        std::fs::hard_link(from.join("d/file"), from.join("second")).expect("linked");
        symlink("nowhere", from.join("link")).expect("linked");
        let executable = std::fs::Permissions::from_mode(0o750);
        std::fs::set_permissions(from.join("d/file"), executable).expect("changed");
        let snapshot = Snapshot::take(&from).expect("read");
        tree(&snapshot, &to).expect("written");
        for name in [".", "d", "d/file", "d/empty", "second"] {
            assert_eq!(look(&to, name), look(&from, name), "{name}");
        }
        assert_eq!(std::fs::read(to.join("second")).expect("read"), b"content");
        assert_eq!(
            std::fs::read_link(to.join("link")).expect("read"),
            Path::new("nowhere")
        );
    }
}
