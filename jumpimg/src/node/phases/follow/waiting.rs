//! What a push that hears nothing says: what it waits for, how long, and what may have happened.

use std::fmt;
use std::time::Duration;

use jumpspec::plan::Plan;

/// A wait, from the point of view of somebody who looks at a silent terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// What is not so yet.
    pub(super) what: String,
    /// For how long it has not been.
    pub(super) since: Duration,
    /// What it is waited for.
    pub(super) until: &'static str,
    /// How long it still may take.
    pub(super) left: Duration,
    /// What may have happened.
    pub(super) maybe: String,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} for {}; waiting for {}, {} more at most; {}",
            self.what,
            round(self.since),
            self.until,
            round(self.left),
            self.maybe
        )
    }
}

/// In whole minutes, or seconds below one.
fn round(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

/// Where a node that does not answer could be looked for.
pub(super) fn whereabouts(plan: &Plan) -> Option<String> {
    let network = &plan.network.as_ref()?.network;
    let used = network.links.iter().filter(|link| link.is_used());
    let macs: Vec<&str> = used.map(|link| link.mac.as_str()).collect();
    (!macs.is_empty()).then(|| {
        format!(
            "look for its hardware addresses ({}) in the leases of the DHCP server, and at its console",
            macs.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_says_for_what_how_long_and_what_may_have_happened() {
        let waiting = Waiting {
            what: "nothing answers (Connection refused)".to_owned(),
            since: Duration::from_secs(185),
            until: "the jump system or the old one",
            left: Duration::from_secs(59),
            maybe: "it may still be starting".to_owned(),
        };
        assert_eq!(
            waiting.to_string(),
            "nothing answers (Connection refused) for 3 min; waiting for the jump system or the old one, 59 s more at most; it may still be starting"
        );
    }
}
