//! Disks: what a node has, what a plan makes of them, and what tables and file systems can hold.

mod boot_area;
mod extent;
pub mod filesystem;
mod identity;
mod other;
mod partition;
pub mod table;

use serde::{Deserialize, Serialize};

pub use boot_area::{BootArea, BootCode, LeadsTo};
pub use extent::{Extent, SECTOR, Slot};
pub use filesystem::Filesystem;
pub use identity::{DiskIdentity, Doubt, planned};
pub use other::{OtherDisk, WantedDisk};
pub use partition::{Content, FoundPartition, Partition, Swap, UNKNOWN, UNRECOGNISED};
pub use table::{Table, TableKind};

/// One disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// The kernel's name for now, `vda`; it may be another after a boot.
    pub name: String,
    /// `/dev/vda`.
    pub device: String,
    /// What stays the same over boots and kernels, best first.
    pub identities: Vec<DiskIdentity>,
    /// Length in sectors of 512 bytes.
    pub sectors: u64,
    /// Logical sector size in bytes.
    pub logical_sector: u32,
    /// The vendor's name for it, if known.
    pub model: Option<String>,
    /// The partition table.
    pub table: Option<Table>,
    /// Partitions in the table's order.
    pub partitions: Vec<FoundPartition>,
    /// The partitions that the kernel knows, extended ones left out; `None` where that was not
    /// asked. They are not the table's when somebody has written that and the kernel could not
    /// read it again.
    #[serde(default)]
    pub kernel_partitions: Option<Vec<Slot>>,
    /// A file system or RAID/LVM member that takes the whole disk.
    pub content: Option<Content>,
    /// The boot sector and the room around it.
    pub loader: Option<BootArea>,
    /// What udev calls the whole disk by its hardware, best first: `/dev/disk/by-id/…`,
    /// `/dev/disk/by-path/…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// What is stacked on the whole disk: an md or device-mapper device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<String>,
    /// Whether its medium can be taken out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removable: bool,
}

impl Disk {
    /// An extent in the disk's own blocks, as its firmware and its GPT count; none if it is not made of
    /// whole ones.
    pub fn in_blocks(&self, extent: Extent) -> Option<Extent> {
        let sectors = u64::from(self.logical_sector) / SECTOR;
        let whole = |it: u64| it.is_multiple_of(sectors).then(|| it / sectors);
        Some(Extent {
            start: whole(extent.start)?,
            sectors: whole(extent.sectors)?,
        })
    }

    /// What the kernel calls a partition of it: a disk whose name ends in a digit gets a `p` between
    /// (block/partitions/core.c, `disk_name`).
    pub fn partition_device(&self, number: u32) -> String {
        let between = if self.device.ends_with(|it: char| it.is_ascii_digit()) {
            "p"
        } else {
            ""
        };
        format!("{}{between}{number}", self.device)
    }
}
