//! `target/bench`: everything that a bench writes, removed when it ends, also in failure.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jumplab::workspace;
use nix::sys::statvfs::statvfs;

/// Bytes that the dearest part takes at its peak: a million small files, their image and the file
/// system that it is extracted to.
const NEED: u64 = 12 << 30;

/// The folder of one bench at a time.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    disks: PathBuf,
    /// Released when the process ends, however it does.
    _lock: File,
}

impl Scratch {
    /// Makes it, in place of what a killed bench left.
    pub(super) fn make(disks: Option<&Path>) -> Result<Self> {
        let folder = workspace::target("bench");
        let lock = lock(&workspace::target("bench.lock"))?;
        let scratch = Self {
            disks: disks.unwrap_or(&folder).to_owned(),
            folder,
            _lock: lock,
        };
        scratch.clear()?;
        std::fs::create_dir_all(&scratch.folder)?;
        refuse_if_small(&scratch.folder)?;
        Ok(scratch)
    }

    /// The folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a disk's file can be made. It has no name for longer than it takes to mount it.
    pub(super) fn disk(&self) -> PathBuf {
        self.disks
            .join(format!("jump-bench-{}.img", std::process::id()))
    }

    /// A place in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn clear(&self) -> Result<()> {
        remove(&self.folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            eprintln!("warning: {error:#}");
        }
    }
}

/// Removes a file or a folder with all that is in it, if it is there.
pub(super) fn remove(path: &Path) -> Result<()> {
    let gone = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match gone {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn lock(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another bench is running: each would spoil the other's figures")
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn refuse_if_small(folder: &Path) -> Result<()> {
    let space = statvfs(folder)?;
    let free = space.blocks_available() * space.fragment_size();
    if free < NEED {
        bail!(
            "{} has {} GiB free and the bench needs {}\nhint: make room, or link target/ to a larger disk",
            workspace::shown(folder),
            free >> 30,
            NEED >> 30
        );
    }
    Ok(())
}
