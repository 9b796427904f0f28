//! The EFI system partition of a run whose jump system lies in memory, mounted to be written to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::places;
use jumpspec::plan::Plan;
use jumpsys::disk::blockdev::partition_path;
use jumpsys::files::mount::{self, MsFlags};
use jumpsys::files::mountinfo::{self, Mount};

use crate::node::disk::find;
use crate::node::mounted::device_of;
use crate::node::mounted::mount_at;
use crate::run::busy::once_free;

/// Where the partition is mounted where the running system has it nowhere.
const MOUNT: &str = "/run/jump-landing-esp";
const FAT: &str = "vfat";

/// The directory's place, with the partition mounted to be written to. It stays mounted: the journal is
/// there. The directory itself may be missing.
pub(crate) fn mounted(device: &Path) -> Result<PathBuf> {
    let mounts = mountinfo::read_mountinfo()?;
    let name = device.display().to_string();
    let is_whole = |mount: &&Mount| {
        let writable = |options: &str| options.split(',').any(|option| option == "rw");
        device_of(mount) == name
            && mount.fstype == FAT
            && mount.root == Path::new("/")
            && writable(&mount.options)
            && writable(&mount.super_options)
    };
    let at = if let Some(mount) = mounts.iter().find(is_whole) {
        mount.mount_point.clone()
    } else {
        let flags = MsFlags::MS_NODEV | MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
        // Who asks for the status may look into it.
        once_free(|| mount_at(device, Path::new(MOUNT), FAT, flags))?;
        PathBuf::from(MOUNT)
    };
    Ok(at.join(places::ON_ESP))
}

/// Whether the running system has it mounted, wherever.
pub(crate) fn is_mounted(plan: &Plan) -> Result<bool> {
    let device = partition_path(&find(&plan.disk)?, plan.landing.number);
    let name = device.display().to_string();
    let mut mounts = mountinfo::read_mountinfo()?.into_iter();
    Ok(mounts.any(|mount| device_of(&mount) == name))
}

/// Unmounts what [`mounted`] has mounted.
pub(crate) fn unmount() -> Result<()> {
    let mounts = mountinfo::read_mountinfo()?;
    if mounts.iter().any(|it| it.mount_point == Path::new(MOUNT)) {
        mount::unmount(Path::new(MOUNT))?;
    }
    if Path::new(MOUNT).exists() {
        std::fs::remove_dir(MOUNT).with_context(|| format!("cannot remove {MOUNT}"))?;
    }
    Ok(())
}
