//! Partitions, as a table has them and as they are found.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

use super::{Extent, Slot};
use crate::words::size::Size;

/// One partition, as a table has it: as it is, or as it will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its number, from 1; logical ones of an MBR count from 5.
    pub number: u32,
    /// First sector.
    pub start: u64,
    /// Length in sectors.
    pub sectors: u64,
    /// MBR: the type byte as `0x83`; GPT: the type GUID in lower case.
    pub type_code: String,
    /// `PARTUUID` as blkid prints it: `abcd1234-01`, or a GUID in lower case. Of an MBR it follows
    /// from signature and number.
    pub partuuid: Option<String>,
    /// GPT partition name.
    pub name: Option<String>,
    /// MBR active flag or GPT's legacy-BIOS-bootable attribute.
    pub bootable: bool,
}

impl Partition {
    /// Where it lies.
    pub fn extent(&self) -> Extent {
        Extent {
            start: self.start,
            sectors: self.sectors,
        }
    }

    /// Which it is and where it lies.
    pub fn slot(&self) -> Slot {
        Slot {
            number: self.number,
            extent: self.extent(),
        }
    }

    /// Length in bytes.
    pub fn size(&self) -> Size {
        Size::of_sectors(self.sectors)
    }

    /// Whether it is the container of an MBR's logical partitions, if its table is one.
    pub fn is_extended(&self) -> bool {
        self.number <= 4 && matches!(self.type_code.as_str(), "0x05" | "0x0f" | "0x85")
    }
}

/// One partition as it is on a node: as the table has it, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPartition {
    /// As the table has it.
    #[serde(flatten)]
    pub partition: Partition,
    /// `/dev/vda2`.
    pub device: String,
    /// What a probe of its first and last blocks found; `None` is blank, zeros.
    pub content: Option<Content>,
    /// Whether it is an active swap device.
    pub swap_active: bool,
    /// Kernel devices on top of it (device-mapper, md), by name.
    pub holders: Vec<String>,
    /// What udev calls it by its hardware, as [`super::Disk::links`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
}

impl FoundPartition {
    /// As the table has it.
    pub fn unchanged(&self) -> Partition {
        self.partition.clone()
    }
}

/// It is a partition, of which more is known.
impl Deref for FoundPartition {
    type Target = Partition;

    fn deref(&self) -> &Partition {
        &self.partition
    }
}

impl DerefMut for FoundPartition {
    fn deref_mut(&mut self) -> &mut Partition {
        &mut self.partition
    }
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

/// A swap area's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// Its UUID.
    pub uuid: String,
    /// Its label.
    pub label: Option<String>,
    /// Mount options of its fstab line, to be set again once it exists.
    pub options: String,
}

/// [`Content::kind`] of what neither we nor the node's blkid could look at: it may be anything.
pub const UNKNOWN: &str = "unknown";
/// [`Content::kind`] of what is not blank, and nothing that the node's blkid knows.
pub const UNRECOGNISED: &str = "unrecognised";
