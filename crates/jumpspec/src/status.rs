//! What a node says of itself when `jumpimg` asks: which of the three systems runs, and
//! how far a run has come. `jumpinit status` prints it as JSON in all three.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::journal::Journal;

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
    /// Milliseconds since this boot, as in [`crate::event::Event::uptime_ms`].
    pub uptime_ms: u64,
    /// The run that the node knows of.
    pub run: Option<String>,
    /// That run's journal.
    pub journal: Option<Journal>,
    /// What the selector would boot next, as its environment block has it.
    pub selector_state: Option<String>,
    /// Why the last attempt failed, one line.
    pub failure: Option<String>,
}

impl Status {
    /// Why the last attempt failed: the node's own word, or else the journal's.
    pub fn reason(&self) -> Option<&str> {
        let journal = || self.journal.as_ref()?.failure.as_deref();
        self.failure.as_deref().or_else(journal)
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

/// Exit status of `jumpinit stage` and `jumpinit receive` while another process of the
/// same run still holds the node, e.g. one whose connection broke a moment ago: call
/// again soon. `EX_TEMPFAIL` of sysexits(3).
pub const EXIT_BUSY: i32 = 75;
