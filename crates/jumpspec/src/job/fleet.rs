//! How a fleet takes its course: `[fleet]`.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::wait::Wait;

/// More transfers at once than an admin host's disk and line have anything from.
const MOST_TRANSFERS: u32 = 512;
/// A longer pause between two reboots, or between two batches, is a slip.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// `[fleet]`: how many nodes go through what at once, and what stops all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetWish {
    /// So many nodes are sent images at once.
    pub transfer: NonZeroU32,
    /// So many are out of service at once.
    pub down: Amount,
    /// Between two reboots that are ordered.
    pub stagger: Wait,
    /// The nodes that have to be confirmed before anything else jumps.
    pub canary: Canary,
    /// How many nodes jump in one batch; the last entry counts again until all have.
    pub batches: Vec<Amount>,
    /// Between the end of a batch and the next one.
    pub pause: Pause,
    /// Failures that stop the fleet.
    pub stop: StopWish,
    /// Nodes that nothing can be sent to, which are counted apart.
    pub unreachable: UnreachableWish,
    /// A stage that takes a node so many times what it takes half of the batch is told.
    pub straggler: Straggler,
}

impl Default for FleetWish {
    fn default() -> Self {
        Self {
            transfer: NonZeroU32::MIN.saturating_add(31),
            down: Amount::Nodes(NonZeroU32::MIN.saturating_add(49)),
            stagger: Wait(Duration::from_millis(200)),
            canary: Canary::Count(1),
            batches: vec![Amount::Percent(Percent(10)), Amount::Percent(Percent(100))],
            pause: Pause::Time(Wait(Duration::ZERO)),
            stop: StopWish::default(),
            unreachable: UnreachableWish::default(),
            straggler: Straggler::default(),
        }
    }
}

/// The longest that a program of `[drain]` may take.
const LONGEST_DRAIN: Duration = Duration::from_hours(24 * 7);

/// `[drain]`: programs of the admin host that are run for each node of a fleet, with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DrainWish {
    /// Before the node is armed; it ends well once the node may go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Once the node is its new system, or stays what it was after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How long each may take.
    pub timeout: Wait,
}

impl Default for DrainWish {
    fn default() -> Self {
        Self {
            before: None,
            after: None,
            timeout: Wait(Duration::from_hours(1)),
        }
    }
}

impl DrainWish {
    /// What of it no fleet can go by, in words.
    pub fn wrong(&self) -> Option<String> {
        let text = String::from(self.timeout);
        let right = Duration::from_secs(1)..=LONGEST_DRAIN;
        (!right.contains(&self.timeout.0))
            .then(|| format!("[drain] timeout = {text:?}: from 1s to 7days"))
    }
}

/// A number of nodes: `50`, or `25%` of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Number", into = "Number")]
pub enum Amount {
    /// So many.
    Nodes(NonZeroU32),
    /// A part of all.
    Percent(Percent),
}

impl Amount {
    /// How many of `all` nodes that are at least: one, where there is one.
    pub fn at_least(self, all: usize) -> usize {
        self.of(all, usize::div_ceil)
    }

    /// How many of `all` nodes that are at most, and never none.
    pub fn at_most(self, all: usize) -> usize {
        self.of(all, |part, whole| part / whole)
    }

    fn of(self, all: usize, divide: impl Fn(usize, usize) -> usize) -> usize {
        let wanted = match self {
            Self::Nodes(count) => usize::try_from(count.get()).unwrap_or(usize::MAX),
            Self::Percent(part) => divide(all.saturating_mul(usize::from(part.0)), 100).max(1),
        };
        wanted.min(all)
    }
}

/// A whole number of hundredths, from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl Percent {
    /// Whether `part` of `whole` reaches it.
    pub fn is_reached(self, part: usize, whole: usize) -> bool {
        part.saturating_mul(100) >= whole.saturating_mul(usize::from(self.0))
    }
}

impl TryFrom<u8> for Percent {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, String> {
        if (1..=100).contains(&percent) {
            Ok(Self(percent))
        } else {
            Err(format!("{percent} is no part: write 1 to 100"))
        }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// A number as TOML may have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u32),
    Text(String),
}

impl TryFrom<Number> for Amount {
    type Error = String;

    fn try_from(number: Number) -> Result<Self, String> {
        let nodes = |count: u32| {
            NonZeroU32::new(count)
                .map(Self::Nodes)
                .ok_or("0 nodes are none: write a number from 1 on".to_owned())
        };
        match number {
            Number::Whole(count) => nodes(count),
            Number::Text(text) => {
                let wrong = || format!("{text:?} is no number of nodes; write 50, or \"25%\"");
                match text.strip_suffix('%') {
                    Some(part) => {
                        let part: u8 = part.trim().parse().map_err(|_| wrong())?;
                        part.try_into().map(Self::Percent)
                    }
                    None => nodes(text.trim().parse().map_err(|_| wrong())?),
                }
            }
        }
    }
}

impl From<Amount> for Number {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Nodes(count) => Self::Whole(count.get()),
            Amount::Percent(part) => Self::Text(part.to_string()),
        }
    }
}

/// The nodes that go first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Canary {
    /// So many of those that come first; with 0 nobody does.
    Count(u32),
    /// These, as the command line names them.
    Names(Vec<String>),
}

