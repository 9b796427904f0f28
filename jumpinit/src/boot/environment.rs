//! What the selector goes by, on the landing file system: its environment, which is one sector, and
//! its scripts.

use anyhow::{Context as _, Result};
use jumpspec::boot::bios::env_block;
use jumpspec::boot::environment::State;
use jumpspec::plan::Plan;
use jumpspec::selector::{self, Actions, Doubt, Selector};
use jumpsys::boot::grubenv::{self, Env};
use jumpsys::files::freeze;
use jumpsys::files::root::{Owner, Root};

use crate::node::landing::next_boot;
use crate::run::context::Context;

/// What the selector would do at the next boot, if its environment can be read.
pub(crate) fn state(cx: &Context) -> Option<State> {
    next_boot(&cx.on_kept(""))
}

/// Sets what it will do: one sector, written in its place and read back.
pub(super) fn set(cx: &Context, state: State) -> Result<()> {
    grubenv::write_in_place(
        &cx.on_kept(&selector::file(selector::ENV)),
        &block(&cx.plan.run, state),
    )?;
    Ok(())
}

/// Makes the environment.
pub(super) fn create(cx: &Context, state: State) -> Result<()> {
    let path = cx.on_kept(&selector::file(selector::ENV));
    Ok(grubenv::create(&path, &block(&cx.plan.run, state))?)
}

fn block(run: &str, state: State) -> Env {
    let mut env = Env::new();
    for (name, value) in env_block(state, run) {
        env.set(&name, &value);
    }
    env
}

/// The selector's texts; `doubt` is what it does when its environment cannot be read.
pub(super) fn texts(plan: &Plan, doubt: Doubt) -> Result<Selector> {
    Selector::of(plan, doubt).context("the selector cannot be written")
}

/// Writes the scripts, the spare one first.
pub(super) fn write_scripts(root: &Root, texts: &Selector) -> Result<()> {
    let config = texts.config(&Actions::Real);
    for name in [selector::SPARE_CONFIG, selector::CONFIG] {
        root.write(&selector::file(name), config.as_bytes(), Owner::root(0o644))?;
    }
    Ok(())
}

/// Writes the scripts of the time after the commit, unless they are there: a cut right
/// after the commit may have left the ones of before, or half of them.
pub(crate) fn repair(cx: &mut Context) -> Result<()> {
    let root = cx.kept_root()?;
    let texts = texts(&cx.plan, Doubt::Jump)?;
    let wanted = texts.config(&Actions::Real);
    let read = |name: &str| root.read(&selector::file(name));
    let sound = [selector::SPARE_CONFIG, selector::CONFIG]
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?
        .iter()
        .all(|found| found.as_deref() == Some(wanted.as_bytes()));
    if !sound {
        write_scripts(&root, &texts)?;
    }
    // Also what Linux reads may be in a journal that GRUB does not replay.
    Ok(freeze::settle(root.path())?)
}
