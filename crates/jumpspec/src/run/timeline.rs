//! When what began, on the admin host's clock, reckoned from the node's uptimes: events
//! that arrive late (nobody was connected yet) still count from when they happened.

use std::time::Duration;

use serde::Serialize;

use crate::run::event::{Event, What};
use crate::step::Stage;

/// One part of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// What is done in it.
    pub name: &'static str,
    /// How long it took.
    pub millis: u64,
}

/// The moments of a run, since its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The reboot into jump.
    armed: Option<Duration>,
    /// The jump system's first event.
    prove: Option<Duration>,
    /// Its commit.
    replace: Option<Duration>,
    /// Its reboot into the new system.
    left: Option<Duration>,
    /// The new system's first event.
    confirm: Option<Duration>,
    /// The end.
    end: Option<Duration>,
    /// When the jump system was booted.
    jump_booted: Duration,
    /// When the new system was booted.
    new_booted: Duration,
}

impl Timeline {
    /// The node reboots into jump.
    pub fn armed(&mut self, now: Duration) {
        self.armed = Some(now);
    }

    /// The jump system told its uptime.
    pub fn jump_uptime(&mut self, now: Duration, uptime: Duration) {
        self.jump_booted = now.saturating_sub(uptime);
    }

    /// The new system told its uptime.
    pub fn new_uptime(&mut self, now: Duration, uptime: Duration) {
        self.new_booted = now.saturating_sub(uptime);
    }

    /// An event of the jump system or the new one.
    pub fn event(&mut self, event: &Event) {
        let uptime = Duration::from_millis(event.uptime_ms);
        let reboot = matches!(event.what, What::Reboot { .. });
        match event.stage {
            Stage::Prove => first(&mut self.prove, self.jump_booted.saturating_add(uptime)),
            Stage::Replace => first(&mut self.replace, self.jump_booted.saturating_add(uptime)),
            // The jump system gives the new one its tries, and tells of it in this stage.
            Stage::Try | Stage::Finish if self.left.is_some() => {
                first(&mut self.confirm, self.new_booted.saturating_add(uptime));
            }
            Stage::Stage | Stage::Armed | Stage::Stuck | Stage::Try | Stage::Finish => {}
        }
        if reboot && self.replace.is_some() {
            first(&mut self.left, self.jump_booted.saturating_add(uptime));
        }
    }

    /// The run is over.
    pub fn end(&mut self, now: Duration) {
        self.end = Some(now);
    }

    /// The parts that are known, in order, and the whole.
    pub fn spans(&self) -> Vec<Span> {
        let zero = Some(Duration::ZERO);
        let parts = [
            ("stage", zero, self.armed),
            ("reboot", self.armed, self.prove),
            ("prove", self.prove, self.replace),
            ("replace", self.replace, self.left),
            ("reboot", self.left, self.confirm),
            ("confirm", self.confirm, self.end),
            ("total", zero, self.end),
        ];
        let known = parts.into_iter().filter_map(|(name, from, to)| {
            let time = to?.saturating_sub(from?);
            Some(Span {
                name,
                millis: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            })
        });
        known.collect()
    }
}

fn first(moment: &mut Option<Duration>, at: Duration) {
    moment.get_or_insert(at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::Destination;

    fn event(stage: Stage, uptime: u64, what: What) -> Event {
        Event {
            uptime_ms: uptime * 1000,
            stage,
            what,
        }
    }

    #[test]
    fn events_count_from_when_they_happened_not_from_when_they_arrived() {
        let seconds = Duration::from_secs;
        let mut line = Timeline::default();
        line.armed(seconds(30));
        // Jump was booted at 60 and is first reached at 80.
        line.jump_uptime(seconds(80), seconds(20));
        line.event(&event(Stage::Prove, 5, What::Complete));
        line.event(&event(Stage::Replace, 15, What::Complete));
        line.event(&event(Stage::Try, 114, What::Complete));
        line.event(&event(
            Stage::Try,
            115,
            What::Reboot {
                into: Destination::New,
            },
        ));
        line.new_uptime(seconds(210), seconds(10));
        line.event(&event(Stage::Try, 8, What::Complete));
        line.end(seconds(220));
        let spans: Vec<_> = line
            .spans()
            .iter()
            .map(|span| (span.name, span.millis / 1000))
            .collect();
        let expected = [
            ("stage", 30),
            ("reboot", 35),
            ("prove", 10),
            ("replace", 100),
            ("reboot", 33),
            ("confirm", 12),
            ("total", 220),
        ];
        assert_eq!(spans, expected);
    }

    #[test]
    fn parts_that_were_not_seen_are_left_out() {
        let mut line = Timeline::default();
        line.end(Duration::from_secs(9));
        assert_eq!(line.spans().len(), 1);
    }
}
