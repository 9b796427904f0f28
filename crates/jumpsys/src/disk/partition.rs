//! Partition tables: MBR by mbrman, GPT by the gpt crate; read, and written whole.
//!
//! Never touches boot code (the first 440 bytes of the disk) or any sector that is no part of a
//! table. A GPT may be on a disk with logical sectors of 4096 bytes; partitions are told in sectors of 512
//! all the same. It does not tell the kernel: see
//! [`crate::disk::partnodes`].

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use jumpspec::disk::{Partition, SECTOR, Slot, TableKind, table};

use crate::disk::blockdev::{self, BlockdevError};
use crate::error::{At as _, PathError};

mod guid;
mod mbr;
mod single;

pub use single::{add_partition, remove_partition};

/// What a disk's first sectors say it is divided into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    /// No table: an empty disk, or one used whole.
    None,
    /// A DOS table.
    Mbr {
        /// Disk signature ("NT disk id"), first half of every PARTUUID.
        signature: u32,
        /// Primary, extended and logical partitions by number. The extended one is among them,
        /// with its whole size.
        partitions: Vec<Partition>,
    },
    /// A GUID table.
    Gpt {
        /// The disk's GUID.
        guid: String,
        /// Partitions by number; gaps in the numbers are kept.
        partitions: Vec<Partition>,
        /// First sector that a partition may use.
        first_usable: u64,
        /// Last sector that a partition may use.
        last_usable: u64,
    },
}

impl Table {
    /// Its partitions; none of no table.
    pub fn partitions(&self) -> &[Partition] {
        match self {
            Self::None => &[],
            Self::Mbr { partitions, .. } | Self::Gpt { partitions, .. } => partitions,
        }
    }

    /// Whether it is an MBR with a container for logical partitions.
    pub fn has_extended(&self) -> bool {
        matches!(self, Self::Mbr { .. }) && self.partitions().iter().any(Partition::is_extended)
    }

    /// What the kernel is to know: an extended partition with only its first two sectors, as
    /// block/partitions/msdos.c shows it, or one where a logical partition starts in the second.
    pub fn kernel_extents(&self) -> Vec<Slot> {
        let parts = self.partitions();
        let shown = |p: &Partition| {
            let mut extent = p.extent();
            if matches!(self, Self::Mbr { .. }) && p.is_extended() {
                let inside = |o: &&Partition| o.number > 4 && o.start < extent.start + 2;
                let crowded = parts.iter().any(|o| inside(&o));
                extent.sectors = extent.sectors.min(if crowded { 1 } else { 2 });
            }
            Slot {
                number: p.number,
                extent,
            }
        };
        parts.iter().map(shown).collect()
    }
}

/// The complete table that a disk is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewTable {
    /// A DOS table.
    Mbr {
        /// Disk signature.
        signature: u32,
        /// Every partition, the extended one included if there are logical ones.
        partitions: Vec<Partition>,
    },
    /// A GUID table.
    Gpt {
        /// The disk's GUID.
        guid: String,
        /// Every partition.
        partitions: Vec<Partition>,
    },
}

/// What can be wrong with a table.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Not a disk we can divide.
    #[error(transparent)]
    Blockdev(#[from] BlockdevError),
    /// The MBR, or the chain of its logical partitions, is broken.
    #[error("the MBR partition table of {} is broken", disk.display())]
    Mbr {
        /// The disk.
        disk: PathBuf,
        /// What mbrman says.
        #[source]
        source: mbrman::Error,
    },
    /// The GPT is broken in both its copies, or unlike any that Linux reads.
    #[error("the GPT of {} is broken: {reason}", disk.display())]
    Gpt {
        /// The disk.
        disk: PathBuf,
        /// What the gpt crate says, or what is missing.
        reason: String,
    },
    /// The wanted table cannot be written.
    #[error("partition {number} cannot be put on {}: {reason}", disk.display())]
    Unwritable {
        /// The disk.
        disk: PathBuf,
        /// The partition's number.
        number: u32,
        /// Why not.
        reason: &'static str,
    },
    /// An identifier that has to be a GUID is none.
    #[error("`{0}` is not a GUID")]
    BadGuid(String),
    /// What was read after writing is not what was written.
    #[error("{} does not hold the partition table that was written", disk.display())]
    ReadBack {
        /// The disk.
        disk: PathBuf,
    },
}

