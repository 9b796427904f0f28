//! Where a BIOS loader is and could be.

use std::path::Path;

use jumpspec::facts::{Extent, LoaderArea, Partition, Table, TableKind};
use jumpsys::bootsector::{self, BootSector};
use jumpsys::bootwrite;

/// Sectors before the first MiB: as far as the gap is ours to use.
const GAP_END: u64 = 2048;
/// GPT type GUID of a BIOS boot partition (GRUB manual, "BIOS installation").
const BIOS_BOOT: &str = "21686148-6449-6e6f-744e-656564454649";

/// The loader area of a disk, as far as it can be read.
pub(super) fn read(disk: &Path, table: &Table, partitions: &[Partition]) -> Option<LoaderArea> {
    let sector = BootSector::new(bootwrite::read_boot_sector(disk).ok()?);
    let grub = sector.is_grub();
    let kernel_sector = grub.then(|| sector.kernel_sector());
    let core = kernel_sector
        .and_then(|first| core(disk, first))
        .unwrap_or_default();
    let area = area(table, partitions);
    Some(LoaderArea {
        grub,
        kernel_sector,
        free: area.map(|area| free(disk, area, &core)).unwrap_or_default(),
        core,
        area,
    })
}

fn area(table: &Table, partitions: &[Partition]) -> Option<Extent> {
    match table.kind {
        TableKind::Mbr => {
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
        TableKind::Gpt => partitions
            .iter()
            .find(|partition| partition.type_code == BIOS_BOOT)
            .map(|partition| Extent {
                start: partition.start,
                sectors: partition.sectors,
            }),
    }
}

fn core(disk: &Path, first: u64) -> Option<Vec<Extent>> {
    let bytes = bootwrite::read_sectors(
        disk,
        jumpsys::Extent {
            start: first,
            sectors: 1,
        },
    )
    .ok()?;
    let extents = bootsector::core_extents(first, bytes.as_slice().try_into().ok()?).ok()?;
    Some(
        extents
            .into_iter()
            .map(|extent| Extent {
                start: extent.start,
                sectors: extent.sectors,
            })
            .collect(),
    )
}

/// Runs of zero sectors that the core image in use does not take.
fn free(disk: &Path, area: Extent, core: &[Extent]) -> Vec<Extent> {
    let ours = |extent: &Extent| jumpsys::Extent {
        start: extent.start,
        sectors: extent.sectors,
    };
    let Ok(bytes) = bootwrite::read_sectors(disk, ours(&area)) else {
        return Vec::new();
    };
    let zero = |sector: u64| {
        let at =
            usize::try_from((sector - area.start) * jumpspec::facts::SECTOR).unwrap_or(usize::MAX);
        bytes
            .get(at..at + 512)
            .is_some_and(|sector| sector.iter().all(|byte| *byte == 0))
    };
    let used: Vec<_> = core.iter().map(ours).collect();
    let runs = bootsector::free_runs(ours(&area), &used, zero);
    runs.into_iter()
        .map(|run| Extent {
            start: run.start,
            sectors: run.sectors,
        })
        .collect()
}
