//! GUID partition tables.
//!
//! Source: UEFI specification 2.10, chapter 5.3; the kernel's block/partitions/efi.c.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Cursor;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use gpt::disk::LogicalBlockSize;
use gpt::header::{Header, HeaderBuilder, read_header_from_arbitrary_device};
use gpt::mbr::ProtectiveMBR;
use gpt::partition::{Partition as Entry, file_read_partitions};
use gpt::partition_types::{OperatingSystem, Type};
use uuid::Uuid;

use super::{Partition, PartitionError, Table, mbr};
use jumpspec::disk::SECTOR;

use crate::disk::blockdev::{self, BlockdevError};
use crate::error::At as _;

const SIGNATURE: &[u8; 8] = b"EFI PART";
/// Attribute bit 2, "legacy BIOS bootable".
const LEGACY_BOOT: u64 = 1 << 2;
/// Bytes of an entry, the only size Linux reads.
const ENTRY_SIZE: u32 = 128;
/// More than anyone has; bounds what a broken header can make us allocate.
const MOST_ENTRIES: u32 = 4096;

/// The blocks that a disk counts in: all of a GPT is in them, and all else here in sectors of 512 bytes.
#[derive(Clone, Copy)]
struct Blocks {
    size: LogicalBlockSize,
    /// How many the disk has.
    count: u64,
}

impl Blocks {
    fn of(file: &File, disk: &Path) -> Result<Self, PartitionError> {
        let size = match blockdev::sector_size(file, disk)? {
            512 => LogicalBlockSize::Lb512,
            4096 => LogicalBlockSize::Lb4096,
            bytes => {
                let device = disk.to_owned();
                return Err(BlockdevError::UnsupportedSectorSize { device, bytes }.into());
            }
        };
        let bytes = blockdev::size_bytes(file, disk)?;
        let count = bytes / size.as_u64();
        Ok(Self { size, count })
    }

    /// The last, where the second copy's header is.
    fn last(self) -> u64 {
        self.count.saturating_sub(1)
    }

    /// Sectors in a block.
    fn sectors(self) -> u64 {
        self.size.as_u64() / SECTOR
    }

    /// Where a block begins, in bytes.
    fn at(self, lba: u64) -> u64 {
        lba.saturating_mul(self.size.as_u64())
    }

    /// The first sector of a block, or as many sectors as so many blocks.
    fn in_sectors(self, blocks: u64) -> u64 {
        blocks.saturating_mul(self.sectors())
    }
}

pub(super) fn read(file: &mut File, disk: &Path) -> Result<Table, PartitionError> {
    let blocks = Blocks::of(file, disk)?;
    let (header, entries) = open(file, disk, blocks)?;
    let partition = |(number, e): (u32, Entry)| Partition {
        number,
        start: blocks.in_sectors(e.first_lba),
        sectors: blocks.in_sectors((e.last_lba.saturating_add(1)).saturating_sub(e.first_lba)),
        type_code: e.part_type_guid.guid.to_string(),
        partuuid: Some(e.part_guid.to_string()),
        name: Some(e.name).filter(|name| !name.is_empty()),
        bootable: e.flags & LEGACY_BOOT != 0,
    };
    Ok(Table::Gpt {
        guid: header.disk_guid.to_string(),
        partitions: entries.into_iter().map(partition).collect(),
        first_usable: blocks.in_sectors(header.first_usable),
        last_usable: blocks
            .in_sectors(header.last_usable.saturating_add(1))
            .saturating_sub(1),
    })
}

/// The first copy, or else the second: also where only the entries of the first are torn, which the
/// gpt crate's own way of opening a disk does not forgive.
fn open(file: &mut File, disk: &Path, blocks: Blocks) -> Result<Copy, PartitionError> {
    copy(file, disk, blocks, 1)
        .or_else(|first| copy(file, disk, blocks, blocks.last()).or(Err(first)))
}

/// Whether both copies are sound and say the same. GRUB reads only the first, so a first copy that
/// a power cut tore has to be mended even though Linux can do without it.
pub(super) fn is_whole(file: &mut File, disk: &Path) -> bool {
    let Ok(blocks) = Blocks::of(file, disk) else {
        return false;
    };
    let mut at = |lba| copy(file, disk, blocks, lba);
    match (at(1), at(blocks.last())) {
        (Ok(first), Ok(second)) => first.0.disk_guid == second.0.disk_guid && first.1 == second.1,
        _ => false,
    }
}

/// One of the two copies: its header and its entries in use, by number.
type Copy = (Header, BTreeMap<u32, Entry>);

/// One copy, header and entries checked by the gpt crate; what it asserts on is looked at first.
fn copy(file: &mut File, disk: &Path, blocks: Blocks, lba: u64) -> Result<Copy, PartitionError> {
    // The crate looks for a header in the second block.
    let size = blocks.size.as_usize();
    let mut pair = vec![0; 2 * size];
    file.read_exact_at(&mut pair[size..], blocks.at(lba))
        .at("read", disk)?;
    let header = read_header_from_arbitrary_device(&mut Cursor::new(pair), blocks.size);
    let header = header.map_err(|e| broken(disk, &e))?;
    if header.part_size != ENTRY_SIZE || header.num_parts > MOST_ENTRIES {
        return Err(broken(
            disk,
            &"entries of a size or number that Linux does not read",
        ));
    }
    let entries = file_read_partitions(file, &header, blocks.size).map_err(|e| broken(disk, &e))?;
    let used = entries.into_iter().filter(|(_, e)| e.is_used());
    Ok((header, used.collect()))
}

