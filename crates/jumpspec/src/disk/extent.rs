//! Runs of sectors.

use serde::{Deserialize, Serialize};

use crate::words::size::Size;

/// Bytes in a sector, whatever the disk's own blocks are: the kernel counts so too.
pub const SECTOR: u64 = 512;

impl Size {
    /// `n` sectors. A node that lies may name any number, so it ends at the largest size.
    pub const fn of_sectors(n: u64) -> Self {
        Self(n.saturating_mul(SECTOR))
    }
}

/// A run of sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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

/// A partition's number and where it lies: all that a table's reader and the kernel have to agree
/// on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its number, from 1.
    pub number: u32,
    /// Where it lies.
    pub extent: Extent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_sectors_than_any_size_has_are_the_largest() {
        assert_eq!(Size::of_sectors(2), Size(1024));
        assert_eq!(Size::of_sectors(u64::MAX / 2), Size(u64::MAX));
    }
}
