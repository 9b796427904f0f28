//! Disks as a plan names them.

use serde::{Deserialize, Serialize};

use super::{Disk, DiskIdentity, FoundPartition};

/// What a disk is found by after a boot.
#[derive(Clone, Copy, Debug)]
pub struct WantedDisk<'a> {
    /// The old system's name for it, for people to read.
    pub device: &'a str,
    /// All that match must agree.
    pub identities: &'a [DiskIdentity],
    /// Length in sectors.
    pub sectors: u64,
    /// Partitions as they are until the commit.
    pub before: &'a [FoundPartition],
}

/// A disk that is not replaced, and has a partition that the run needs. Its table stays, but for a landing
/// partition that is made there and removed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherDisk {
    /// The old system's device name, for people to read.
    pub device: String,
    /// What it is found by after a boot; all that match must agree.
    pub identities: Vec<DiskIdentity>,
    /// Length in sectors.
    pub sectors: u64,
    /// Its partitions, one that is made for the run included.
    pub before: Vec<FoundPartition>,
}

impl OtherDisk {
    /// `disk`, unless it is the one that is replaced.
    pub fn beside(replaced: &Disk, disk: &Disk) -> Option<Self> {
        (disk.device != replaced.device).then(|| Self {
            device: disk.device.clone(),
            identities: disk.identities.clone(),
            sectors: disk.sectors,
            before: disk.partitions.clone(),
        })
    }

    /// What it is found by.
    pub fn wanted(&self) -> WantedDisk<'_> {
        WantedDisk {
            device: &self.device,
            identities: &self.identities,
            sectors: self.sectors,
            before: &self.before,
        }
    }
}
