//! The bundle: what goes to a node besides the images.

use std::time::SystemTime;

use jumpspec::node::facts::Facts;
use jumpspec::plan::Plan;
use jumpspec::run::bundle::Bundle;

use super::key::KeyPair;
use crate::node::supplies::Supplies;

/// The bundle of a run that begins.
pub(crate) fn bundle(supplies: &Supplies<'_>, plan: &Plan, facts: &Facts, key: KeyPair) -> Bundle {
    Bundle {
        plan: plan.clone(),
        facts: facts.clone(),
        origin: origin(),
        host_key: key.private,
        host_key_public: key.public,
        authorized_keys: supplies.job.authorized_keys.clone(),
        hooks: (1..)
            .zip(
                supplies
                    .job
                    .scripts
                    .iter()
                    .map(|script| script.text.clone()),
            )
            .collect(),
    }
}

/// Who this is and what the clock here says, for admins of other hosts to read.
fn origin() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
    let host = jumpsys::kernel::system::hostname().unwrap_or_default();
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    format!("{user}@{host}, {now}")
}
