//! What a call on the old system is at, in its work directory: a call that is killed leaves it
//! there. Its connection may have been killed with it, and then this alone keeps the admin's host
//! from doing it again, and again, until nothing of the node is left.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jumpspec::bundle;
use jumpspec::step::Step;
use jumpsys::atomic::write_atomic;

use crate::context::Context;

/// Carries `step` out, unless an earlier call was killed in the middle of one: that is told, once.
pub(crate) fn carry_out(cx: &mut Context, index: usize, step: &Step) -> Result<()> {
    let at_work = cx.work.join(bundle::AT_WORK_FILE);
    refuse_after_a_killed_call(&at_work)?;
    write_atomic(&at_work, step.to_string().as_bytes(), 0o600)?;
    let done = cx.carry_out(index, step);
    remove(&at_work)?;
    done
}

/// Whoever orders it once more after that knows what has happened.
fn refuse_after_a_killed_call(at_work: &Path) -> Result<()> {
    if !at_work.exists() {
        return Ok(());
    }
    let failed = || format!("cannot read {}", at_work.display());
    let step = std::fs::read_to_string(at_work).with_context(failed)?;
    remove(at_work)?;
    bail!(
        "an earlier call was killed while it was to {step}: memory may have run out (see `dmesg` there); it is not done again by itself"
    )
}

fn remove(path: &Path) -> Result<()> {
    std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_call_was_at_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let at_work = dir.path().join(bundle::AT_WORK_FILE);
        refuse_after_a_killed_call(&at_work).unwrap();
        std::fs::write(&at_work, Step::SwapOff.to_string()).unwrap();
        let told = refuse_after_a_killed_call(&at_work).unwrap_err();
        assert!(
            told.to_string()
                .contains("killed while it was to stop using the landing partition as swap"),
            "{told}"
        );
        refuse_after_a_killed_call(&at_work).unwrap();
    }
}
