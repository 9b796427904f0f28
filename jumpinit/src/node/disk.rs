//! Finds the planned disk among those that are there now.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jumpspec::facts::{Disk, DiskIdentity};
use jumpspec::plan::PlannedDisk;

/// The disk that has all of the planned one's identities and its length.
///
/// # Errors
/// When there is none, or more than one: on any doubt, nothing is written.
pub(crate) fn find(planned: &PlannedDisk) -> Result<PathBuf> {
    let disks = crate::node::facts::gather_disks()?;
    let matching: Vec<&Disk> = disks
        .iter()
        .filter(|disk| disk.is_known_by(&planned.identities, planned.sectors))
        .collect();
    match matching.as_slice() {
        [disk] => Ok(PathBuf::from(&disk.device)),
        [] => bail!(
            "no disk here is {} ({})",
            planned.device,
            in_words(&planned.identities)
        ),
        several => bail!(
            "{} disks here are {} ({})",
            several.len(),
            planned.device,
            in_words(&planned.identities)
        ),
    }
}

/// The disk at `path` with its partitions.
pub(crate) fn read(path: &Path) -> Result<Disk> {
    let disks = crate::node::facts::gather_disks()?;
    let device = path.display().to_string();
    disks
        .into_iter()
        .find(|disk| disk.device == device)
        .with_context(|| format!("{device} is gone"))
}

fn in_words(identities: &[DiskIdentity]) -> String {
    let word = |identity: &DiskIdentity| match identity {
        DiskIdentity::Wwid(value) => format!("wwid {value}"),
        DiskIdentity::Serial(value) => format!("serial {value}"),
        DiskIdentity::TableId(value) => format!("table {value}"),
    };
    identities.iter().map(word).collect::<Vec<_>>().join(", ")
}
