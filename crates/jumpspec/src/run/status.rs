//! What a node says of itself when `jumpimg` asks: which of the three systems runs, and
//! how far a run has come. `jumpinit status` prints it as JSON in all three.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::boot::environment::State;
use crate::node::facts::Facts;
use crate::node::public_key::PublicKey;
use crate::plan::Plan;
use crate::run::failure::{self, Failure};
use crate::run::journal::Journal;
use crate::run::task::Task;
use crate::step::Stage;
use crate::words::run_id::RunId;

/// What `jumpinit status` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Which system runs.
    pub system: System,
    /// Host name as the kernel has it.
    pub hostname: String,
    /// `PRETTY_NAME` of the running system.
    pub os: String,
    /// `uname -r`.
    pub kernel: String,
    /// `/proc/sys/kernel/random/boot_id`: tells one boot from the next.
    pub boot_id: String,
    /// Milliseconds since this boot, as in [`crate::run::event::Event::uptime_ms`].
    pub uptime_ms: u64,
    /// The run that the node knows of.
    pub run: Option<RunId>,
    /// That run's journal.
    pub journal: Option<Journal>,
    /// What the selector would boot next, as its environment block has it.
    pub selector_state: Option<String>,
    /// Why the last attempt failed.
    #[serde(default, deserialize_with = "failure::or_words")]
    pub failure: Option<Failure>,
    /// Whether the jump system has given up and stays up: it says so in the journal, or, when it
    /// doubts the journal, only for this boot.
    #[serde(default)]
    pub gave_up: bool,
    /// The step that was begun last, with its number and how many its stage has.
    #[serde(default)]
    pub step: Option<StepShown>,
    /// Who began the run, and when by their clock.
    #[serde(default)]
    pub origin: Option<String>,
    /// Whether somebody is at work for the run on the old system at this moment.
    #[serde(default)]
    pub live: bool,
}

/// Where in its stage a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepShown {
    /// From 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// Which.
    #[serde(flatten)]
    pub task: Task,
}

impl StepShown {
    /// The step at which `journal` stands in `plan`; a run that has given up stands at none.
    pub fn of(plan: &Plan, journal: &Journal) -> Option<Self> {
        let steps = match journal.stage {
            Stage::Stage | Stage::Armed => &plan.steps.old,
            Stage::Prove => &plan.steps.prove,
            Stage::Replace => &plan.steps.replace,
            Stage::Try | Stage::Finish => &plan.steps.new,
            Stage::Stuck => return None,
        };
        let step = steps.get(usize::try_from(journal.step).ok()?)?;
        Some(Self {
            number: journal.step + 1,
            of: u32::try_from(steps.len()).ok()?,
            task: step.into(),
        })
    }
}

impl Status {
    /// Whether the jump system is the default already, or the new one is: nothing leads back to
    /// the old system. The selector's environment counts besides the journal, which is written
    /// after it.
    pub fn is_committed(&self) -> bool {
        let stage = self.journal.as_ref().map(|journal| journal.stage);
        let selector = self.selector_state.as_deref();
        self.system == System::New
            || stage >= Some(Stage::Replace)
            || selector.is_some_and(State::leads_on)
    }

    /// Why the last attempt failed: the node's own word, or else the journal's.
    pub fn reason(&self) -> Option<&Failure> {
        let journal = || self.journal.as_ref()?.failure.as_ref();
        self.failure.as_ref().or_else(journal)
    }
}

/// The systems that a node can run, as a run sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// The system that a run is to replace.
    Old,
    /// The jump system.
    Jump,
    /// The new system, with jump's traces still in it.
    New,
    /// Nothing of a run is there: it was never begun, or it is over.
    None,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Old => "old system",
            Self::Jump => "jump system",
            Self::New => "new system",
            Self::None => "system without a run",
        })
    }
}

/// What `jumpinit kept` prints: what the node keeps of the run that is under way, enough for
/// another admin host to carry on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The plan.
    pub plan: Plan,
    /// The facts that it follows from.
    pub facts: Option<Facts>,
    /// The public part of the jump system's host key.
    pub host_key_public: Option<PublicKey>,
    /// Whether what was handed over for staging is still there, so that staging can go on.
    pub can_stage: bool,
}
