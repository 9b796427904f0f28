//! The report that the new system leaves in `/var/log/jump` when a run is over, and the
//! times that `jumpimg push` tells at its end.

use serde::{Deserialize, Serialize};

/// The report's name below [`crate::places::NEW_LOG`] and in a run's directory on the
/// admin host.
pub const FILE: &str = "report.json";

/// What the node became. That it exists says that the run is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// The run's id.
    pub run: String,
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
}
