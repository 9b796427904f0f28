//! DOS tables.
//!
//! Source: the kernel's block/partitions/msdos.c; util-linux libfdisk/src/dos.c for CHS values.

use std::fs::File;
use std::io::Cursor;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use mbrman::{CHS, MBR, MBRHeader, MBRPartitionEntry};

use super::{Partition, PartitionError, Table};
use jumpspec::disk::SECTOR;

use crate::error::At as _;

/// Type byte of a protective entry: "here is a GPT".
const PROTECTIVE: u8 = 0xee;
/// Where the four entries begin, of 16 bytes each.
const ENTRIES: usize = 446;
/// Bytes of an entry.
const ENTRY: usize = 16;
/// What libfdisk leaves between an EBR and its logical partition: 1 MiB.
const EBR_GAP: u64 = 2048;

/// The signature is there, and no entry's flag has a value that boot code would be taken for.
pub(super) fn is_table(sector: &[u8; 512]) -> bool {
    let flags = entries(sector).all(|entry| matches!(entry[0], 0 | 0x80));
    sector[510..] == [0x55, 0xaa] && flags
}

pub(super) fn is_protective(sector: &[u8; 512]) -> bool {
    entries(sector).any(|entry| entry[4] == PROTECTIVE)
}

fn entries(sector: &[u8; 512]) -> impl Iterator<Item = &[u8]> {
    sector[ENTRIES..510].chunks_exact(ENTRY)
}

pub(super) fn partuuid(signature: u32, number: u32) -> String {
    format!("{signature:08x}-{number:02x}")
}

pub(super) fn read(file: &mut File, disk: &Path) -> Result<Table, PartitionError> {
    let mbr = MBR::read_from(file, 512).map_err(|e| broken(disk, e))?;
    let signature = u32::from_le_bytes(mbr.header.disk_signature);
    let primary = mbr.header.iter().map(|(_, entry)| entry);
    let primary = (1..)
        .zip(primary)
        .filter(|(_, e)| e.is_used() && e.sectors > 0);
    // The kernel counts only logical partitions which are some.
    let logical = mbr.logical_partitions.iter().map(|l| &l.partition);
    let logical = (5..).zip(logical.filter(|e| e.is_used() && e.sectors > 0));
    let partition = |(number, entry): (u32, &MBRPartitionEntry)| Partition {
        number,
        start: entry.starting_lba.into(),
        sectors: entry.sectors.into(),
        type_code: format!("0x{:02x}", entry.sys),
        partuuid: Some(partuuid(signature, number)),
        name: None,
        bootable: entry.is_active(),
    };
    Ok(Table::Mbr {
        signature,
        partitions: primary.chain(logical).map(partition).collect(),
    })
}

/// Logical partitions first: until the MBR names their container they do not count.
pub(super) fn write(
    file: &mut File,
    disk: &Path,
    signature: u32,
    partitions: &[Partition],
) -> Result<(), PartitionError> {
    for (sector, ebr) in chain(disk, partitions)? {
        file.write_all_at(&ebr, sector * SECTOR)
            .at("write a logical partition of", disk)?;
    }
    file.sync_all().at("sync", disk)?;
    let mut first = [0; 512];
    file.read_exact_at(&mut first, 0).at("read", disk)?;
    let mut header = MBRHeader::new(signature.to_le_bytes());
    header.bootstrap_code.copy_from_slice(&first[..440]);
    for p in partitions.iter().filter(|p| p.number <= 4) {
        let slot = header.get_mut(p.number as usize);
        *slot.ok_or_else(|| unwritable(disk, p, "it has no slot"))? = entry(disk, p, 0)?;
    }
    // In one write: a sector is old or new.
    let mut sector = Cursor::new(Vec::new());
    header
        .write_into(&mut sector)
        .map_err(|e| broken(disk, e))?;
    file.write_all_at(sector.get_ref(), 0).at("write", disk)?;
    file.sync_all().at("sync", disk)?;
    Ok(())
}

/// Sets the entry of one primary partition, or clears it; the rest of the sector stays.
pub(super) fn set(
    file: &mut File,
    disk: &Path,
    number: u32,
    partition: Option<&Partition>,
) -> Result<(), PartitionError> {
    let missing = PartitionError::Unwritable {
        disk: disk.to_owned(),
        number,
        reason: "an MBR has primaries 1 to 4",
    };
    let slot = usize::try_from(number).ok();
    let slot = slot.filter(|slot| (1..=4).contains(slot)).ok_or(missing)?;
    let bytes = match partition {
        Some(partition) => entry_bytes(&entry(disk, partition, 0)?),
        None => [0; ENTRY],
    };
    let mut sector = [0; 512];
    file.read_exact_at(&mut sector, 0).at("read", disk)?;
    let at = ENTRIES + ENTRY * (slot - 1);
    sector[at..at + ENTRY].copy_from_slice(&bytes);
    file.write_all_at(&sector, 0).at("write", disk)?;
    file.sync_all().at("sync", disk)?;
    Ok(())
}

