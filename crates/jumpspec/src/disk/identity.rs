//! Which disk is the planned one: what is wiped depends on it. In doubt it is none.

use std::fmt;
use std::mem::discriminant;

use serde::{Deserialize, Serialize};

use super::Disk;

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

impl DiskIdentity {
    /// Whether the hardware says it, and not what is written on it.
    fn is_of_hardware(&self) -> bool {
        !matches!(self, Self::TableId(_))
    }

    /// What nobody has set, or set to nothing, tells nothing apart.
    fn is_blank(&self) -> bool {
        let (Self::Wwid(value) | Self::Serial(value) | Self::TableId(value)) = self;
        value.chars().all(|c| matches!(c, '0' | '-' | ' '))
    }
}

impl fmt::Display for DiskIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wwid(value) => write!(f, "wwid {value}"),
            Self::Serial(value) => write!(f, "serial {value}"),
            Self::TableId(value) => write!(f, "table {value}"),
        }
    }
}

/// Why no disk is taken for the planned one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// None has its identities and its length.
    #[error("no disk here is it")]
    Missing,
    /// More than one has.
    #[error("{} disks here are it: {}", .0.len(), .0.join(", "))]
    Several(Vec<String>),
    /// One has, with the partition table of another.
    #[error("{0} is it by its hardware, and has another partition table")]
    OtherTable(String),
}

/// The disk among `disks` that was planned: `identities` and `sectors` are those that it had.
///
/// # Errors
/// On any doubt: then nothing may be written.
pub fn planned<'a>(
    disks: &'a [Disk],
    identities: &[DiskIdentity],
    sectors: u64,
) -> Result<&'a Disk, Doubt> {
    let alike: Vec<&Disk> = disks
        .iter()
        .filter(|disk| disk.is_like(identities, sectors))
        .collect();
    let [disk] = alike.as_slice() else {
        let devices = alike.iter().map(|disk| disk.device.clone()).collect();
        return Err(if alike.is_empty() {
            Doubt::Missing
        } else {
            Doubt::Several(devices)
        });
    };
    // A bridge may answer with its own serial number for whatever is behind it.
    if identities.iter().any(|wanted| disk.contradicts(wanted)) {
        return Err(Doubt::OtherTable(disk.device.clone()));
    }
    Ok(disk)
}

impl Disk {
    /// Whether it could be the disk with these identities and this length: at least one is the same
    /// and none of the same kind is another. A table's identifier may be lost with the table when
    /// power fails while it is written, and a copy has it too, so it counts only where the
    /// hardware says nothing.
    pub fn is_like(&self, identities: &[DiskIdentity], sectors: u64) -> bool {
        let telling = |it: &&DiskIdentity| !it.is_blank();
        let of_hardware = |it: &&DiskIdentity| it.is_of_hardware();
        let mut wanted: Vec<&DiskIdentity> = identities.iter().filter(telling).collect();
        if wanted.iter().any(of_hardware) {
            wanted.retain(of_hardware);
        }
        wanted.iter().any(|it| self.identities.contains(it))
            && !wanted.iter().any(|it| self.contradicts(it))
            && self.sectors == sectors
    }

    /// Whether it has an identity of the same kind, and another one.
    fn contradicts(&self, wanted: &DiskIdentity) -> bool {
        let same_kind = |it: &&DiskIdentity| discriminant(*it) == discriminant(wanted);
        let mut same_kind = self.identities.iter().filter(same_kind).peekable();
        same_kind.peek().is_some() && same_kind.all(|it| it != wanted)
    }
}

#[cfg(test)]
mod tests;
