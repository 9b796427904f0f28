//! A node's disks: tables, partitions, what they hold, and where loaders lie.

use serde::{Deserialize, Serialize};

use crate::size::Size;

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
    pub partitions: Vec<Partition>,
    /// The partitions that the kernel knows, extended ones left out; `None` where that was not
    /// asked. They are not the table's when somebody has written that and the kernel could not
    /// read it again.
    #[serde(default)]
    pub kernel_partitions: Option<Vec<KernelPartition>>,
    /// A file system or RAID/LVM member that takes the whole disk.
    pub content: Option<Content>,
    /// The boot sector and the room around it.
    pub loader: Option<LoaderArea>,
    /// What udev calls the whole disk by its hardware, best first: `/dev/disk/by-id/…`,
    /// `/dev/disk/by-path/…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
}

impl Disk {
    /// Whether it is the disk with these identities and this length: at least one is the same and
    /// none of the same kind is another. A table's identifier may be lost with the table when
    /// power fails while it is written, and a copy has it too, so it counts only where the
    /// hardware says nothing.
    pub fn is_known_by(&self, identities: &[DiskIdentity], sectors: u64) -> bool {
        let of_hardware = |identity: &&DiskIdentity| !matches!(identity, DiskIdentity::TableId(_));
        let hardware: Vec<&DiskIdentity> = identities.iter().filter(of_hardware).collect();
        let wanted = if hardware.is_empty() {
            identities.iter().collect()
        } else {
            hardware
        };
        let same = |wanted: &&DiskIdentity| self.identities.contains(wanted);
        let other = |wanted: &&DiskIdentity| {
            let kind = std::mem::discriminant(*wanted);
            !same(wanted)
                && self
                    .identities
                    .iter()
                    .any(|identity| std::mem::discriminant(identity) == kind)
        };
        wanted.iter().any(same) && !wanted.iter().any(other) && self.sectors == sectors
    }
}

/// Something that tells a disk from every other, also after a reboot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum DiskIdentity {
    /// World-wide name, from `wwid` in sysfs.
    Wwid(String),
    /// Serial number.
    Serial(String),
    /// MBR disk signature (8 hex digits) or GPT disk GUID. Copied disks share it.
    TableId(String),
}

/// A partition table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// MBR or GPT.
    pub kind: TableKind,
    /// MBR disk signature as 8 hex digits, GPT disk GUID in lower case.
    pub id: String,
    /// First sector that a partition may use.
    pub first_usable: u64,
    /// Last sector that a partition may use.
    pub last_usable: u64,
    /// Whether there are MBR logical partitions (an extended partition).
    pub extended: bool,
}

/// Kinds of partition table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableKind {
    /// DOS partition table.
    Mbr,
    /// GUID partition table (UEFI specification, chapter 5).
    Gpt,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its number in the table, from 1.
    pub number: u32,
    /// `/dev/vda2`.
    pub device: String,
    /// First sector.
    pub start: u64,
    /// Length in sectors.
    pub sectors: u64,
    /// MBR: `0x83`; GPT: type GUID in lower case.
    pub type_code: String,
    /// `PARTUUID` as blkid prints it.
    pub partuuid: Option<String>,
    /// GPT partition name.
    pub name: Option<String>,
    /// MBR active flag or GPT's legacy-BIOS-bootable attribute.
    pub bootable: bool,
    /// What a probe of its first and last blocks found; `None` is blank, zeros.
    pub content: Option<Content>,
    /// Whether it is an active swap device.
    pub swap_active: bool,
    /// Kernel devices on top of it (device-mapper, md), by name.
    pub holders: Vec<String>,
    /// What udev calls it by its hardware, as [`Disk::links`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
}

impl Partition {
    /// Length in bytes.
    pub fn size(&self) -> Size {
        Size::of_sectors(self.sectors)
    }

    /// Where it lies.
    pub fn extent(&self) -> Extent {
        Extent {
            start: self.start,
            sectors: self.sectors,
        }
    }
}

/// A partition as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelPartition {
    /// Its number.
    pub number: u32,
    /// Where it lies.
    pub extent: Extent,
}

/// What a device holds, by its superblock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// As blkid's `TYPE`: `ext4`, `swap`, `LVM2_member`, `crypto_LUKS` …
    pub kind: String,
    /// As blkid's `UUID`.
    pub uuid: Option<String>,
    /// As blkid's `LABEL`.
    pub label: Option<String>,
}

/// [`Content::kind`] of what neither we nor the node's blkid could look at: it may be anything.
pub const UNKNOWN: &str = "unknown";
/// [`Content::kind`] of what is not blank, and nothing that the node's blkid knows.
pub const UNRECOGNISED: &str = "unrecognised";

/// Where a BIOS loader is and could be: the sectors between the boot sector and the
/// first partition (MBR), or the BIOS boot partition (GPT).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoaderArea {
    /// Whether the boot sector is GRUB's.
    pub grub: bool,
    /// The sector that the boot sector loads, if it is GRUB's.
    pub kernel_sector: Option<u64>,
    /// Sectors that the core image in use takes.
    pub core: Vec<Extent>,
    /// The whole area.
    pub area: Option<Extent>,
    /// Runs of the area that hold nothing (or only an earlier selector of ours).
    pub free: Vec<Extent>,
}

/// A run of sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// First sector.
    pub start: u64,
    /// Length in sectors.
    pub sectors: u64,
}

impl Extent {
    /// The first sector after it. A node that lies may name any number.
    pub fn end(self) -> u64 {
        self.start.saturating_add(self.sectors)
    }

    /// Whether the two share a sector.
    pub fn overlaps(self, other: Self) -> bool {
        self.start.max(other.start) < self.end().min(other.end())
    }

    /// Whether it ends, and within so many sectors.
    pub fn ends_within(self, sectors: u64) -> bool {
        let end = self.start.checked_add(self.sectors);
        end.is_some_and(|end| end <= sectors)
    }

    /// Whether `other` lies within it.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end() <= self.end()
    }
}
