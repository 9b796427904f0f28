//! The EFI system partition that the old system was booted from: which it is, and whether the
//! selector can lie on it.

use crate::boot::uefi::EspFile;
use crate::boot::uefi::found::FoundEsp;
use crate::disk::table::GPT_ESP;
use crate::disk::{Disk, FoundPartition};
use crate::job::Action;
use crate::node::facts::Facts;
use crate::planner::Input;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::relpath::RelPath;
use crate::words::size::Size;

/// What the selector's files take on an EFI system partition, with room for the new system's.
const ESP_ROOM: Size = Size::mib(8);

/// The EFI system partition that `file` is on: one of the planned disk.
pub(super) fn esp<'a>(
    facts: &'a Facts,
    disk: &'a Disk,
    file: &EspFile,
) -> Result<(&'a FoundPartition, &'a FoundEsp), Refusal> {
    let is_it = |partition: &&FoundPartition| {
        let uuid = partition.partuuid.as_deref();
        partition.type_code == GPT_ESP
            && uuid.is_some_and(|uuid| uuid.eq_ignore_ascii_case(&file.esp.partuuid))
    };
    let on_disk = disk.partitions.iter().filter(is_it);
    let is_there = |it: &&FoundPartition| {
        it.number == file.esp.number && disk.in_blocks(it.extent()) == Some(file.esp.extent)
    };
    let found = on_disk.filter(is_there);
    let found: Vec<&FoundPartition> = found.collect();
    let alike = facts.partitions().filter(|(_, it)| is_it(it)).count();
    let ([partition], 1) = (found.as_slice(), alike) else {
        return Err(Refusal::new(
            RefusalCode::EspUnknown,
            format!(
                "the EFI system partition that it was booted from ({}) is not one partition of {}",
                file.esp.partuuid, disk.device
            ),
            "take the other disks out, or jump this node another way",
        ));
    };
    let esp = facts
        .uefi
        .as_ref()
        .and_then(|uefi| uefi.esp(&partition.device));
    let esp = esp.filter(|esp| esp.free.is_some());
    esp.map(|esp| (*partition, esp)).ok_or_else(|| {
        Refusal::new(
            RefusalCode::EspUnknown,
            format!(
                "the EFI system partition {} cannot be read",
                partition.device
            ),
            "mend its file system (`fsck.vfat`) first",
        )
    })
}

/// What stands against that partition.
pub(super) fn of_esp(
    input: &Input<'_>,
    partition: &FoundPartition,
    esp: &FoundEsp,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let device = &partition.device;
    let free = esp.free.unwrap_or_default();
    if free < ESP_ROOM {
        refusals.push(Refusal::new(
            RefusalCode::EspFull,
            format!(
                "{device}, the EFI system partition, has {free} free; the selector needs {ESP_ROOM}"
            ),
            "remove what no system needs from it",
        ));
    }
    if esp.has_boot_grub {
        refusals.push(Refusal::new(
            RefusalCode::EspUnknown,
            format!("{device}, the EFI system partition, has a script in /boot/grub, which the selector's GRUB would take for its own"),
            "move that away",
        ));
    }
    let action = input.job.layout.action(partition.number);
    if !matches!(action, None | Some(Action::Keep)) {
        refusals.push(Refusal::new(
            RefusalCode::LoaderInLayout,
            format!("the layout changes {device}, the EFI system partition that the loaders of the old and the new system and the selector lie in"),
            "leave it out of the layout, or say action = \"keep\"",
        ));
    }
    refusals
}

/// The file of an entry, by its name as it stands on the partition.
pub(super) fn named(file: &EspFile, esp: &FoundEsp) -> Result<RelPath, Refusal> {
    let there = esp.file(&file.path).and_then(|path| path.parse().ok());
    there.ok_or_else(|| {
        Refusal::new(
            RefusalCode::EspUnknown,
            format!(
                "{} has no /{}, by which it was booted",
                esp.device, file.path
            ),
            "install the old system's loader again (`grub-install`)",
        )
    })
}
