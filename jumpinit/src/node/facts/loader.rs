//! Where a BIOS loader is and could be.

use std::path::Path;

use jumpspec::boot::LoaderArea;
use jumpspec::disk::layout::GPT_BIOS_BOOT;
use jumpspec::disk::{Extent, Partition, SECTOR};
use jumpsys::boot::bootsector::{self, BootSector};
use jumpsys::boot::bootwrite;
use jumpsys::disk::partition::Table;

/// Sectors before the first MiB: as far as the gap is ours to use.
const GAP_END: u64 = 2048;

/// The loader area of a disk, as far as it can be read.
pub(super) fn read(disk: &Path, table: &Table) -> Option<LoaderArea> {
    let sector = BootSector::new(bootwrite::read_boot_sector(disk).ok()?);
    let grub = sector.is_grub();
    let kernel_sector = grub.then(|| sector.kernel_sector());
    let core = kernel_sector
        .and_then(|first| core(disk, first))
        .unwrap_or_default();
    let area = area(table);
    Some(LoaderArea {
        grub,
        kernel_sector,
        free: area.map(|area| free(disk, area, &core)).unwrap_or_default(),
        core,
        area,
    })
}

/// On an MBR an extended partition ends the gap as any other does: its first sector names the
/// logical ones.
fn area(table: &Table) -> Option<Extent> {
    match table {
        Table::None => None,
        Table::Mbr { partitions, .. } => {
            let first = partitions
                .iter()
                .map(|partition| partition.start)
                .min()
                .unwrap_or(GAP_END)
                .min(GAP_END);
            (first > 1).then(|| Extent {
                start: 1,
                sectors: first - 1,
            })
        }
        Table::Gpt { partitions, .. } => partitions
            .iter()
            .find(|partition| partition.type_code == GPT_BIOS_BOOT)
            .map(Partition::extent),
    }
}

fn core(disk: &Path, first: u64) -> Option<Vec<Extent>> {
    let first_sector = Extent {
        start: first,
        sectors: 1,
    };
    let bytes = bootwrite::read_sectors(disk, first_sector).ok()?;
    bootsector::core_extents(first, bytes.as_slice().try_into().ok()?).ok()
}

/// Runs of zero sectors that the core image in use does not take.
fn free(disk: &Path, area: Extent, core: &[Extent]) -> Vec<Extent> {
    let Ok(bytes) = bootwrite::read_sectors(disk, area) else {
        return Vec::new();
    };
    let zero = |sector: u64| {
        let at = usize::try_from((sector - area.start) * SECTOR).unwrap_or(usize::MAX);
        bytes
            .get(at..at + 512)
            .is_some_and(|sector| sector.iter().all(|byte| *byte == 0))
    };
    bootsector::free_runs(area, core, zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mbr(partitions: &[(u32, u64, &str)]) -> Table {
        let partition = |(number, start, type_code): &(u32, u64, &str)| Partition {
            number: *number,
            start: *start,
            sectors: 1 << 20,
            type_code: (*type_code).to_owned(),
            partuuid: None,
            name: None,
            bootable: false,
        };
        Table::Mbr {
            signature: 1,
            partitions: partitions.iter().map(partition).collect(),
        }
    }

    #[test]
    fn an_extended_partition_ends_the_gap() {
        let table = mbr(&[(1, 400, "0x05"), (5, 2048, "0x83")]);
        let gap = Extent {
            start: 1,
            sectors: 399,
        };
        assert_eq!(area(&table), Some(gap));
        assert_eq!(area(&mbr(&[])).map(Extent::end), Some(GAP_END));
    }
}
