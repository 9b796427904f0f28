//! Programs of the admin's own.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jumpspec::places;
use jumpsys::cmd::Program;
use jumpsys::files::root::Owner;

use crate::node::bundle;
use crate::run::context::Context;
use crate::run::new_root;

/// How long a hook of the admin's may take.
const HOOK_LIMIT: Duration = Duration::from_hours(1);

/// Runs the admin's hook `before`.
pub(crate) fn before(cx: &Context) -> Result<()> {
    let work = cx.work()?;
    let bundle = bundle::read(work)?;
    let Some(script) = bundle.hooks.get("before") else {
        return Ok(());
    };
    let path = work.join("hook-before");
    jumpsys::files::atomic::write_atomic(&path, script.as_bytes(), 0o700)?;
    Program::new(&path).timeout(HOOK_LIMIT).run()?;
    Ok(())
}

/// Runs the admin's hook `restored` in the new root, with the machine's devices.
pub(crate) fn restored(cx: &mut Context) -> Result<()> {
    let root = new_root::open(cx)?;
    let script = std::fs::read(cx.on_landing(places::HOOKS).join("restored"))
        .context("the hook `restored` was not staged")?;
    root.write(".jump-hook", &script, Owner::root(0o700))?;
    let mounts = crate::run::new_root::enter(cx)?;
    let ran = Program::new("/.jump-hook")
        .in_root(Some(&cx.on_landing(places::NEW_ROOT)))
        .timeout(cx.at_most(HOOK_LIMIT))
        .run();
    let left = crate::run::new_root::leave(mounts);
    root.remove(".jump-hook")?;
    ran?;
    left
}

/// Runs the admin's hook `finished`; its failure is told, and changes nothing: the new
/// system is the default already.
pub(crate) fn finished(cx: &mut Context) {
    let path = Path::new("/").join(places::NEW_LIB).join("hook-finished");
    if let Err(error) = Program::new(&path).timeout(HOOK_LIMIT).run() {
        cx.reporter.note(format!(
            "the hook `finished` failed: {:#}",
            anyhow::Error::from(error)
        ));
    }
}
