//! Orders come over SSH, perhaps late, twice or from two admin hosts: one run at a time changes a
//! node, and what was meant for another run or another stage changes nothing.

use std::path::Path;

use anyhow::Result;
use jumpspec::run::arm::NotNow;
use jumpspec::run::exit::NodeExit;
use jumpsys::lock::{LockError, RunLock};

/// Held while a run changes something on order; the kernel lets it go when its holder dies.
const LOCK: &str = "/run/jump.lock";

/// Why an order is not carried out; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Forbidden {
    /// The node belongs to another run.
    #[error("run {found} is under way on this node; this order is of run {asked}")]
    OtherRun {
        /// The node's.
        found: String,
        /// The order's.
        asked: String,
    },
    /// The run is not where the order could be carried out.
    #[error("{0}")]
    WrongStage(String),
    /// No run has left anything here.
    #[error("there is nothing of a run on this node")]
    NoRun,
}

impl From<NotNow> for Forbidden {
    fn from(why: NotNow) -> Self {
        Self::WrongStage(why.to_string())
    }
}

impl Forbidden {
    /// What tells `jumpimg`.
    pub(crate) fn exit(&self) -> NodeExit {
        match self {
            Self::OtherRun { .. } => NodeExit::OtherRun,
            Self::WrongStage(_) => NodeExit::WrongStage,
            Self::NoRun => NodeExit::NoRun,
        }
    }
}

/// Refuses an order of run `asked` on a node that belongs to run `found`.
pub(crate) fn refuse_other(found: &str, asked: &str) -> Result<(), Forbidden> {
    if found == asked {
        return Ok(());
    }
    Err(Forbidden::OtherRun {
        found: found.to_owned(),
        asked: asked.to_owned(),
    })
}

/// Takes the node's lock for `run`. That a call of the same run still holds it is for the caller
/// to wait for; another run's is refused.
pub(crate) fn lock(run: &str) -> Result<RunLock> {
    lock_at(Path::new(LOCK), run)
}

fn lock_at(path: &Path, run: &str) -> Result<RunLock> {
    match RunLock::acquire(path, run) {
        Err(LockError::Held { holder, .. }) if holder.trim() != run => {
            Err(refuse_other(holder.trim(), run).err().map_or_else(
                || anyhow::anyhow!("the lock is held by {holder}"),
                anyhow::Error::from,
            ))
        }
        taken => Ok(taken?),
    }
}

/// Whether a process of `run` is at work on order on this system.
pub(crate) fn is_at_work(run: &str) -> bool {
    let holder = std::fs::read_to_string(LOCK).unwrap_or_default();
    holder.trim() == run && RunLock::acquire(Path::new(LOCK), run).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(error: &anyhow::Error) -> Option<&Forbidden> {
        error.downcast_ref()
    }

    #[test]
    fn a_lock_of_the_same_run_is_waited_for_and_of_another_run_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = lock_at(&path, "aa").unwrap();
        let same = lock_at(&path, "aa").unwrap_err();
        assert!(forbidden(&same).is_none(), "{same:#}");
        assert!(matches!(same.downcast_ref(), Some(LockError::Held { .. })));
        let other = lock_at(&path, "bb").unwrap_err();
        assert_eq!(forbidden(&other).unwrap().exit(), NodeExit::OtherRun);
        drop(held);
        lock_at(&path, "bb").unwrap();
    }
}