/// What is between two batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pause {
    /// So much time.
    Time(Wait),
    /// A question to the admin.
    Ask,
}

impl TryFrom<String> for Pause {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "ask" {
            return Ok(Self::Ask);
        }
        let time = Wait::try_from(text);
        time.map(Self::Time)
            .map_err(|error| format!("{error}, or \"ask\""))
    }
}

impl From<Pause> for String {
    fn from(pause: Pause) -> Self {
        match pause {
            Pause::Time(time) => time.into(),
            Pause::Ask => "ask".to_owned(),
        }
    }
}

/// Failures that stop a fleet: nothing is begun on any other node then. A canary's always does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StopWish {
    /// So many in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<NonZeroU32>,
    /// Such a part of all nodes, or of one batch; one failure alone is no pattern.
    pub percent: Percent,
    /// So many with the same code.
    pub same: NonZeroU32,
}

impl Default for StopWish {
    fn default() -> Self {
        Self {
            count: None,
            percent: Percent(2),
            same: NonZeroU32::MIN.saturating_add(1),
        }
    }
}

/// Nodes that do not answer before anything is changed on them: they stop a fleet when they are many,
/// and are no failures of its images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnreachableWish {
    /// Such a part of all nodes; one alone is no pattern.
    pub percent: Percent,
}

impl Default for UnreachableWish {
    fn default() -> Self {
        Self {
            percent: Percent(5),
        }
    }
}

/// How many times the usual.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Straggler(f64);

/// It is never not a number.
impl Eq for Straggler {}

impl Straggler {
    /// Whether a stage that takes `time` takes too long where `usual` is usual.
    pub fn is_one(self, time: Duration, usual: Duration) -> bool {
        time > usual.mul_f64(self.0)
    }
}

impl Default for Straggler {
    fn default() -> Self {
        Self(3.0)
    }
}

impl TryFrom<f64> for Straggler {
    type Error = String;

    fn try_from(times: f64) -> Result<Self, String> {
        if (1.0..=1000.0).contains(&times) {
            Ok(Self(times))
        } else {
            Err(format!(
                "{times} is not how many times as long a straggler takes: write 1.0 to 1000.0"
            ))
        }
    }
}

impl From<Straggler> for f64 {
    fn from(straggler: Straggler) -> Self {
        straggler.0
    }
}

impl FleetWish {
    /// What of it no fleet can go by, in words.
    pub fn wrong(&self) -> Option<String> {
        if self.transfer.get() > MOST_TRANSFERS {
            return Some(format!(
                "[fleet] transfer = {}: {MOST_TRANSFERS} at most",
                self.transfer
            ));
        }
        if self.batches.is_empty() {
            return Some("[fleet] batches = []: nobody would jump; write [\"100%\"]".to_owned());
        }
        let long = |key: &str, wait: Wait| {
            let text = String::from(wait);
            (wait.0 > LONGEST_PAUSE).then(|| format!("[fleet] {key} = {text:?}: a day at most"))
        };
        let pause = match self.pause {
            Pause::Time(time) => long("pause", time),
            Pause::Ask => None,
        };
        long("stagger", self.stagger).or(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FleetWish, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn numbers_are_nodes_or_a_part_of_all() {
        let wish = read("down = '25%'\nbatches = ['1', 10, '100%']").unwrap();
        assert_eq!(wish.down.at_most(1000), 250);
        assert_eq!(wish.down.at_most(3), 1);
        let batches: Vec<usize> = wish.batches.iter().map(|it| it.at_least(101)).collect();
        assert_eq!(batches, [1, 10, 101]);
        assert_eq!(Amount::Percent(Percent(10)).at_least(11), 2);
        assert_eq!(Amount::Percent(Percent(10)).at_least(0), 0);
        for wrong in [
            "down = 0",
            "down = '0%'",
            "down = '101%'",
            "down = 'x'",
            "transfer = 0",
        ] {
            read(wrong).unwrap_err();
        }
    }

    #[test]
    fn canaries_are_names_or_a_number_and_pauses_times_or_a_question() {
        let wish = read("canary = ['n1']\npause = 'ask'\nstagger = '200ms'").unwrap();
        assert_eq!(wish.canary, Canary::Names(vec!["n1".to_owned()]));
        assert_eq!(wish.pause, Pause::Ask);
        assert_eq!(read("canary = 0").unwrap().canary, Canary::Count(0));
        assert!(read("pause = 'now'").unwrap_err().contains("\"ask\""));
    }

    #[test]
    fn what_no_fleet_can_go_by_is_told() {
        assert_eq!(FleetWish::default().wrong(), None);
        for (text, key) in [
            ("transfer = 1000", "transfer"),
            ("batches = []", "batches"),
            ("pause = '2days'", "pause"),
            ("stagger = '25h'", "stagger"),
        ] {
            assert!(read(text).unwrap().wrong().unwrap().contains(key), "{text}");
        }
        read("straggler = 0.5").unwrap_err();
    }

    #[test]
    fn a_part_is_reached_where_it_is() {
        let two = Percent(2);
        assert!(two.is_reached(2, 100) && !two.is_reached(1, 100) && two.is_reached(1, 50));
    }
}
