//! Finds the disks of a plan among those that are there now.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jumpspec::disk::{Disk, WantedDisk, planned};
use jumpspec::plan::Plan;
use jumpsys::disk::blockdev::partition_path;

use crate::node::facts::gather_disks;

/// How long disks may take to appear after a boot.
const DISKS_APPEAR: Duration = Duration::from_mins(1);
/// How often they are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The disk that was planned.
///
/// # Errors
/// On any doubt: then nothing may be written.
pub(crate) fn find(wanted: WantedDisk<'_>) -> Result<PathBuf> {
    let disks = gather_disks()?;
    let found = planned(&disks, wanted.identities, wanted.sectors);
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

/// The device of the landing partition, on its disk as that is called now.
///
/// # Errors
/// As [`find`].
pub(crate) fn landing(plan: &Plan) -> Result<PathBuf> {
    let disk = find(plan.landing_disk())?;
    Ok(partition_path(&disk, plan.landing.number))
}

/// Waits until all disks of the plan are there, with the partition that the jump system was booted from.
/// The one that a root lies on has been waited for already.
///
/// # Errors
/// As [`find`], after a minute.
pub(crate) fn once_there(plan: &Plan) -> Result<()> {
    let has_one = plan.disks().all(|it| it.device == plan.disk.device);
    if has_one && !plan.landing.is_in_memory() {
        return Ok(());
    }
    let begun = Instant::now();
    loop {
        let found = are_there(plan);
        if found.is_ok() || begun.elapsed() > DISKS_APPEAR {
            return found;
        }
        sleep(LOOK_EVERY);
    }
}

fn are_there(plan: &Plan) -> Result<()> {
    for disk in plan.disks() {
        find(disk)?;
    }
    let device = landing(plan)?;
    let is_there = !plan.landing.is_kept() || device.exists();
    ensure!(is_there, "{} is not there", device.display());
    Ok(())
}
