//! Folders for small nodes: in memory where there is room, for their disks are copied by the hundred.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nix::sys::statvfs::statvfs;

use crate::workspace;

/// A file system in memory.
const MEMORY: &str = "/dev/shm";
/// What must be free there: some disks of a few hundred MiB, and the guests' own memory.
const ROOM: u64 = 4 << 30;
/// How folders in memory are called.
const PREFIX: &str = "jump-";

/// An empty folder for the node `name`.
pub(super) fn make(name: &str) -> Result<PathBuf> {
    let folder = parent().join(format!("{PREFIX}{name}"));
    remove(&folder)?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

fn parent() -> PathBuf {
    let free = statvfs(MEMORY).map_or(0, |is| is.blocks_available() * is.fragment_size());
    if free > ROOM {
        PathBuf::from(MEMORY)
    } else {
        workspace::target("vm").join("runs")
    }
}

/// Removes a folder, if it is there.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Keeps the logs of a node's folder below `target/vm/runs/NAME/`.
pub(super) fn keep_logs(folder: &Path, name: &str) -> Result<()> {
    let kept = workspace::target("vm").join("runs").join(name);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            std::fs::create_dir_all(&kept)?;
            std::fs::copy(&path, kept.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// Removes folders in memory whose names begin with `prefix` and that `stale` says nobody uses.
pub fn sweep(prefix: &str, stale: impl Fn(&str) -> bool) -> Result<()> {
    let prefix = format!("{PREFIX}{prefix}");
    for entry in std::fs::read_dir(MEMORY)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.strip_prefix(&prefix).is_some_and(&stale) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
