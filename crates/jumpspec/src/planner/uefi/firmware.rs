//! The firmware and its entries: what they can be relied on for.

use crate::boot::uefi::found::{FoundEntry, FoundUefi};
use crate::boot::uefi::{BootOrder, EspFile, FALLBACK};
use crate::planner::refusal::{Refusal, RefusalCode};

/// What stands against this firmware.
pub(super) fn of_firmware(found: &FoundUefi) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if found.bits != Some(64) {
        refusals.push(Refusal::new(
            RefusalCode::FirmwareUnsupported,
            "its UEFI is not one of 64 bits, and starts none of the loaders that jump has",
            "jump this node another way",
        ));
    }
    if let Some(why) = &found.unwritable {
        refusals.push(Refusal::new(
            RefusalCode::FirmwareUnwritable,
            format!("the firmware's variables cannot be written: {why}"),
            "mount efivarfs at /sys/firmware/efi/efivars to write to it; if the store is full, remove pstore's dumps (dump-type0-*) there",
        ));
    }
    if let Some(next) = found.next {
        refusals.push(Refusal::new(
            RefusalCode::BootOrderForeign,
            format!("the next boot of this node is by {next} already (BootNext)"),
            "reboot it, or take that back (`efibootmgr --delete-bootnext`)",
        ));
    }
    refusals
}

/// The entry that the old system was booted by, first of the order, and the file that it starts.
pub(super) fn old_entry(found: &FoundUefi) -> Result<(&FoundEntry, &EspFile), Refusal> {
    let current = found.current.and_then(|number| found.entry(number));
    let started = current.and_then(|entry| Some((entry, entry.file.as_ref()?)));
    let Some((entry, file)) = started else {
        return Err(unread(
            "the entry that it was booted by (BootCurrent) starts no file of an EFI system partition",
        ));
    };
    let first = found.order.as_ref().and_then(BootOrder::first);
    if first != Some(entry.number) {
        return Err(Refusal::new(
            RefusalCode::BootOrderForeign,
            format!(
                "it was booted by {} and tries {} first: somebody else, PXE for example, decides what boots",
                entry.number,
                first.map_or("nothing".to_owned(), |first| first.to_string()),
            ),
            "put the entry of its disk in front (`efibootmgr --bootorder`) for the time of the jump",
        ));
    }
    if file.path.eq_ignore_ascii_case(FALLBACK) {
        return Err(Refusal::new(
            RefusalCode::FirmwareUnsupported,
            format!(
                "it was booted by \\{}: its firmware may follow no entry",
                FALLBACK.replace('/', "\\")
            ),
            "give the old system an entry of its own (`grub-install`), reboot it, and try again",
        ));
    }
    Ok((entry, file))
}

pub(super) fn unread(why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::LoaderUnknown,
        why,
        "boot it by an entry of its disk (`efibootmgr -v` shows them), then try again",
    )
}
