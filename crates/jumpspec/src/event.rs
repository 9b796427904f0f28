//! What a node tells of its progress: one JSON object a line, the same on the console
//! log, in the log files and on `jumpimg push --json`.

use serde::{Deserialize, Serialize};

use crate::journal::Stage;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since the boot of the system that tells it (never the wall clock,
    /// which may stand at 1970).
    pub uptime_ms: u64,
    /// The stage that the run is in.
    pub stage: Stage,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A step was begun.
    Begin {
        /// In words.
        step: String,
    },
    /// A step has come this far.
    Progress {
        /// In words.
        step: String,
        /// Bytes done.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A step was finished.
    Done {
        /// In words.
        step: String,
        /// How long it took.
        millis: u64,
    },
    /// Something the admin should know.
    Note {
        /// In words.
        text: String,
    },
    /// An image is wanted: call `jumpinit receive` and then `jumpinit stage` again.
    Need {
        /// Which.
        image: crate::step::ImageRole,
        /// From this byte on.
        offset: u64,
    },
    /// A step failed; what happens now.
    Failed {
        /// In words.
        step: String,
        /// The chain of errors, outermost first, joined by `: `.
        error: String,
        /// What the node does about it.
        next: String,
    },
    /// The node reboots now, into this.
    Reboot {
        /// In words.
        into: String,
    },
    /// A stage is over.
    Complete,
}
