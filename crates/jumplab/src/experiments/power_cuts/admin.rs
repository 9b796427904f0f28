//! The admin of a node whose jump system lies in memory: nobody else has its target image. He comes back
//! when it is waited for, or when the node has waited in vain, and runs `jumpimg resume --job`, which
//! follows the node from then on.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumpspec::plan::Plan;
use jumpspec::run::task::Task;
use jumpspec::step::Step;

use crate::journey::Push;
use crate::random::SplitMix;
use crate::small::SmallNode;
use crate::vm::{Network, Uml};

/// What the jump system says when it stays.
pub(super) const WAITS: &str = "the jump system stays up and waits";
/// One of so many admins comes when the node has waited in vain, which takes half a minute.
const TOO_LATE_OF: u64 = 3;
/// How long jumpimg may take to see that the node has come to its end.
const LIMIT: Duration = Duration::from_mins(2);
/// What jumpimg says, in the node's folder.
const LOG: &str = "resume.log";

/// When he comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comes {
    /// As soon as the jump system waits for the image.
    InTime,
    /// When it has given up: before the commit never, for it is the old system then.
    TooLate,
}

impl Comes {
    /// After the cut that is drawn by `seed`.
    pub(super) fn drawn(seed: u64) -> Self {
        if SplitMix::new(!seed).draw().is_multiple_of(TOO_LATE_OF) {
            Self::TooLate
        } else {
            Self::InTime
        }
    }
}

/// The admin of one node, while it lives.
pub(super) struct Admin<'a> {
    node: &'a SmallNode,
    network: &'a Network,
    comes: Comes,
    /// What the jump system says when it begins to wait, if its plan has it wait at all.
    awaits: Option<String>,
    resumed: Option<Push>,
}

impl<'a> Admin<'a> {
    /// Who has the image of a node with this plan.
    pub(super) fn new(
        (node, network): (&'a SmallNode, &'a Network),
        plan: &Plan,
        comes: Comes,
    ) -> Self {
        let mut steps = plan.steps.replace.iter();
        let awaits = steps.find(|step| matches!(step, Step::AwaitImage { .. }));
        Self {
            node,
            network,
            comes,
            awaits: awaits.map(|step| Task::from(step).to_string()),
            resumed: None,
        }
    }

    /// Hears what the jump system has said in this boot. Whether he has come just now, to one that had
    /// given up and goes on thereby.
    pub(super) fn hear(&mut self, said: &str, guest: &Uml<'_>) -> Result<bool> {
        let Some(awaits) = self.awaits.as_ref().filter(|_| self.resumed.is_none()) else {
            return Ok(false);
        };
        let is_late = self.comes == Comes::TooLate;
        if !said.contains(awaits) || is_late && !said.contains(WAITS) {
            return Ok(false);
        }
        let job = self.node.job.file().display().to_string();
        let resume = self.node.job.command(
            "resume",
            guest.ssh_config(),
            &["--yes", "--job", job.as_str()],
        );
        let resume = self.network.inside(&resume);
        self.resumed = Some(Push::start(resume, &self.node.node.folder.join(LOG))?);
        Ok(is_late)
    }

    /// What jumpimg has said to him so far.
    pub(super) fn said(&self) -> String {
        let said = self.resumed.as_ref().map(Push::said);
        said.and_then(Result::ok).unwrap_or_default()
    }

    /// The node is its new system: jumpimg sees it, too.
    pub(super) fn sees_the_end(&mut self) -> Result<()> {
        let Some(resumed) = &mut self.resumed else {
            return Ok(());
        };
        let (status, said) = resumed.wait(LIMIT).context("jumpimg resume")?;
        ensure!(
            status.success(),
            "jumpimg resume ended with {status}:\n{said}"
        );
        Ok(())
    }
}
