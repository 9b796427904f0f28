//! What a confirmed node boots by: its new system's own loader, and nothing of ours in the end.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, Result, ensure};
use jumpspec::boot::uefi::UefiBoot;
use jumpspec::boot::uefi::{BOOT_ORDER, BootOrder, DIRECTORY, FALLBACK_DIRECTORY, GRUB_ABOVE};
use jumpspec::boot::{BiosBoot, PlannedBoot};
use jumpspec::places::ON_BOOT;
use jumpspec::plan::Keeper;
use jumpsys::boot::bootsector::BootSector;

use crate::small::SmallNode;
use crate::vm::loader::{is_on, is_on_esp};

/// The new system's loader comes first.
pub(super) fn leads_to_its_own_loader(node: &SmallNode) -> Result<()> {
    match node.plan()?.boot {
        PlannedBoot::Bios(bios) => by_sector(node, bios),
        PlannedBoot::Uefi(uefi) => by_entry(node, &uefi),
    }
}

fn by_sector(node: &SmallNode, bios: BiosBoot) -> Result<()> {
    let mut sector = [0; 512];
    File::open(&node.node.disk)?.read_exact(&mut sector)?;
    let leads_to = BootSector::new(sector).kernel_sector();
    let own = bios.new_core.start;
    ensure!(
        leads_to == own,
        "the boot sector leads to sector {leads_to}; the new system's loader is at {own}"
    );
    Ok(())
}

fn by_entry(node: &SmallNode, uefi: &UefiBoot) -> Result<()> {
    let order = order(node)?;
    let own = uefi.new_entry;
    ensure!(
        order.first() == Some(own),
        "BootOrder is {order:?}; the new system's entry is {own}"
    );
    Ok(())
}

/// Where the firmware has booted the new system by its own entry, nothing leads to the selector any more,
/// and nothing of it is left. On a BIOS its sectors are nobody's, but a partition that stays is not.
pub(super) fn is_rid_of_the_selector(node: &SmallNode) -> Result<()> {
    let plan = node.plan()?;
    let disk = &node.node.disk;
    if plan.landing.keeper() == Some(Keeper::Boot) {
        ensure!(
            !is_on(disk, &plan.landing.fs_uuid, ON_BOOT)?,
            "/{ON_BOOT} is still on the partition of /boot"
        );
    }
    let PlannedBoot::Uefi(uefi) = plan.boot else {
        return Ok(());
    };
    let (order, ours) = (order(node)?, uefi.entry);
    let entry = node.firmware().variables().read(&ours.to_string())?;
    ensure!(
        entry.is_none() && !order.0.contains(&ours),
        "{ours} is still there, BootOrder is {order:?}"
    );
    for directory in [DIRECTORY, FALLBACK_DIRECTORY, GRUB_ABOVE] {
        ensure!(
            !is_on_esp(disk, directory)?,
            "/{directory} is still on the EFI system partition"
        );
    }
    Ok(())
}

fn order(node: &SmallNode) -> Result<BootOrder> {
    let value = node.firmware().variables().read(BOOT_ORDER)?;
    let value = value.context("there is no BootOrder")?;
    BootOrder::from_bytes(&value).context("BootOrder is no list of entries")
}
