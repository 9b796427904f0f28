//! One stop: where the journey was, and what the machine has left.

use anyhow::{Context as _, Result};

use super::story::Who;
use super::writes::Writes;
use crate::vm::Node;
use crate::vm::loader::Choice;

/// A machine that was stopped.
pub(super) struct Stop {
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) who: Who,
    /// The last step that was told.
    pub(super) step: String,
    /// The writes since then.
    pub(super) after: Writes,
    pub(super) may_boot: &'static [Choice],
    /// What it has left.
    pub(super) node: Node,
}

impl Stop {
    /// Removes what it has left, with the logs.
    pub(super) fn remove(&self) -> Result<()> {
        let folder = &self.node.folder;
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))
    }
}
