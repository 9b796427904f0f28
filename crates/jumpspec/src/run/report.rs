//! The report that the new system leaves in `/var/log/jump` when a run is over, and the
//! times that `jumpimg push` tells at its end.

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::run::event::{Event, What};
use crate::run::failure::Failure;
use crate::run::task::Task;
use crate::step::Step;
use crate::words::run_id::RunId;

/// The report's name below [`crate::places::NEW_LOG`] and in a run's directory on the
/// admin host.
pub const FILE: &str = "report.json";

/// Failures that are told at most.
pub const MOST_FAILURES: usize = 64;

/// What the node became. That it exists says that the run is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// The run's id.
    pub run: RunId,
    /// Host name.
    pub hostname: String,
    /// `PRETTY_NAME` of the new system.
    pub os: String,
    /// `uname -r`.
    pub kernel: String,
    /// Boot id of the boot that finished the run.
    pub boot_id: String,
    /// What the admin should know, e.g. accounts that clashed.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What had failed before it went well, in order: the last [`MOST_FAILURES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
}

/// A rehearsal's report in its run's directory on the admin host.
pub const REHEARSAL_FILE: &str = "rehearsal.json";

/// What a rehearsal has proved, and what no rehearsal can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RehearsalReport {
    /// The run's id.
    pub run: RunId,
    /// Host name.
    pub hostname: String,
    /// What the jump system proved, in order.
    pub proved: Vec<Proved>,
    /// What a replacement needs besides, in words.
    pub not_proved: Vec<String>,
}

/// One step of the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proved {
    /// Which.
    #[serde(flatten)]
    pub task: Task,
    /// How long it took; `None` if the node's log does not say.
    pub millis: Option<u64>,
}

impl RehearsalReport {
    /// The report of `plan`'s rehearsal, whose proof came to its end; `events` is the node's log.
    pub fn new(plan: &Plan, events: &[Event]) -> Self {
        let millis = |wanted: &Task| {
            events.iter().rev().find_map(|event| match &event.what {
                What::Done { task, millis } if task == wanted => Some(*millis),
                _ => None,
            })
        };
        let proved = plan.steps.prove.iter().map(|step| {
            let task = Task::from(step);
            let millis = millis(&task);
            Proved { task, millis }
        });
        let mut not_proved = vec![
            "the replacement itself: partition table, file systems, unpacking, restored files"
                .to_owned(),
            "that the new system's loader is installed and the new system boots".to_owned(),
            "that the new system's network, sshd and services are sound".to_owned(),
        ];
        if plan.landing.is_volatile() {
            not_proved.insert(
                0,
                "firmware, loader and boot order: kexec passes them by (`--rehearse=firmware` goes by them)"
                    .to_owned(),
            );
            not_proved.push("the landing partition, and the target image on the node".to_owned());
        }
        if !plan.steps.prove.contains(&Step::ProveAdmin) {
            not_proved.push(
                "that the admin host can log in to the jump system ([prove] admin_login)"
                    .to_owned(),
            );
        }
        Self {
            run: plan.run.clone(),
            hostname: plan.hostname.clone(),
            proved: proved.collect(),
            not_proved,
        }
    }
}
