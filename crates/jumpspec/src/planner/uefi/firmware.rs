//! The firmware and its entries: what they can be relied on for.

use crate::boot::uefi::found::{FoundEntry, FoundUefi};
use crate::boot::uefi::{BootOrder, EntryNumber, EspFile, FALLBACK};
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
            format!(
                "the next boot of this node is by {} already (BootNext)",
                found.name(next)
            ),
            "reboot it, or take that back (`efibootmgr --delete-bootnext`)",
        ));
    }
    refusals
}

/// The entry that the old system was booted by, first of the order, and the file that it starts.
pub(super) fn old_entry(found: &FoundUefi) -> Result<(&FoundEntry, &EspFile), Refusal> {
    let Some(number) = found.current else {
        return Err(unread(
            "its firmware does not say by which entry it was booted (BootCurrent)",
        ));
    };
    let Some(entry) = found.entry(number) else {
        return Err(unread(format!(
            "it was booted by {number}, an entry that is not there any more"
        )));
    };
    let Some(file) = &entry.file else {
        return Err(unread(format!(
            "it was booted by {}, which starts no file of a GPT's EFI system partition: it leads to a network, to a whole disk or to an MBR",
            found.name(number)
        )));
    };
    refuse_arguments(found, entry)?;
    if found.order.as_ref().and_then(BootOrder::first) != Some(number) {
        return Err(other_first(found, number, file));
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

/// The selector starts the old system's file as it is. A kernel without its arguments finds no root,
/// and a shim without them starts another loader.
fn refuse_arguments(found: &FoundUefi, entry: &FoundEntry) -> Result<(), Refusal> {
    let arguments = entry.arguments.as_deref().unwrap_or_default();
    if !arguments.contains(['=', '\\', '/']) {
        return Ok(());
    }
    Err(unread(format!(
        "it was booted by {}, which passes arguments on that the selector cannot pass on: {arguments}",
        found.name(entry.number)
    )))
}

/// That another than `current`, which starts `file`, is the first of the order.
fn other_first(found: &FoundUefi, current: EntryNumber, file: &EspFile) -> Refusal {
    let order = found.order.clone().unwrap_or_default();
    let booted = format!("it was booted by {}", found.name(current));
    let message = match order.first() {
        None => format!("{booted}, and its firmware has no BootOrder"),
        Some(first) => {
            let why = match found.entry(first) {
                None => ", which is no entry",
                Some(entry) if !entry.is_active => ", which is switched off",
                Some(entry) if entry.file.as_ref() == Some(file) => ", which starts the same file",
                Some(_) => {
                    ": somebody else decides what boots, as a server that installs nodes does"
                }
            };
            format!(
                "{booted}, and BootOrder begins with {}{why}",
                found.name(first)
            )
        }
    };
    let wanted = order.with_first(current).0.into_iter();
    let wanted = wanted.filter(|number| found.entry(*number).is_some());
    let wanted: Vec<String> = wanted.map(|number| format!("{:04X}", number.0)).collect();
    Refusal::new(
        RefusalCode::BootOrderForeign,
        message,
        format!(
            "put {current} in front for the time of the jump (`efibootmgr --bootorder {}`)",
            wanted.join(",")
        ),
    )
}

pub(super) fn unread(why: impl Into<String>) -> Refusal {
    Refusal::new(
        RefusalCode::LoaderUnknown,
        why,
        "give its system an entry of its own (`grub-install`) and put that in front (`efibootmgr --bootorder`), reboot it, and try again",
    )
}
