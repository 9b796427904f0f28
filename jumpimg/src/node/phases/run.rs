//! One run on one node: what its phases work with.

use std::path::PathBuf;
use std::time::Instant;

use jumpspec::plan::Plan;
use jumpspec::run::timeline::Timeline;

use crate::error::{Exit, Trouble};
use crate::node::run_dir::RunDir;
use crate::node::tools::Tools;

/// One run on one node, as this host has it.
pub(crate) struct Run<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) node: &'a str,
    pub(crate) plan: Plan,
    pub(crate) dir: RunDir,
    /// When this command began to work on it.
    pub(crate) begun: Instant,
    /// The secret by which the node knows this host, if the run was begun here.
    pub(crate) mark: Option<String>,
    /// The target image, where there is a job: a jump system in memory asks for it.
    pub(crate) target: Option<PathBuf>,
}

impl Run<'_> {
    /// The times of a run whose node can reboot from now on.
    pub(crate) fn armed_now(&self) -> Timeline {
        let mut times = Timeline::default();
        times.armed(self.begun.elapsed());
        times
    }
}

/// After Ctrl-C: the state that the node is in. Who was nearer to it knew better, and has said so
/// with a hint.
pub(crate) fn interrupted(trouble: Trouble, node: &str, state: &str) -> Trouble {
    let is_told = trouble.causes.iter().any(|cause| cause.hint.is_some());
    if trouble.exit != Exit::Interrupted || is_told {
        return trouble;
    }
    Trouble::new(
        Exit::Interrupted,
        "interrupted",
        format!("interrupted; {state}"),
    )
    .hint(format!("see `jumpimg status {node}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_that_is_told_first_after_ctrl_c_stays() {
        let bare = Trouble::new(Exit::Interrupted, "interrupted", "interrupted");
        let inner = interrupted(bare, "n", "it goes on unattended");
        let outer = interrupted(inner, "n", "it stays as it is");
        assert_eq!(
            outer.causes[0].message,
            "interrupted; it goes on unattended"
        );
    }
}
