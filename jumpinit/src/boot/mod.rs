//! What boots next, and the commits by which it changes: each is one sector or one variable, written
//! last and read back.

mod bios;
mod environment;
mod esp;
mod ext;
mod fat;
pub(crate) mod new_loader;
mod uefi;

use std::path::Path;

use anyhow::Result;
use jumpspec::boot::PlannedBoot;
use jumpspec::boot::environment::{State, TRIES};
use jumpspec::plan::{Keeper, Plan};
use jumpspec::run::journal::{Arm, Journal};
use jumpspec::step::Stage;
use jumpspec::words::digest::Digest;
use jumpsys::files::freeze;
use jumpsys::kernel::system::{boot_id, uptime_ms};

use crate::node::landing::leads_back;
use crate::run::context::Context;
use crate::run::landing;

pub(crate) use environment::{repair, state};
pub(crate) use fat::remove_tree;

/// Writes the selector. Nothing boots it yet: its environment already says "once", and only what
/// leads to it is missing.
pub(crate) fn write_selector(cx: &mut Context) -> Result<()> {
    match cx.plan.boot.clone() {
        PlannedBoot::Bios(bios) => bios::write_selector(cx, bios),
        PlannedBoot::Uefi(uefi) => uefi::write_selector(cx, &uefi),
    }
}

/// Keeps what the loader is to find in the packed root of a jump system in memory; a signed one asks for
/// no digest.
pub(crate) fn keep_digest(cx: &Context, digest: Digest) -> Result<()> {
    match &cx.plan.boot {
        PlannedBoot::Bios(_) => bios::keep_digest(cx, digest),
        PlannedBoot::Uefi(_) => Ok(()),
    }
}

/// Mends what a power cut has left on the partition that keeps a jump system in memory, which begins and
/// has it mounted nowhere. An EFI system partition is the old system's before the commit, and nobody's
/// to mend; an ext2, ext3 or ext4 that system would mend itself, and so, at its boot.
pub(crate) fn mend(keeper: Keeper, device: &Path) -> Option<String> {
    match keeper {
        Keeper::Esp if leads_back() => None,
        Keeper::Esp => esp::mend_first(device),
        Keeper::Boot => ext::mend(device),
    }
}

/// Makes the selector what boots, once.
pub(crate) fn arm(cx: &mut Context) -> Result<()> {
    match cx.plan.boot.clone() {
        PlannedBoot::Bios(bios) => {
            let loader = bios::selectors_loader(cx)?;
            record_arm(cx)?;
            bios::turn_to_selector(cx, bios, &loader)
        }
        PlannedBoot::Uefi(uefi) => {
            record_arm(cx)?;
            uefi::arm(&uefi::vars(), &uefi)
        }
    }
}

/// The journal first: what is armed is known to be so, and since when.
fn record_arm(cx: &mut Context) -> Result<()> {
    cx.reporter.enter(Stage::Armed);
    cx.record(Journal {
        stage: Stage::Armed,
        step: 0,
        done: false,
        failure: None,
        arm: Some(Arm {
            boot_id: boot_id()?,
            uptime_ms: uptime_ms(),
            ordered: false,
        }),
        ..cx.journal().clone()
    })
}

/// Whether the firmware has done what it was told so far.
pub(crate) fn prove(cx: &Context) -> Result<()> {
    match &cx.plan.boot {
        PlannedBoot::Bios(_) => Ok(()),
        PlannedBoot::Uefi(uefi) => uefi::prove(&uefi::vars(), uefi, cx.journal().followed),
    }
}

/// Lets the jump system be booted once more, by the firmware's own order: that it is followed is seen
/// before the commit hangs on it. The environment first, then the journal: a cut before the order is
/// turned leads back to the old system.
pub(crate) fn follow(cx: &mut Context) -> Result<()> {
    let PlannedBoot::Uefi(uefi) = cx.plan.boot.clone() else {
        return Ok(());
    };
    environment::set(cx, State::Once)?;
    cx.record(Journal {
        stage: Stage::Armed,
        followed: true,
        ..cx.journal().clone()
    })?;
    uefi::follow(&uefi::vars(), &uefi)
}

/// Puts the selector in front of the firmware's order without a boot that shows it. The environment
/// says "old" since this boot: a cut leads back by the selector.
pub(crate) fn turn_order(cx: &Context) -> Result<()> {
    match &cx.plan.boot {
        PlannedBoot::Bios(_) => Ok(()),
        PlannedBoot::Uefi(uefi) => uefi::follow(&uefi::vars(), uefi),
    }
}

/// From here on jump is the default. The environment first: a cut before the journal
/// leaves a jump that proves itself once more.
pub(crate) fn commit(cx: &mut Context) -> Result<()> {
    environment::set(cx, State::Jump)?;
    cx.enter(Stage::Replace)?;
    // The old system is no answer to doubt from here on.
    repair(cx)
}

