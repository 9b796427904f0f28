//! What `jumpimg push` hands to the node for one run: one JSON file, mode 0600, because
//! it holds the jump system's private host key.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::node::facts::Facts;
use crate::node::public_key::PublicKey;
use crate::plan::Plan;

/// The file's name in the directory that `jumpinit stage --work` is given.
pub const FILE: &str = "bundle.json";
/// The toolbox beside it: a plain tar of the jump image's [`crate::image::manifest::Manifest::toolbox`].
pub const TOOLBOX_FILE: &str = "toolbox.tar";

/// Beside them, for `jumpinit take-back` only: the plan of the run, from whoever kept it.
pub const PLAN_FILE: &str = "plan.json";

/// Beside them while a step of the old system is under way: the step, as [`crate::run::task::Task`].
pub const AT_WORK_FILE: &str = "at-work";

/// Beside them, where the hooks of the old system are and what they add to what is saved.
pub const HOOKS_DIRECTORY: &str = "hooks";
/// See [`HOOKS_DIRECTORY`].
pub const ADDED_DIRECTORY: &str = "added";

/// Everything that the node needs besides the two images and the toolbox.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// What is done.
    pub plan: Plan,
    /// What the plan follows from.
    pub facts: Facts,
    /// Who began the run, and when by their clock, one line.
    pub origin: String,
    /// The jump system's host key, OpenSSH private key text. Secret.
    pub host_key: String,
    /// Its public part.
    pub host_key_public: PublicKey,
    /// Lines for root's `authorized_keys` in the jump system, besides the node's own.
    pub authorized_keys: Vec<String>,
    /// The scripts of the admin's hooks, by the hooks' numbers.
    pub hooks: BTreeMap<u32, String>,
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("run", &self.plan.run)
            .field("host_key_public", &self.host_key_public)
            .finish_non_exhaustive()
    }
}
