//! Finds the planned disk among those that are there now.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::disk::{Disk, planned};
use jumpspec::plan::PlannedDisk;

use crate::node::facts::gather_disks;

/// The disk that was planned.
///
/// # Errors
/// On any doubt: then nothing may be written.
pub(crate) fn find(wanted: &PlannedDisk) -> Result<PathBuf> {
    let disks = gather_disks()?;
    let found = planned(&disks, &wanted.identities, wanted.sectors);
    let disk = found.with_context(|| {
        let identities = wanted.identities.iter().map(ToString::to_string);
        let identities = identities.collect::<Vec<_>>().join(", ");
        format!(
            "cannot find the disk of the plan, {} ({identities})",
            wanted.device
        )
    })?;
    Ok(PathBuf::from(&disk.device))
}

/// The disk at `path` with its partitions.
pub(crate) fn read(path: &Path) -> Result<Disk> {
    let disks = gather_disks()?;
    let device = path.display().to_string();
    disks
        .into_iter()
        .find(|disk| disk.device == device)
        .with_context(|| format!("{device} is gone"))
}
