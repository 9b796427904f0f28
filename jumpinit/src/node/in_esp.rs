//! What a run keeps on the EFI system partition when its jump system lies in memory: a directory that is
//! laid out as a landing file system is.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::disk::table::GPT_ESP;
use jumpspec::disk::{Disk, FoundPartition};
use jumpspec::places;
use jumpspec::run::journal::{Journal, RESERVED_BYTES};
use jumpsys::files::mount::{self, MsFlags};
use jumpsys::files::mountinfo::{self, Mount};

use crate::node::facts::device_of;
use crate::node::journal::Ledger;
use crate::node::landing::{mount_at, with_mounted};

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
        mount_at(device, Path::new(MOUNT), FAT, flags)?;
        PathBuf::from(MOUNT)
    };
    Ok(at.join(places::ON_ESP))
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

/// The journal in the directory `kept`, if there is one.
pub(crate) fn ledger(kept: &Path) -> Result<Ledger> {
    let file = kept.join(places::JOURNAL_ON_ESP);
    if file.exists() {
        Ledger::open(&file, RESERVED_BYTES)
    } else {
        Ok(Ledger::absent())
    }
}

/// The partition that has such a directory, and its journal, which was written for this very disk. Reads
/// only.
pub(crate) fn find(disks: &[Disk]) -> Option<(&FoundPartition, Journal)> {
    let mut all = disks
        .iter()
        .flat_map(|disk| disk.partitions.iter().map(move |it| (disk, it)));
    all.find_map(|(disk, partition)| {
        let journal = look(partition)?;
        (journal.disk == disk.identities).then_some((partition, journal))
    })
}

fn look(partition: &FoundPartition) -> Option<Journal> {
    if partition.type_code != GPT_ESP {
        return None;
    }
    let journal = with_mounted(&partition.device, FAT, |root| {
        let file = root
            .path()
            .join(places::ON_ESP)
            .join(places::JOURNAL_ON_ESP);
        Ok(Ledger::look(&file, RESERVED_BYTES))
    });
    journal.ok().flatten()
}
