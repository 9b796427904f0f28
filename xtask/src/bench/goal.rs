//! What a contest is to reach.

use serde::Serialize;

/// What is measured of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Measure {
    /// Seconds by the clock.
    Wall,
    /// CPU seconds of all processes.
    Cpu,
    /// Bytes of the file made.
    Size,
}

impl Measure {
    /// Its name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Cpu => "CPU",
            Self::Size => "size",
        }
    }
}

/// The most that ours may take of what the peer takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Goal {
    /// Of what.
    pub(super) measure: Measure,
    /// The greatest ratio, ours ÷ peer.
    pub(super) limit: f64,
    /// Whether it is hoped for, not asked for.
    pub(super) stretch: bool,
}

impl Goal {
    /// One that is asked for.
    pub(super) const fn must(measure: Measure, limit: f64) -> Self {
        Self {
            measure,
            limit,
            stretch: false,
        }
    }
}
