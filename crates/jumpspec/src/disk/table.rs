//! Partition tables, and what they can hold. The planner asks before anything is changed, and whoever
//! writes the table asks again: one answer, in one place.

use serde::{Deserialize, Serialize};

use super::{Extent, Slot};

/// GPT type GUID of a BIOS boot partition, which holds GRUB's core image (GRUB manual, "BIOS
/// installation").
pub const GPT_BIOS_BOOT: &str = "21686148-6449-6e6f-744e-656564454649";

/// GPT type GUID of an EFI system partition (UEFI Specification 2.10, section 5.3.3).
pub const GPT_ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

/// The largest number that a partition may have: a GPT's usual entries (UEFI specification 2.10,
/// section 5.3), and more than an MBR's chain is read for.
pub const MOST_PARTITIONS: u32 = 128;
/// Sectors that a GPT of [`MOST_PARTITIONS`] entries takes at either end of the disk, header
/// included, without the protective MBR: 128 entries of 128 bytes.
const GPT_COPY: u64 = 33;
/// An MBR counts sectors in 32 bits.
const MBR_END: u64 = 1 << 32;
/// Beyond these numbers a partition of an MBR is a logical one, within the extended one.
const MBR_PRIMARIES: u32 = 4;

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

impl Table {
    /// Where partitions may lie.
    pub fn usable(&self) -> Extent {
        let end = self.last_usable.saturating_add(1);
        Extent {
            start: self.first_usable,
            sectors: end.saturating_sub(self.first_usable),
        }
    }
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

/// A partition that a table cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("partition {number} cannot be put into the table: {reason}")]
pub struct Unwritable {
    /// Its number.
    pub number: u32,
    /// Why not.
    pub reason: &'static str,
}

/// Checks a whole table for a disk of `disk_sectors` sectors. Logical partitions may lie within
/// the extended one.
///
/// # Errors
/// The first partition that does not fit.
pub fn check(kind: TableKind, slots: &[Slot], disk_sectors: u64) -> Result<(), Unwritable> {
    for (index, slot) in slots.iter().enumerate() {
        let fault = place_fault(kind, *slot, disk_sectors).or_else(|| {
            let earlier = &slots[..index];
            earlier.iter().find_map(|other| clash(kind, *slot, *other))
        });
        if let Some(reason) = fault {
            return Err(Unwritable {
                number: slot.number,
                reason,
            });
        }
    }
    Ok(())
}

fn place_fault(kind: TableKind, slot: Slot, disk_sectors: u64) -> Option<&'static str> {
    let (first, end) = match kind {
        TableKind::Mbr => (1, disk_sectors.min(MBR_END)),
        TableKind::Gpt => (1 + GPT_COPY, disk_sectors.saturating_sub(GPT_COPY)),
    };
    let extent = slot.extent;
    if slot.number == 0 || slot.number > MOST_PARTITIONS {
        return Some("its number is not within 1 to 128");
    }
    if extent.sectors == 0 {
        return Some("it has no sector");
    }
    (extent.start < first || extent.end() > end)
        .then_some("it does not lie where this disk's table lets partitions be")
}

fn clash(kind: TableKind, slot: Slot, other: Slot) -> Option<&'static str> {
    if slot.number == other.number {
        return Some("its number is taken twice");
    }
    let logical = |slot: Slot| slot.number > MBR_PRIMARIES;
    let nested = kind == TableKind::Mbr && logical(slot) != logical(other);
    (!nested && slot.extent.overlaps(other.extent)).then_some("it overlaps another")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u32, start: u64, sectors: u64) -> Slot {
        Slot {
            number,
            extent: Extent { start, sectors },
        }
    }

    fn reason(kind: TableKind, slots: &[Slot]) -> Option<&'static str> {
        check(kind, slots, 100_000).err().map(|fault| fault.reason)
    }

    #[test]
    fn a_gpt_ends_before_its_second_copy() {
        let last = slot(128, 34, 100_000 - 34 - 33);
        assert_eq!(reason(TableKind::Gpt, &[last]), None);
        for wrong in [slot(1, 33, 10), slot(1, 99_960, 8), slot(1, u64::MAX, 8)] {
            assert!(reason(TableKind::Gpt, &[wrong]).is_some(), "{wrong:?}");
        }
    }

    #[test]
    fn numbers_are_within_the_table_and_stand_once() {
        for number in [0, 129] {
            let reason = reason(TableKind::Gpt, &[slot(number, 2048, 8)]);
            assert_eq!(reason, Some("its number is not within 1 to 128"));
        }
        let twice = [slot(3, 2048, 8), slot(3, 4096, 8)];
        assert_eq!(
            reason(TableKind::Gpt, &twice),
            Some("its number is taken twice")
        );
    }

    #[test]
    fn partitions_overlap_only_where_one_holds_the_other() {
        let pair = [slot(4, 2048, 100), slot(5, 2050, 10)];
        assert_eq!(reason(TableKind::Mbr, &pair), None);
        assert_eq!(reason(TableKind::Gpt, &pair), Some("it overlaps another"));
        assert_eq!(
            reason(TableKind::Mbr, &[slot(1, 2048, 0)]),
            Some("it has no sector")
        );
    }
}