/// The gpt crate's own write numbers partitions anew from 1, which would turn Debian's 1, 14, 15
/// into 1, 2, 3; so only its entries, headers and checksums are used, and each goes to its place.
pub(super) fn write(
    file: &mut File,
    disk: &Path,
    guid: &str,
    partitions: &[Partition],
) -> Result<(), PartitionError> {
    let blocks = Blocks::of(file, disk)?;
    let old = open(file, disk, blocks).ok();
    let (mut primary, mut backup) = headers(disk, guid, blocks, old.as_ref().map(|o| &o.0))?;
    let old = old.map(|o| o.1).unwrap_or_default();
    let mut entries = BTreeMap::new();
    for p in partitions {
        let unwritable = |reason| PartitionError::Unwritable {
            disk: disk.to_owned(),
            number: p.number,
            reason,
        };
        let parts = [p.start, p.sectors];
        if parts.iter().any(|it| !it.is_multiple_of(blocks.sectors())) {
            return Err(unwritable("it is not made of whole blocks of this disk"));
        }
        let entry = entry(p, &old, blocks)?;
        if entry.first_lba < primary.first_usable || entry.last_lba > primary.last_usable {
            return Err(unwritable(
                "it does not lie between the two copies of the table",
            ));
        }
        entries.insert(p.number, entry);
    }
    put_entries(file, disk, (&backup, blocks), &entries)?;
    backup
        .write_backup(file, blocks.size)
        .map_err(|e| broken(disk, &e))?;
    file.sync_all().at("sync", disk)?;
    put_entries(file, disk, (&primary, blocks), &entries)?;
    primary
        .write_primary(file, blocks.size)
        .map_err(|e| broken(disk, &e))?;
    file.sync_all().at("sync", disk)?;
    protect(file, disk, blocks)
}

fn headers(
    disk: &Path,
    guid: &str,
    blocks: Blocks,
    old: Option<&Header>,
) -> Result<(Header, Header), PartitionError> {
    let mut builder = HeaderBuilder::new();
    // A first usable sector which was chosen larger is kept.
    if let Some(old) = old {
        builder
            .first_usable(old.first_usable)
            .num_parts(old.num_parts);
    }
    builder.disk_guid(parse(guid)?).backup_lba(blocks.last());
    let primary = builder
        .primary(true)
        .build(blocks.size)
        .map_err(|e| broken(disk, &e))?;
    let backup = builder
        .primary(false)
        .build(blocks.size)
        .map_err(|e| broken(disk, &e))?;
    Ok((primary, backup))
}

/// Attributes other than "bootable" are those the same partition had before.
fn entry(
    p: &Partition,
    old: &BTreeMap<u32, Entry>,
    blocks: Blocks,
) -> Result<Entry, PartitionError> {
    let part_guid = parse(p.partuuid.as_deref().unwrap_or_default())?;
    let before = old.values().find(|e| e.part_guid == part_guid);
    let flags = before.map_or(0, |e| e.flags) & !LEGACY_BOOT;
    Ok(Entry {
        part_type_guid: Type {
            guid: parse(&p.type_code)?,
            os: OperatingSystem::None,
        },
        part_guid,
        first_lba: p.start / blocks.sectors(),
        last_lba: p.extent().end() / blocks.sectors() - 1,
        flags: flags | if p.bootable { LEGACY_BOOT } else { 0 },
        name: p.name.clone().unwrap_or_default(),
    })
}

fn put_entries(
    file: &mut File,
    disk: &Path,
    (header, blocks): (&Header, Blocks),
    entries: &BTreeMap<u32, Entry>,
) -> Result<(), PartitionError> {
    let empty = Entry::zero();
    for number in 1..=header.num_parts {
        let entry = entries.get(&number).unwrap_or(&empty);
        entry
            .write_to_device(
                file,
                u64::from(number - 1),
                header.part_start,
                blocks.size,
                ENTRY_SIZE,
            )
            .at("write a partition entry of", disk)?;
    }
    Ok(())
}

/// Makes the MBR a protective one, unless it is: boot code, and a flag which some BIOS needs on the
/// entry, then stay.
fn protect(file: &mut File, disk: &Path, blocks: Blocks) -> Result<(), PartitionError> {
    let mut first = [0; 512];
    file.read_exact_at(&mut first, 0).at("read", disk)?;
    if mbr::is_table(&first) && mbr::is_protective(&first) {
        return Ok(());
    }
    let length = u32::try_from(blocks.last()).unwrap_or(u32::MAX);
    let fresh = ProtectiveMBR::with_lb_size(length).to_bytes();
    first[440..].copy_from_slice(&fresh[440..]);
    file.write_all_at(&first, 0).at("write", disk)?;
    file.sync_all().at("sync", disk)?;
    Ok(())
}

/// Takes the signatures of a GPT away, so that nothing finds it beside a new MBR. Sectors without
/// such a signature are left alone: in the gap behind an MBR there may be a boot loader.
pub(super) fn erase(file: &File, disk: &Path, sectors: u64) -> Result<(), PartitionError> {
    for lba in [1, sectors - 1] {
        let mut sector = [0; 512];
        file.read_exact_at(&mut sector, lba * SECTOR)
            .at("read", disk)?;
        if sector.starts_with(SIGNATURE) {
            file.write_all_at(&[0; 512], lba * SECTOR)
                .at("write", disk)?;
        }
    }
    file.sync_all().at("sync", disk)?;
    Ok(())
}

fn parse(guid: &str) -> Result<Uuid, PartitionError> {
    Uuid::try_parse(guid).map_err(|_| PartitionError::BadGuid(guid.to_owned()))
}

fn broken(disk: &Path, reason: &dyn ToString) -> PartitionError {
    PartitionError::Gpt {
        disk: disk.to_owned(),
        reason: reason.to_string(),
    }
}
