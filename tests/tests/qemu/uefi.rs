//! Nodes that boot by a UEFI, by the whole journey: its firmware is OVMF.

use anyhow::Result;
use jumplab::journey::Job;
use jumplab::vm::{Bus, Hardware, Table, Victim};

use crate::pushed::Pushed;

/// On an NVMe disk.
pub(crate) fn nvme() -> Result<()> {
    let node = Victim::prepare(Table::Efi)?.copy("uefi-nvme")?;
    let hardware = Hardware {
        bus: Bus::Nvme,
        ..Hardware::default()
    };
    Pushed::begin(&node, &hardware, |_| Ok(()))?.end()
}

/// Nothing starts that nobody signed.
pub(crate) fn secure_boot() -> Result<()> {
    let node = Victim::prepare(Table::Efi)?.secured();
    let node = node.copy("uefi-secure-boot")?;
    Pushed::begin(&node, &Hardware::default(), |_| Ok(()))?.end()
}

/// On a disk with sectors of 4096 bytes.
pub(crate) fn large_sectors() -> Result<()> {
    let node = Victim::prepare(Table::Efi4k)?.copy("uefi-4k")?;
    Pushed::begin(&node, &Hardware::default(), |_| Ok(()))?.end()
}

/// With a jump system in memory, and a power cut when the old one is gone: the push that follows sends the
/// image again.
pub(crate) fn in_memory() -> Result<()> {
    let node = Victim::prepare(Table::EfiWithoutSwap)?.copy("uefi-in-memory")?;
    let lands = |job: &Job| job.set("landing", "partition", "esp");
    Pushed::begin(&node, &Hardware::default(), lands)?.end_after_cut()
}
