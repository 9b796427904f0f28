//! How long a run waits for what.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Nothing boots in less, and no proof of a network takes less.
pub const SHORTEST_WAIT: Duration = Duration::from_secs(5);
/// A longer wait is a slip, and its end might be beyond what clocks count.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24 * 7);

/// How long to wait for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Waits {
    /// For a reboot to end in a system that answers SSH.
    pub boot: Wait,
    /// For all that the jump system proves; after it, back to the old system.
    pub prove: Wait,
    /// For the whole of the jump system's work.
    pub replace: Wait,
    /// For the new system to be sound; after it, back to the jump system.
    pub health: Wait,
}

impl Default for Waits {
    fn default() -> Self {
        let minutes = |n: u64| Wait(Duration::from_secs(60 * n));
        Self {
            boot: minutes(15),
            prove: minutes(5),
            replace: minutes(120),
            health: minutes(10),
        }
    }
}

/// A length of time, written `90s`, `15min`, `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Wait(pub Duration);

impl TryFrom<String> for Wait {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        humantime::parse_duration(&text)
            .map(Self)
            .map_err(|_| format!("{text:?} is not a length of time; write for example 15min"))
    }
}

impl From<Wait> for String {
    fn from(wait: Wait) -> Self {
        humantime::format_duration(wait.0).to_string()
    }
}
