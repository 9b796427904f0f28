//! The EFI system partition that the old system was booted from: which it is, and whether the
//! selector can lie on it.

use crate::boot::uefi::EspFile;
use crate::boot::uefi::found::FoundEsp;
use crate::disk::table::GPT_ESP;
use crate::disk::{Disk, FoundPartition};
use crate::job::Action;
use crate::node::facts::Facts;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::planner::{Input, disk, is_stacked};
use crate::selector::nameable;
use crate::words::relpath::RelPath;
use crate::words::size::Size;

/// What the selector's files take on an EFI system partition, with room for the new system's.
pub(in crate::planner) const ESP_ROOM: Size = Size::mib(8);

/// An EFI system partition, with its disk.
#[derive(Clone, Copy)]
pub(super) struct OnEsp<'a> {
    pub(super) disk: &'a Disk,
    pub(super) partition: &'a FoundPartition,
    pub(super) found: &'a FoundEsp,
}

/// The EFI system partition that `file` is on, whichever disk has it. Firmware finds it by its GUID, and
/// compares number and place.
pub(super) fn esp<'a>(facts: &'a Facts, file: &EspFile) -> Result<OnEsp<'a>, Refusal> {
    let wanted = &file.esp;
    let (disk, partition) = by_guid(facts, &wanted.partuuid)?;
    let device = &partition.device;
    if partition.type_code != GPT_ESP {
        return Err(unknown(
            format!(
                "{device}, which it was booted from, is not of the type of an EFI system partition"
            ),
            format!(
                "give it that type: `sfdisk --part-type {} {} {GPT_ESP}`",
                disk.device, partition.number
            ),
        ));
    }
    if partition.number != wanted.number
        || disk.in_blocks(partition.extent()) != Some(wanted.extent)
    {
        return Err(unknown(
            format!(
                "the entry that it was booted by names {device} by another number or place than it has now: it was moved, and firmware may not boot from it again"
            ),
            "make the entry anew (`grub-install`), reboot it, and try again",
        ));
    }
    refuse_larger(partition)?;
    let uefi = facts.uefi.as_ref();
    let esp = uefi.and_then(|uefi| uefi.esp(device));
    let esp = esp.filter(|esp| esp.free.is_some());
    let on_it = |found| OnEsp {
        disk,
        partition,
        found,
    };
    esp.map(on_it).ok_or_else(|| {
        unknown(
            format!("{device}, the EFI system partition, cannot be read"),
            format!("unmount it and mend its file system (`fsck.vfat {device}`) first"),
        )
    })
}

/// The only partition of the node with this GUID.
fn by_guid<'a>(facts: &'a Facts, guid: &str) -> Result<(&'a Disk, &'a FoundPartition), Refusal> {
    let has = |partition: &FoundPartition| {
        let own = partition.partuuid.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(guid))
    };
    let found = facts.partitions().filter(|(_, it)| has(it));
    let found: Vec<(&Disk, &FoundPartition)> = found.collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(unknown(
            format!(
                "no partition of its disks is the EFI system partition that it was booted from ({guid})"
            ),
            "let it boot from the disk that is to be replaced: make an entry there (`grub-install`) and reboot it",
        )),
        [(_, one), (_, other), ..] => Err(unknown(
            format!(
                "the EFI system partition that it was booted from stands twice: {} and {} have the same GUID ({guid})",
                one.device, other.device
            ),
            "give that of the copy another (`sfdisk --part-uuid`), or take its disk out",
        )),
    }
}

/// What is written to half of a mirror is not on the other half, and may come back from there.
fn refuse_larger(partition: &FoundPartition) -> Result<(), Refusal> {
    let content = partition.content.as_ref();
    let stacked = content.is_some_and(|content| is_stacked(&content.kind));
    if !stacked && partition.holders.is_empty() {
        return Ok(());
    }
    let parts = content.map(|content| &content.kind).into_iter();
    let parts: Vec<&str> = parts
        .chain(&partition.holders)
        .map(String::as_str)
        .collect();
    Err(unknown(
        format!(
            "{}, the EFI system partition, is part of something larger: {}",
            partition.device,
            parts.join(", ")
        ),
        "give the disk one that is part of nothing, install the old system's loader there (`grub-install`), and reboot it by that",
    ))
}

fn unknown(message: String, hint: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::EspUnknown, message, hint)
}

/// What stands against that partition. What an earlier run has left there goes first where the jump system
/// is to lie in memory; elsewhere it goes with the selector, at the end.
pub(super) fn of_esp(
    input: &Input<'_>,
    replaced: &Disk,
    OnEsp {
        disk,
        partition,
        found: esp,
    }: OnEsp<'_>,
    in_memory: bool,
) -> Vec<Refusal> {
    let is_beside = disk.device != replaced.device;
    let mut refusals = if is_beside {
        disk::unfit(input, disk)
    } else {
        Vec::new()
    };
    let device = &partition.device;
    let left = if in_memory { esp.left } else { Size(0) };
    let free: Size = [esp.free.unwrap_or_default(), left].into_iter().sum();
    if free < ESP_ROOM {
        refusals.push(Refusal::new(
            RefusalCode::EspFull,
            format!(
                "{device}, the EFI system partition, has {free} free; the selector needs {ESP_ROOM}"
            ),
            "remove what no system needs from it, such as directories of systems that are gone",
        ));
    }
    if esp.has_boot_grub {
        refusals.push(unknown(
            format!("{device}, the EFI system partition, has a script in /boot/grub, which the selector's GRUB would take for its own"),
            "move that directory away, if the old system boots without it",
        ));
    }
    let action = input.job.layout.action(partition.number);
    if !is_beside && !matches!(action, None | Some(Action::Keep)) {
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
    let (device, path) = (&esp.device, &file.path);
    if !nameable(path) {
        return Err(unknown(
            format!(
                "{device} has what it was booted by at /{path}, which GRUB's script cannot name"
            ),
            "install the old system's loader with a name of letters and digits (`grub-install --bootloader-id`), and reboot it by that",
        ));
    }
    let there = esp.file(path).and_then(|path| path.parse().ok());
    there.ok_or_else(|| {
        // Others are not looked through.
        let is_of_loaders = path.split('/').count() == 3;
        let why = if is_of_loaders {
            format!("{device} has no /{path}, by which it was booted")
        } else {
            format!("it was booted by /{path} of {device}, which is in no directory of loaders (/EFI/…/)")
        };
        unknown(
            why,
            "install a loader for the old system (`grub-install`), and reboot it by that",
        )
    })
}
