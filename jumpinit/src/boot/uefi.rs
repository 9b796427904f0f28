//! A UEFI: the selector as files of the EFI system partition, and the variables that lead to it.
//!
//! Before the commit the order that the firmware tries is turned to the selector only when a boot by
//! name has shown that it starts; the commit itself is the environment's, a sector of the disk. Never
//! touches an entry that is not ours or the new system's.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use jumpspec::boot::environment::State;
use jumpspec::boot::uefi::{
    BOOT_CURRENT, BOOT_NEXT, BOOT_ORDER, BootOrder, EntryNumber, EspFile, FALLBACK,
    FALLBACK_CONFIG, FALLBACK_GRUB, LoadOption, NAME, SHIM, UefiBoot,
};
use jumpspec::run::failure::Code;
use jumpspec::selector::{self, Doubt};
use jumpsys::boot::efivars::{EFIVARS, EfiVars};
use jumpsys::files::root::Owner;

use crate::boot::environment;
use crate::boot::esp;
use crate::node::cause::Cause;
use crate::run::context::Context;
use crate::run::landing;

/// Writes the selector's files, on the landing file system and on the EFI system partition. No entry
/// leads to them yet, and their environment already says "once".
pub(super) fn write_selector(cx: &mut Context, uefi: &UefiBoot) -> Result<()> {
    landing::mount(cx)?;
    let root = cx.kept_root()?;
    let texts = environment::texts(&cx.plan, Doubt::Old)?;
    root.create_dir_all(selector::DIRECTORY, Owner::root(0o755))?;
    environment::write_scripts(&root, &texts)?;
    root.remove(&selector::file(selector::ENV))?;
    environment::create(cx, State::Once)?;
    let jump = cx.landing_root()?;
    let files = esp::selectors_files(&jump, &cx.plan.jump.loader, &texts)?;
    drop((root, jump));
    landing::unmount(cx)?;
    esp::write(cx, uefi, &files)
}

/// Makes the selector's entry, at the end of the order, and has it booted once.
pub(super) fn arm(vars: &EfiVars, uefi: &UefiBoot) -> Result<()> {
    let order = order(vars)?;
    let found = order.without(uefi.entry);
    ensure!(
        found.keeps(&uefi.order),
        changed("BootOrder is not the one that the plan was made for")
    );
    let value = LoadOption::value(NAME, &on_esp(uefi, SHIM))?;
    let there = vars.read(&uefi.entry.to_string())?;
    ensure!(
        there.is_none_or(|there| there == value),
        changed("the entry for the selector is somebody else's by now")
    );
    vars.write(&uefi.entry.to_string(), &value)?;
    vars.write(BOOT_ORDER, &order.with_last(uefi.entry).to_bytes())?;
    Ok(vars.write(BOOT_NEXT, &uefi.entry.to_bytes())?)
}

/// Whether the firmware has done what it was told: this boot is by the selector's entry, and the order
/// is as it was left, with the entry at its end or, once that was `followed`, in front.
pub(super) fn prove(vars: &EfiVars, uefi: &UefiBoot, followed: bool) -> Result<()> {
    let current = number(vars, BOOT_CURRENT)?;
    ensure!(
        current == Some(uefi.entry),
        changed("this boot is not by the selector's entry")
    );
    ensure!(
        number(vars, BOOT_NEXT)?.is_none(),
        changed("the firmware has not spent BootNext")
    );
    let wanted = if followed {
        uefi.order.with_first(uefi.entry)
    } else {
        uefi.order.with_last(uefi.entry)
    };
    let found = order(vars)?;
    let kept = if followed {
        found.keeps(&wanted)
    } else {
        found.without(uefi.entry).keeps(&uefi.order)
    };
    ensure!(kept, changed("the firmware has not kept BootOrder"));
    Ok(())
}

/// Puts the selector in front of the order; the environment is the caller's to set, first.
pub(super) fn follow(vars: &EfiVars, uefi: &UefiBoot) -> Result<()> {
    let order = order(vars)?.with_first(uefi.entry);
    Ok(vars.write(BOOT_ORDER, &order.to_bytes())?)
}

/// Makes the old system's entry what boots, and removes ours.
pub(super) fn turn_to_old(vars: &EfiVars, uefi: &UefiBoot) -> Result<()> {
    if number(vars, BOOT_NEXT)? == Some(uefi.entry) {
        vars.remove(BOOT_NEXT)?;
    }
    let found = order(vars)?;
    let without = found.without(uefi.entry);
    if found != without {
        vars.write(BOOT_ORDER, &without.to_bytes())?;
    }
    remove_entry(vars, uefi)
}

