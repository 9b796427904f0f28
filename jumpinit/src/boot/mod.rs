//! What boots next, and the commits by which it changes: each is one sector, written last and read
//! back.

mod bios;
mod environment;
pub(crate) mod new_loader;

use anyhow::Result;
use jumpspec::boot::environment::{State, TRIES};
use jumpspec::run::journal::{Arm, Journal};
use jumpspec::step::Stage;
use jumpsys::files::freeze;
use jumpsys::kernel::system::{boot_id, uptime_ms};

use crate::run::context::Context;
use crate::run::landing;

pub(crate) use environment::{repair, state};

/// Writes the selector. Nothing boots it yet: its environment already says "once", and only the
/// boot sector is missing.
pub(crate) fn write_selector(cx: &mut Context) -> Result<()> {
    bios::write_selector(cx)
}

/// Makes the selector what boots.
pub(crate) fn arm(cx: &mut Context) -> Result<()> {
    let loader = bios::selectors_loader(cx)?;
    // The journal first: what is armed is known to be so, and since when.
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
    })?;
    bios::turn_to_selector(cx, &loader)
}

/// From here on jump is the default. The environment first: a cut before the journal
/// leaves a jump that proves itself once more.
pub(crate) fn commit(cx: &mut Context) -> Result<()> {
    environment::set(cx, State::Jump)?;
    cx.enter(Stage::Replace)?;
    // The old system is no answer to doubt from here on.
    repair(cx)
}

/// A jump system that gave up begins anew at its next boot. The environment first: a cut before
/// the journal leaves one that still waits.
pub(crate) fn resume(cx: &mut Context) -> Result<()> {
    environment::set(cx, State::Jump)?;
    freeze::settle(&cx.landing)?;
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
/// environment, and by the boot sector, which needs no script.
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
pub(crate) fn spend_tries(cx: &mut Context) -> Result<()> {
    landing::mount(cx)?;
    let spent = environment::set(cx, State::Try(0));
    landing::unmount(cx)?;
    spent
}

/// Makes the new system's own loader what boots.
pub(crate) fn confirm(cx: &mut Context) -> Result<()> {
    bios::turn_to_new(cx)?;
    cx.enter(Stage::Finish)
}

/// Whether the new system is the default: what boots says so, not the journal, which is written
/// after it and cleared before the end.
pub(crate) fn is_confirmed(cx: &Context) -> bool {
    bios::leads_to_new(cx)
}

/// Takes the jump back while nothing is destroyed: what boots is as it was.
pub(crate) fn disarm(cx: &Context) -> Result<()> {
    lead_back(cx)?;
    erase_selector(cx)
}

/// Makes the old loader what boots, if the selector does.
pub(crate) fn lead_back(cx: &Context) -> Result<()> {
    bios::turn_to_old(cx)
}

/// Erases the selector, which must boot no more.
pub(crate) fn erase_selector(cx: &Context) -> Result<()> {
    bios::erase_selector(cx)
}