/// Reads the table of a disk or of an image in a file. As in the kernel, a GPT counts only where
/// the MBR is a protective one; then a broken GPT is an error and never "no table".
pub fn read_table(disk: &Path) -> Result<Table, PartitionError> {
    let mut file = File::open(disk).at("open", disk)?;
    read_open(&mut file, disk)
}

/// Writes the whole table, syncs, and reads it back. A disk that has this very table is not
/// written to. A GPT's second copy is written and synced before its first: a power cut leaves one
/// of them whole.
pub fn write_table(disk: &Path, wanted: &NewTable) -> Result<(), PartitionError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(disk)
        .at("open to write", disk)?;
    if matches!(wanted, NewTable::Mbr { .. }) {
        blockdev::require_512(&file, disk)?;
    }
    let sectors = blockdev::size_bytes(&file, disk)? / SECTOR;
    check(disk, wanted, sectors)?;
    if !holds(&mut file, disk, wanted) {
        match wanted {
            NewTable::Mbr {
                signature,
                partitions,
            } => mbr::write(&mut file, disk, *signature, partitions)?,
            NewTable::Gpt { guid, partitions } => guid::write(&mut file, disk, guid, partitions)?,
        }
    }
    if matches!(wanted, NewTable::Mbr { .. }) {
        guid::erase(&file, disk, sectors)?;
    }
    blockdev::flush(&file, disk)?;
    if holds(&mut file, disk, wanted) {
        return Ok(());
    }
    Err(PartitionError::ReadBack {
        disk: disk.to_owned(),
    })
}

/// Whether the disk has this table, a GPT in both its copies. What cannot be read is not it.
fn holds(file: &mut File, disk: &Path, wanted: &NewTable) -> bool {
    let whole = matches!(wanted, NewTable::Mbr { .. }) || guid::is_whole(file, disk);
    whole && read_open(file, disk).is_ok_and(|table| matches(&table, wanted))
}

/// Whether a disk's table is already the wanted one.
pub fn matches(table: &Table, wanted: &NewTable) -> bool {
    let sorted = |parts: &[Partition]| {
        let mut parts = parts.to_vec();
        parts.sort_by_key(|p| p.number);
        parts
    };
    match (table, wanted) {
        (
            Table::Mbr {
                signature,
                partitions,
            },
            NewTable::Mbr {
                signature: new,
                partitions: wanted,
            },
        ) => {
            let wanted = sorted(wanted).into_iter().map(|p| Partition {
                partuuid: Some(mbr::partuuid(*new, p.number)),
                name: None,
                ..p
            });
            signature == new && sorted(partitions).into_iter().eq(wanted)
        }
        (
            Table::Gpt {
                guid, partitions, ..
            },
            NewTable::Gpt {
                guid: new,
                partitions: wanted,
            },
        ) => {
            let wanted = sorted(wanted).into_iter().map(|p| Partition {
                type_code: p.type_code.to_ascii_lowercase(),
                partuuid: p.partuuid.map(|it| it.to_ascii_lowercase()),
                name: p.name.filter(|n| !n.is_empty()),
                ..p
            });
            guid.eq_ignore_ascii_case(new) && sorted(partitions).into_iter().eq(wanted)
        }
        _ => false,
    }
}

fn read_open(file: &mut File, disk: &Path) -> Result<Table, PartitionError> {
    let mut first = [0; 512];
    match file.read_exact_at(&mut first, 0) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(Table::None),
        other => other.at("read", disk)?,
    }
    if !mbr::is_table(&first) {
        return Ok(Table::None);
    }
    if mbr::is_protective(&first) {
        return guid::read(file, disk);
    }
    blockdev::require_512(file, disk)?;
    mbr::read(file, disk)
}

/// Refuses what the planner refuses, whoever asks.
fn check(disk: &Path, wanted: &NewTable, disk_sectors: u64) -> Result<(), PartitionError> {
    let (kind, partitions) = match wanted {
        NewTable::Mbr { partitions, .. } => (TableKind::Mbr, partitions),
        NewTable::Gpt { partitions, .. } => (TableKind::Gpt, partitions),
    };
    let slots: Vec<Slot> = partitions.iter().map(Partition::slot).collect();
    table::check(kind, &slots, disk_sectors).map_err(|fault| PartitionError::Unwritable {
        disk: disk.to_owned(),
        number: fault.number,
        reason: fault.reason,
    })
}

#[cfg(test)]
mod tests;