/// Leads a firmware that forgets its entries to the selector, now that there is no other system.
pub(crate) fn place_fallback(cx: &mut Context) -> Result<()> {
    match cx.plan.boot.clone() {
        PlannedBoot::Uefi(uefi) if uefi.fallback => uefi::place_fallback(cx, &uefi),
        _ => Ok(()),
    }
}

/// A jump system that gave up begins anew at its next boot. The environment first: a cut before
/// the journal leaves one that still waits.
pub(crate) fn resume(cx: &mut Context) -> Result<()> {
    environment::set(cx, State::Jump)?;
    freeze::settle(&cx.on_kept(""))?;
    cx.record(Journal {
        stage: Stage::Replace,
        step: 0,
        done: false,
        tries: 0,
        failure: None,
        ..cx.journal().clone()
    })
}

/// Back to the old system from the jump system, while nothing is destroyed: by the
/// environment, and by what leads to the selector, which needs no script.
pub(crate) fn turn_back(cx: &Context) -> Result<()> {
    let env = environment::set(cx, State::Old);
    lead_back(cx)?;
    env
}

/// Gives the new system its tries. The environment first: a jump system that comes up
/// with it in this state knows that the tries were used up.
pub(crate) fn give_tries(cx: &mut Context) -> Result<()> {
    environment::set(cx, State::Try(TRIES))?;
    cx.enter(Stage::Try)
}

/// Takes the tries away that the new system has left: the next boot is the jump system's.
pub(crate) fn spend_tries(cx: &Context) -> Result<()> {
    set_from_new(cx, State::Try(0))
}

/// Sets the environment from the new system, which has the landing file system not mounted.
fn set_from_new(cx: &Context, state: State) -> Result<()> {
    landing::with(cx, |cx| environment::set(cx, state))
}

/// Makes the new system's own loader what boots. On a UEFI the environment first: firmware that does
/// not take the order comes by the selector to the new system all the same.
pub(crate) fn confirm(cx: &mut Context) -> Result<()> {
    match cx.plan.boot.clone() {
        PlannedBoot::Bios(bios) => bios::turn_to_new(cx, bios)?,
        PlannedBoot::Uefi(uefi) => {
            if let Err(error) = set_from_new(cx, State::New) {
                cx.reporter.note(format!("{error:#}"));
            }
            uefi::turn_to_new(&uefi::vars(), &uefi)?;
        }
    }
    cx.enter(Stage::Finish)
}

/// Whether the new system is the default: what boots says so, not the journal, which is written
/// after it and cleared before the end.
pub(crate) fn is_confirmed(cx: &Context) -> bool {
    match &cx.plan.boot {
        PlannedBoot::Bios(bios) => bios::leads_to_new(cx, *bios),
        PlannedBoot::Uefi(uefi) => uefi::leads_to_new(&uefi::vars(), uefi),
    }
}

/// Whether this boot of the new system is by its own loader alone.
pub(crate) fn is_booted_by_own(cx: &Context) -> bool {
    match &cx.plan.boot {
        PlannedBoot::Bios(_) => true,
        PlannedBoot::Uefi(uefi) => uefi::is_booted_by_own(&uefi::vars(), uefi),
    }
}

/// Takes the jump back while nothing is destroyed: what boots is as it was.
pub(crate) fn disarm(cx: &Context) -> Result<()> {
    lead_back(cx)?;
    erase_selector(cx)
}

/// Makes the old loader what boots, if the selector does.
pub(crate) fn lead_back(cx: &Context) -> Result<()> {
    match &cx.plan.boot {
        PlannedBoot::Bios(bios) => bios::turn_to_old(cx, *bios),
        PlannedBoot::Uefi(uefi) => uefi::turn_to_old(&uefi::vars(), uefi),
    }
}

/// The same where nothing can be read or written but what the firmware keeps; whether there is anything.
pub(crate) fn lead_back_by_firmware(plan: &Plan) -> Result<bool> {
    match &plan.boot {
        PlannedBoot::Bios(_) => Ok(false),
        PlannedBoot::Uefi(uefi) => uefi::turn_to_old(&uefi::vars(), uefi).map(|()| true),
    }
}

/// Erases the selector, which must boot no more, from the old system.
pub(crate) fn erase_selector(cx: &Context) -> Result<()> {
    match &cx.plan.boot {
        PlannedBoot::Bios(bios) => bios::erase_selector(cx, *bios),
        PlannedBoot::Uefi(uefi) => uefi::erase_selector(cx, &uefi::vars(), uefi),
    }
}

/// Erases the selector from the new system, which is the default; or leaves it where the firmware
/// might need it, and leading there.
pub(crate) fn retire_selector(cx: &mut Context) -> Result<()> {
    match cx.plan.boot.clone() {
        PlannedBoot::Bios(bios) => bios::erase_selector(cx, bios),
        PlannedBoot::Uefi(uefi) => uefi::retire_selector(cx, &uefi::vars(), &uefi),
    }
}
