//! Reads and writes the sectors of a BIOS boot loader. Each write is synced and read back from the
//! disk; what is written where is worked out in [`crate::boot::bootsector`] and by the caller.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use jumpspec::disk::{Extent, SECTOR};

use crate::disk::durable::{self, DurableError};
use crate::error::{At as _, PathError};

/// Reads whole sectors, from the disk and not from the cache.
pub fn read_sectors(disk: &Path, extent: Extent) -> Result<Vec<u8>, PathError> {
    let len = usize::try_from(extent.sectors * SECTOR);
    let len = len.map_err(std::io::Error::other).at("read", disk)?;
    durable::read_uncached(disk, extent.start * SECTOR, len)
}

/// Reads the first sector.
pub fn read_boot_sector(disk: &Path) -> Result<[u8; 512], PathError> {
    let mut sector = [0; 512];
    let file = File::open(disk).at("open", disk)?;
    file.read_exact_at(&mut sector, 0).at("read", disk)?;
    Ok(sector)
}

/// Writes the first sector: one sector, which a disk writes whole or not at all.
pub fn write_boot_sector(disk: &Path, sector: &[u8; 512]) -> Result<(), DurableError> {
    durable::write_at(disk, 0, sector)
}

/// Writes a core image, placed by [`crate::boot::bootsector::place_core`], at the sector it was placed
/// for.
pub fn write_core(disk: &Path, at_lba: u64, placed: &[u8]) -> Result<(), DurableError> {
    durable::write_at(disk, at_lba * SECTOR, placed)
}

/// Zeroes sectors, to leave nothing of ours behind.
pub fn zero_sectors(disk: &Path, extent: Extent) -> Result<(), DurableError> {
    let len = usize::try_from(extent.sectors * SECTOR);
    let len = len.map_err(std::io::Error::other).at("zero", disk)?;
    durable::write_at(disk, extent.start * SECTOR, &vec![0; len])
}