/// The extended boot records, each with the sector it belongs in.
///
/// mbrman 0.6.1 could write them but computes their byte offset in 32 bits, so those beyond 4 GiB
/// would land elsewhere on the disk.
fn chain(disk: &Path, partitions: &[Partition]) -> Result<Vec<(u64, [u8; 512])>, PartitionError> {
    let mut logical: Vec<_> = partitions.iter().filter(|p| p.number > 4).collect();
    logical.sort_by_key(|p| p.number);
    let Some(extended) = partitions.iter().find(|p| p.is_extended()) else {
        return match logical.first() {
            Some(p) => Err(unwritable(disk, p, "there is no extended partition")),
            None => Ok(Vec::new()),
        };
    };
    let places = places(disk, extended, &logical)?;
    if logical.is_empty() {
        return Ok(vec![(extended.start, sector(&[]))]);
    }
    let mut records = Vec::new();
    for (i, (p, &at)) in logical.iter().zip(&places).enumerate() {
        let mut pair = vec![entry(disk, p, at)?];
        if let (Some(next), Some(&next_at)) = (logical.get(i + 1), places.get(i + 1)) {
            let link = Partition {
                number: p.number,
                start: next_at,
                sectors: next.extent().end() - next_at,
                type_code: "0x05".to_owned(),
                bootable: false,
                ..(*next).clone()
            };
            pair.push(entry(disk, &link, extended.start)?);
        }
        records.push((at, sector(&pair)));
    }
    Ok(records)
}

/// Where each logical partition's record goes: the first at the start of the container, others in
/// the gap before their partition.
fn places(
    disk: &Path,
    extended: &Partition,
    logical: &[&Partition],
) -> Result<Vec<u64>, PartitionError> {
    let mut free = extended.start;
    let mut places = Vec::new();
    for (p, number) in logical.iter().zip(5u32..) {
        let far = p.start.saturating_sub(EBR_GAP);
        let at = if places.is_empty() {
            free
        } else {
            free.max(far)
        };
        if p.number != number {
            return Err(unwritable(
                disk,
                p,
                "logical partitions count from 5 without gaps",
            ));
        }
        if at >= p.start {
            return Err(unwritable(
                disk,
                p,
                "no sector before it is free for its record",
            ));
        }
        if p.extent().end() > extended.extent().end() {
            return Err(unwritable(
                disk,
                p,
                "it does not lie within the extended partition",
            ));
        }
        places.push(at);
        free = p.extent().end();
    }
    Ok(places)
}

/// An EBR: its own partition, a link to the next, the signature.
fn sector(pair: &[MBRPartitionEntry]) -> [u8; 512] {
    let mut sector = [0; 512];
    for (entry, at) in pair.iter().zip([ENTRIES, ENTRIES + ENTRY]) {
        sector[at..at + ENTRY].copy_from_slice(&entry_bytes(entry));
    }
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}

fn entry_bytes(entry: &MBRPartitionEntry) -> [u8; ENTRY] {
    let mut out = [0; ENTRY];
    out[0] = entry.boot;
    out[1..4].copy_from_slice(&chs_bytes(entry.first_chs));
    out[4] = entry.sys;
    out[5..8].copy_from_slice(&chs_bytes(entry.last_chs));
    out[8..12].copy_from_slice(&entry.starting_lba.to_le_bytes());
    out[12..16].copy_from_slice(&entry.sectors.to_le_bytes());
    out
}

/// Head; sector in 6 bits, with the cylinder's upper 2 above; the cylinder's lower 8.
fn chs_bytes(chs: CHS) -> [u8; 3] {
    let [low, high] = chs.cylinder.to_le_bytes();
    [chs.head, chs.sector | (high << 6), low]
}

/// An entry, its start counted from `base`.
fn entry(disk: &Path, p: &Partition, base: u64) -> Result<MBRPartitionEntry, PartitionError> {
    let sys = p.type_code.strip_prefix("0x");
    let sys = sys.and_then(|hex| u8::from_str_radix(hex, 16).ok());
    let sys = sys.filter(|&sys| sys != 0 && sys != PROTECTIVE);
    let narrow = |n: u64| u32::try_from(n).map_err(|_| unwritable(disk, p, "an MBR ends at 2 TiB"));
    Ok(MBRPartitionEntry {
        boot: if p.bootable { 0x80 } else { 0 },
        first_chs: chs(p.start),
        sys: sys.ok_or_else(|| unwritable(disk, p, "its type is no byte such as 0x83"))?,
        last_chs: chs(p.extent().end() - 1),
        starting_lba: narrow(p.start - base)?,
        sectors: narrow(p.sectors)?,
    })
}

/// The address in the geometry that everything assumes, or its largest value.
fn chs(sector: u64) -> CHS {
    let exact = u32::try_from(sector).ok();
    let exact = exact.and_then(|lba| CHS::from_lba_exact(lba, 1023, 255, 63).ok());
    exact.unwrap_or(CHS {
        cylinder: 1023,
        head: 254,
        sector: 63,
    })
}

fn broken(disk: &Path, source: mbrman::Error) -> PartitionError {
    PartitionError::Mbr {
        disk: disk.to_owned(),
        source,
    }
}

fn unwritable(disk: &Path, p: &Partition, reason: &'static str) -> PartitionError {
    PartitionError::Unwritable {
        disk: disk.to_owned(),
        number: p.number,
        reason,
    }
}
