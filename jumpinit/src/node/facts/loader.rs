//! What is read of a disk that a BIOS boots: its boot sector and the room around it. Concludes nothing.

use std::path::Path;

use jumpspec::boot::bios;
use jumpspec::disk::{BootArea, BootCode, Extent, SECTOR, TableKind};
use jumpsys::boot::bootsector::{self, BootSector};
use jumpsys::boot::bootwrite;
use jumpsys::disk::partition::Table;

/// What a disk boots by, as far as it can be read.
pub(super) fn read(disk: &Path, table: &Table) -> Option<BootArea> {
    let sector = BootSector::new(bootwrite::read_boot_sector(disk).ok()?);
    let boot_code = sector.code();
    let core = match boot_code {
        BootCode::Grub { kernel_sector } => core(disk, kernel_sector).unwrap_or_default(),
        BootCode::GrubLegacy { .. } | BootCode::Other => Vec::new(),
    };
    let area = area(table);
    Some(BootArea {
        code: boot_code,
        free: area.map(|area| free(disk, area, &core)).unwrap_or_default(),
        core,
        area,
    })
}

fn area(table: &Table) -> Option<Extent> {
    let kind = match table {
        Table::None => return None,
        Table::Mbr { .. } => TableKind::Mbr,
        Table::Gpt { .. } => TableKind::Gpt,
    };
    bios::area(kind, table.partitions())
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