/// Makes the new system's own entry and puts it in front of the order, the selector's behind it.
pub(super) fn turn_to_new(vars: &EfiVars, uefi: &UefiBoot) -> Result<()> {
    let value = LoadOption::value(&uefi.new_name, &on_esp(uefi, uefi.new.as_str()))?;
    let name = uefi.new_entry.to_string();
    if vars.read(&name)?.as_ref() != Some(&value) {
        vars.write(&name, &value)?;
    }
    let order = order(vars)?.with_first(uefi.entry);
    let order = order.with_first(uefi.new_entry);
    Ok(vars.write(BOOT_ORDER, &order.to_bytes())?)
}

/// Whether the new system's entry is tried first.
pub(super) fn leads_to_new(vars: &EfiVars, uefi: &UefiBoot) -> bool {
    order(vars).is_ok_and(|order| order.first() == Some(uefi.new_entry))
}

/// Whether this boot is by the new system's own entry.
pub(super) fn is_booted_by_own(vars: &EfiVars, uefi: &UefiBoot) -> bool {
    number(vars, BOOT_CURRENT).is_ok_and(|current| current == Some(uefi.new_entry))
}

/// Puts the selector's files where firmware without entries looks, what it starts last.
pub(super) fn place_fallback(cx: &mut Context, uefi: &UefiBoot) -> Result<()> {
    esp::mend(cx, uefi)?;
    let texts = environment::texts(&cx.plan, Doubt::Jump)?;
    let root = cx.landing_root()?;
    let [shim, grub, config] = esp::selectors_files(&root, &cx.plan.jump.loader, &texts)?;
    let files = [
        (FALLBACK_CONFIG, config.1),
        (FALLBACK_GRUB, grub.1),
        (FALLBACK, shim.1),
    ];
    esp::write(cx, uefi, &files)
}

/// Erases the selector's files; no entry may lead to them.
pub(super) fn erase_selector(cx: &Context, vars: &EfiVars, uefi: &UefiBoot) -> Result<()> {
    let leads =
        order(vars)?.0.contains(&uefi.entry) || number(vars, BOOT_NEXT)? == Some(uefi.entry);
    ensure!(!leads, "an entry still leads to the selector");
    remove_entry(vars, uefi)?;
    esp::erase(cx, uefi)
}

/// Ends the selector's time, once the new system is the default: it is erased if the firmware was seen
/// to boot that by its own entry, else it stays and leads there for good.
pub(super) fn retire_selector(cx: &mut Context, vars: &EfiVars, uefi: &UefiBoot) -> Result<()> {
    let texts = environment::texts(&cx.plan, Doubt::Jump)?;
    esp::lead_to_new(cx, uefi, &texts)?;
    if !is_booted_by_own(vars, uefi) {
        cx.reporter.note(format!(
            "the firmware has not booted {} by itself: the entry {} stays, and leads to the new system",
            uefi.new_entry, uefi.entry
        ));
        return Ok(());
    }
    let order = order(vars)?.without(uefi.entry);
    vars.write(BOOT_ORDER, &order.to_bytes())?;
    erase_selector(cx, vars, uefi)
}

fn remove_entry(vars: &EfiVars, uefi: &UefiBoot) -> Result<()> {
    let name = uefi.entry.to_string();
    let Some(value) = vars.read(&name)? else {
        return Ok(());
    };
    // A number of ours may have become another's.
    let is_ours = LoadOption::value(NAME, &on_esp(uefi, SHIM)).is_ok_and(|ours| ours == value);
    if is_ours {
        vars.remove(&name)?;
    }
    Ok(())
}

fn on_esp(uefi: &UefiBoot, path: &str) -> EspFile {
    EspFile {
        esp: uefi.esp.clone(),
        path: path.to_owned(),
    }
}

/// This machine's variables.
pub(super) fn vars() -> EfiVars {
    EfiVars::at(Path::new(EFIVARS))
}

fn number(vars: &EfiVars, name: &str) -> Result<Option<EntryNumber>> {
    let value = vars.read(name)?;
    Ok(value.and_then(|value| EntryNumber::from_bytes(&value)))
}

fn order(vars: &EfiVars) -> Result<BootOrder> {
    let value = vars.read(BOOT_ORDER)?.context("there is no BootOrder")?;
    BootOrder::from_bytes(&value).context("BootOrder is no list of entries")
}

fn changed(why: &str) -> Cause {
    Cause::new(Code::FirmwareFailed, why)
}

#[cfg(test)]
mod tests;
