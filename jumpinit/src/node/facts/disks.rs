//! Disks, partitions and what they hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use jumpspec::boot::bios::GAP_END;
use jumpspec::disk::{
    Disk, DiskIdentity, FoundPartition, Partition, SECTOR, Slot, Table, TableKind,
};
use jumpsys::disk::{devlinks, partition};
use jumpsys::kernel::sysfs;

use super::content::read as content;
use super::loader;

/// Where udev's links to disks are.
const DISK_LINKS: &str = "/dev/disk";

/// All disks that can be held in hand, by name.
pub(crate) fn read() -> Result<Vec<Disk>> {
    let links = devlinks::read(Path::new(DISK_LINKS));
    let mut disks = Vec::new();
    for disk in sysfs::read_disks(Path::new(sysfs::SYS))? {
        if matches!(disk.kind, sysfs::DiskKind::Plain) && !disk.read_only {
            disks.push(one(&disk, &links));
        }
    }
    Ok(disks)
}

/// udev's links, by device.
type Links = BTreeMap<PathBuf, Vec<String>>;

fn one(disk: &sysfs::Disk, links: &Links) -> Disk {
    let device = format!("/dev/{}", disk.name.replace('!', "/"));
    let path = Path::new(&device);
    // A disk that cannot be read has no table as far as the planner is concerned.
    let table = partition::read_table(path).unwrap_or(partition::Table::None);
    let partitions: Vec<FoundPartition> = table
        .partitions()
        .iter()
        .filter(|part| !part.is_extended())
        .map(|part| one_partition(disk, path, part, links))
        .collect();
    let content = if matches!(table, partition::Table::None) {
        content(path)
    } else {
        None
    };
    let loader = match table {
        partition::Table::None => None,
        _ => loader::read(path, &table),
    };
    let kernel_partitions = Some(kernel_partitions(disk, &table));
    let table = facts_table(&table, disk.size / SECTOR);
    Disk {
        identities: identities(disk, table.as_ref()),
        loader,
        name: disk.name.clone(),
        links: links.get(path).cloned().unwrap_or_default(),
        device,
        sectors: disk.size / SECTOR,
        logical_sector: disk.logical_block_size,
        model: disk.model.clone(),
        table,
        partitions,
        kernel_partitions,
        content,
        holders: disk.holders.clone(),
        removable: disk.removable,
    }
}

/// Of an extended partition the kernel knows two sectors only, whatever the table says.
fn kernel_partitions(disk: &sysfs::Disk, table: &partition::Table) -> Vec<Slot> {
    let is_extended = |number: u32| {
        let mut parts = table.partitions().iter();
        parts.any(|part| part.number == number && part.is_extended())
    };
    let known = disk.partitions.iter();
    known
        .filter(|known| !is_extended(known.number))
        .map(|known| Slot {
            number: known.number,
            extent: known.extent,
        })
        .collect()
}

fn one_partition(
    disk: &sysfs::Disk,
    path: &Path,
    part: &Partition,
    links: &Links,
) -> FoundPartition {
    let device = jumpsys::disk::blockdev::partition_path(path, part.number);
    let kernel = disk
        .partitions
        .iter()
        .find(|known| known.number == part.number);
    let swaps = jumpsys::files::mountinfo::read_swaps().unwrap_or_default();
    FoundPartition {
        partition: part.clone(),
        content: content(&device),
        swap_active: swaps.iter().any(|swap| swap.path == device),
        holders: kernel
            .map(|known| known.holders.clone())
            .unwrap_or_default(),
        links: links.get(&device).cloned().unwrap_or_default(),
        device: device.display().to_string(),
    }
}

fn facts_table(table: &partition::Table, sectors: u64) -> Option<Table> {
    let extended = table.has_extended();
    match table {
        partition::Table::None => None,
        partition::Table::Mbr { signature, .. } => Some(Table {
            kind: TableKind::Mbr,
            id: format!("{signature:08x}"),
            first_usable: GAP_END,
            // An MBR counts sectors in 32 bits.
            last_usable: sectors.min(u64::from(u32::MAX)).saturating_sub(1),
            extended,
        }),
        partition::Table::Gpt {
            guid,
            first_usable,
            last_usable,
            ..
        } => Some(Table {
            kind: TableKind::Gpt,
            id: guid.clone(),
            first_usable: *first_usable,
            last_usable: *last_usable,
            extended,
        }),
    }
}

fn identities(disk: &sysfs::Disk, table: Option<&Table>) -> Vec<DiskIdentity> {
    let said = |text: &Option<String>| {
        text.as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let table_id = table
        .map(|table| table.id.clone())
        .filter(|id| id.bytes().any(|byte| byte != b'0' && byte != b'-'));
    said(&disk.wwid)
        .map(DiskIdentity::Wwid)
        .into_iter()
        .chain(said(&disk.serial).map(DiskIdentity::Serial))
        .chain(table_id.map(DiskIdentity::TableId))
        .collect()
}
