//! What a run keeps on a partition that stays as it is when its jump system lies in memory: a directory
//! that is laid out as a landing file system is. Only reads.

use std::path::Path;

use anyhow::{Context as _, Result};
use jumpspec::disk::table::GPT_ESP;
use jumpspec::disk::{Disk, FoundPartition, planned};
use jumpspec::places;
use jumpspec::plan::{Keeper, Plan};
use jumpspec::run::journal::{Journal, RESERVED_BYTES};
use jumpsys::files::mountinfo;
use jumpsys::files::root::Root;

use crate::node::bundle::read_plan;
use crate::node::journal::Ledger;
use crate::node::mounted::{device_of, with_mounted, with_mounted_as_it_lies};

/// What a run has found to keep its files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    /// The partition.
    pub(crate) partition: &'a FoundPartition,
    /// What it is.
    pub(crate) keeper: Keeper,
}

impl Found<'_> {
    /// Reads something from the directory.
    pub(crate) fn read<T>(self, read: impl FnOnce(&Root) -> Result<T>) -> Result<T> {
        let device = &self.partition.device;
        let read = |root: &Root| read(&Root::open(&root.path().join(self.keeper.directory()))?);
        match self.keeper {
            Keeper::Esp => with_mounted(device, self.keeper.driver(), read),
            Keeper::Boot => with_mounted_as_it_lies(device, read),
        }
    }

    fn journal(self) -> Option<Journal> {
        let journal = self.read(|kept| {
            let file = kept.path().join(places::KEPT_JOURNAL);
            Ok(Ledger::look(&file, RESERVED_BYTES))
        });
        journal.ok().flatten()
    }
}

/// The journal in the directory `kept`, if there is one.
pub(crate) fn ledger(kept: &Path) -> Result<Ledger> {
    let file = kept.join(places::KEPT_JOURNAL);
    if file.exists() {
        Ledger::open(&file, RESERVED_BYTES)
    } else {
        Ok(Ledger::absent())
    }
}

/// The partition that has such a directory, and its journal, which was written for this very disk.
pub(crate) fn find(disks: &[Disk]) -> Option<(Found<'_>, Journal)> {
    let of_here = of_this_system(disks).ok();
    let mounted = mounted();
    let mut all = disks
        .iter()
        .flat_map(|disk| disk.partitions.iter().map(move |it| (disk, it)));
    all.find_map(|(disk, partition)| {
        let is_meant = of_here.is_some_and(|it| it.partition.device == partition.device);
        let keeper = if partition.type_code == GPT_ESP {
            Keeper::Esp
        } else if is_meant || mounted.contains(&partition.device) {
            Keeper::Boot
        } else {
            return None;
        };
        let found = Found { partition, keeper };
        let journal = found.journal()?;
        (journal.disk == disk.identities).then_some((found, journal))
    })
}

/// The journal of a run with this plan, on the partition that it names.
pub(crate) fn journal_of(plan: &Plan, disks: &[Disk]) -> Option<Journal> {
    of_plan(plan, disks).ok()?.journal()
}

/// What the plan of the jump system or of the new one names. Nothing else that is mounted nowhere is
/// looked into but EFI system partitions: it may be somebody else's, and in use.
fn of_this_system(disks: &[Disk]) -> Result<Found<'_>> {
    let plan = |place: &str| read_plan(&Path::new("/").join(place));
    let plan = plan(places::PLAN).or_else(|_| plan(places::NEW_PLAN))?;
    of_plan(&plan, disks)
}

fn of_plan<'a>(plan: &Plan, disks: &'a [Disk]) -> Result<Found<'a>> {
    let keeper = plan.landing.keeper();
    let keeper = keeper.context("its jump system does not lie in memory")?;
    let wanted = plan.landing_disk();
    let disk = planned(disks, wanted.identities, wanted.sectors)?;
    let mut partitions = disk.partitions.iter();
    let partition = partitions.find(|it| it.number == plan.landing.number);
    let partition = partition.context("its partition is not there")?;
    Ok(Found { partition, keeper })
}

/// The devices whose ext2, ext3 or ext4 is mounted.
fn mounted() -> Vec<String> {
    let mounts = mountinfo::read_mountinfo().unwrap_or_default();
    let mounts = mounts.iter().filter(|it| Keeper::Boot.is(&it.fstype));
    mounts.map(device_of).collect()
}
