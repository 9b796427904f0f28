//! What a node tells of its progress: one JSON object a line, the same on the console
//! log, in the log files and on `jumpimg push --json`. Names and figures only, but for notes and what a
//! system said of a failure: the words are made where they are shown ([`crate::render`]).

use serde::{Deserialize, Serialize};

use crate::run::failure::Failure;
use crate::run::task::Task;
use crate::step::{ImageRole, Stage};

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

impl Event {
    /// The byte from which on a jump system in memory waits for the target image, if this says so. What the
    /// old system asked for while it was staged stands in the same log.
    pub fn awaited_from(&self) -> Option<u64> {
        let waits = matches!(self.stage, Stage::Prove | Stage::Replace);
        match self.what {
            What::Need {
                image: ImageRole::Target,
                offset,
            } if waits => Some(offset),
            _ => None,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A step was begun.
    Begin {
        /// Which.
        #[serde(flatten)]
        task: Task,
    },
    /// A step has come this far.
    Progress {
        /// Which.
        #[serde(flatten)]
        task: Task,
        /// Bytes done.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A step was finished.
    Done {
        /// Which.
        #[serde(flatten)]
        task: Task,
        /// How long it took.
        millis: u64,
    },
    /// What a step's program has said, the end of it.
    Said {
        /// Which.
        #[serde(flatten)]
        task: Task,
        /// Its lines.
        text: String,
    },
    /// Something the admin should know.
    Note {
        /// In words.
        text: String,
    },
    /// An image is wanted: call `jumpinit receive` and then `jumpinit stage` again.
    Need {
        /// Which.
        image: ImageRole,
        /// From this byte on.
        offset: u64,
    },
    /// A step failed, or the run did; what happens now.
    Failed {
        /// Where and why.
        #[serde(flatten)]
        failure: Failure,
        /// What the node does about it.
        next: Next,
    },
    /// The node reboots now, into this.
    Reboot {
        /// Which system.
        into: Destination,
    },
    /// A stage is over.
    Complete,
}

/// What a node does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Next {
    /// The old system stays, and nothing is armed.
    OldUnarmed,
    /// The old system stays, and what was armed is so no more.
    OldStays,
    /// The old system stays, and may be armed still.
    OldByJump,
    /// The old system is booted again.
    OldReturns,
    /// The jump system stays up, reachable.
    JumpStays,
    /// The jump system is booted again.
    JumpReturns,
    /// The new system stays, and does the rest at its next boot.
    NewStays,
    /// Something that this version does not know.
    #[serde(other)]
    Unknown,
}

/// The system that a node reboots into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// The old system.
    Old,
    /// The new system.
    New,
    /// The jump system, by the firmware's own order.
    JumpByOrder,
    /// The new system, by its own entry.
    NewByEntry,
    /// The jump system, whose attempt was ended by something else than itself.
    JumpAnew,
    /// The jump system, which had given up and was told to go on.
    JumpResumed,
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_jump_system_that_waits_is_sent_an_image() {
        let asks = |stage, image| {
            let what = What::Need { image, offset: 7 };
            let event = Event {
                uptime_ms: 1,
                stage,
                what,
            };
            event.awaited_from()
        };
        assert_eq!(asks(Stage::Prove, ImageRole::Target), Some(7));
        assert_eq!(asks(Stage::Replace, ImageRole::Target), Some(7));
        // What the old system asked for stands in the jump system's log as well.
        assert_eq!(asks(Stage::Stage, ImageRole::Target), None);
        assert_eq!(asks(Stage::Stage, ImageRole::Jump), None);
    }
}
