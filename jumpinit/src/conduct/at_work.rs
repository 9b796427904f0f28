//! What a call on order of an admin host is at, in its work directory: a call that is killed leaves
//! it there. Its connection may have been killed with it, and then this alone keeps the admin's host
//! from doing it again, and again, until nothing of the node is left.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jumpspec::run::bundle;
use jumpspec::run::failure::Code;
use jumpspec::run::task::Task;
use jumpspec::step::Step;
use jumpsys::files::atomic::write_atomic;

use crate::node::cause::Cause;

/// The note of a step that is being carried out.
#[derive(Debug)]
#[must_use = "a note that stays tells of a killed call"]
pub(super) struct AtWork(PathBuf);

/// Notes `step` in the work directory, unless an earlier call was killed in the middle of one: that
/// is told, once. Whoever orders it once more after that knows what has happened.
pub(super) fn begin(work: &Path, step: &Step) -> Result<AtWork> {
    let path = work.join(bundle::AT_WORK_FILE);
    if path.exists() {
        let failed = || format!("cannot read {}", path.display());
        let task = std::fs::read(&path).with_context(failed)?;
        remove(&path)?;
        // A note of another version is of an unknown step.
        let task: Task = serde_json::from_slice(&task).unwrap_or_default();
        let why = format!(
            "an earlier call was killed while it was to {task}: memory may have run out (see `dmesg` there); it is not done again by itself"
        );
        bail!(Cause::new(Code::CallKilled, why))
    }
    write_atomic(&path, &serde_json::to_vec(&Task::from(step))?, 0o600)?;
    Ok(AtWork(path))
}

impl AtWork {
    /// The step is over, one way or the other.
    pub(super) fn end(self) -> Result<()> {
        remove(&self.0)
    }
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
        begin(dir.path(), &Step::SwapOff).unwrap().end().unwrap();
        let killed = begin(dir.path(), &Step::SwapOff).unwrap();
        let told = begin(dir.path(), &Step::SwapOff).unwrap_err();
        assert!(
            told.to_string()
                .contains("killed while it was to stop using the landing partition as swap"),
            "{told}"
        );
        drop(killed);
        begin(dir.path(), &Step::SwapOff).unwrap().end().unwrap();
    }
}
