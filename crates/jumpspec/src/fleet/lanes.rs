//! The journal of a fleet as a picture: a lane a node, with what it did when, and the moments of the whole.

use std::collections::BTreeMap;

use super::entry::{Entry, Part, Time, What, entries};
use super::stop::Rule;

/// What a node does for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Images go to it.
    Staging,
    /// It has all and waits for its turn.
    Waiting,
    /// It is armed, and on its way from one system to the next.
    Reboot,
    /// Its jump system answers.
    Jump,
    /// Its new system answers, and is tried.
    New,
}

/// A while of a node, in milliseconds of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it does.
    pub phase: Phase,
    /// Since when.
    pub from: u64,
    /// Until when.
    pub to: u64,
}

/// How a node's way has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It is its new system.
    Done,
    /// It was refused, or did not answer, before anything was agreed to.
    LeftOut,
    /// It did not answer any more, before anything was changed on it.
    Apart,
    /// It has failed.
    Failed,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// What it did, in order.
    pub bars: Vec<Bar>,
    /// When and how its way has ended, if it has.
    pub end: Option<(u64, End)>,
    /// The batch it jumped in, if it did.
    pub batch: Option<usize>,
    /// What it does since when.
    open: Option<(Phase, u64)>,
    /// When it was told to jump, the last time.
    jumped: Option<u64>,
}

/// A moment of the whole fleet, in milliseconds of Unix time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: u64,
    /// What.
    pub moment: Moment,
}

/// What happens to the whole fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A batch begins to jump: its number, and how many nodes it has.
    Batch(usize, usize),
    /// Nothing more is begun, for this reason.
    Stopped(Rule, String),
    /// It was taken up again.
    Resumed,
}

/// The picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The lanes, by the names of their nodes.
    pub lanes: BTreeMap<String, Lane>,
    /// The moments, in order.
    pub marks: Vec<Mark>,
    /// From when to when somebody conducted it, in order; at least one where anything has happened.
    pub periods: Vec<(u64, u64)>,
    /// The batch that jumps.
    batch: Option<usize>,
}

impl Picture {
    /// That of a journal. Somebody conducts it and it is `now`, or nobody does.
    pub fn of(journal: &str, now: Option<u64>) -> Self {
        let mut picture = Self::default();
        for entry in entries(journal) {
            picture.take(entry);
        }
        if let (Some(now), Some((_, to))) = (now, picture.periods.last_mut()) {
            *to = now.max(*to);
        }
        let last = picture.periods.last().map_or(0, |(_, to)| *to);
        picture.lanes.values_mut().for_each(|lane| lane.close(last));
        picture
    }

    fn take(&mut self, entry: Entry) {
        let last = self.periods.last().map(|(_, to)| *to);
        // A clock that was set back does not turn the order round.
        let at = entry.at.max(last.unwrap_or_default());
        match (self.periods.last_mut(), &entry.what) {
            (None, _) | (Some(_), What::Resumed) => self.periods.push((at, at)),
            (Some((_, to)), _) => *to = at,
        }
        match entry.what {
            What::Planned { node } => {
                self.lanes.insert(node, Lane::default());
            }
            What::LeftOut { node, .. } => self.lane(node).end(at, End::LeftOut),
            What::Staging { node, .. } => self.lane(node).begin(Phase::Staging, at),
            What::Staged { node } => self.lane(node).begin(Phase::Waiting, at),
            What::Batch { number, count } => {
                self.batch = Some(number);
                self.mark(at, Moment::Batch(number, count));
            }
            What::Jumping { node } => {
                let batch = self.batch;
                let lane = self.lane(node);
                lane.begin(Phase::Reboot, at);
                (lane.batch, lane.jumped) = (batch, Some(at));
            }
            What::Stage { node, stage } => self.lane(node).begin(
                match stage {
                    Part::Jump => Phase::Jump,
                    Part::New => Phase::New,
                },
                at,
            ),
            What::Done { node, times } => {
                let lane = self.lane(node);
                lane.end(at, End::Done);
                lane.refine(at, &times);
            }
            What::Failed { node, apart, .. } => {
                let end = if apart { End::Apart } else { End::Failed };
                self.lane(node).end(at, end);
            }
            What::Stopped { rule, message } => self.mark(at, Moment::Stopped(rule, message)),
            What::Resumed => {
                self.leave_staging(last.unwrap_or(at));
                self.mark(at, Moment::Resumed);
            }
            What::Over => self.leave_staging(at),
        }
    }

    fn lane(&mut self, node: String) -> &mut Lane {
        self.lanes.entry(node).or_default()
    }

    fn mark(&mut self, at: u64, moment: Moment) {
        self.marks.push(Mark { at, moment });
    }

    /// Nobody is staged by anybody who has gone; who is on the way goes on.
    fn leave_staging(&mut self, at: u64) {
        let lanes = self.lanes.values_mut();
        lanes
            .filter(|lane| matches!(lane.open, Some((Phase::Staging, _))))
            .for_each(|lane| lane.close(at));
    }
}

impl Lane {
    fn begin(&mut self, phase: Phase, at: u64) {
        self.close(at);
        (self.open, self.end) = (Some((phase, at)), None);
    }

    fn close(&mut self, at: u64) {
        if let Some((phase, from)) = self.open.take() {
            let to = at.max(from);
            self.bars.push(Bar { phase, from, to });
        }
    }

    fn end(&mut self, at: u64, end: End) {
        self.close(at);
        self.end = Some((at, end));
    }

    /// The parts of a jump by the node's own clock, where all are known: those that are seen from outside
    /// begin when somebody looks.
    fn refine(&mut self, end: u64, times: &[Time]) {
        let parts = times.iter().filter(|it| !is_whole(&it.name));
        let (names, times): (Vec<_>, Vec<_>) =
            parts.map(|it| (it.name.as_str(), it.millis)).unzip();
        let (
            Some(jumped),
            ["reboot", "prove", "replace", "reboot", "confirm"],
            &[left, prove, replace, came, confirm],
        ) = (self.jumped, names.as_slice(), times.as_slice())
        else {
            return;
        };
        self.bars.retain(|bar| bar.from < jumped);
        let mut to =
            end.saturating_sub(times.iter().fold(0, |sum: u64, it| sum.saturating_add(*it)));
        let mut from = jumped;
        for (phase, time) in [
            (Phase::Reboot, left),
            (Phase::Jump, prove.saturating_add(replace)),
            (Phase::Reboot, came),
            (Phase::New, confirm),
        ] {
            to = to.saturating_add(time).clamp(from, end.max(from));
            self.bars.push(Bar { phase, from, to });
            from = to;
        }
    }

    /// What it did last, if it did anything.
    pub fn last(&self) -> Option<Phase> {
        self.bars.last().map(|bar| bar.phase)
    }

    /// How long it was out of service, if it is done.
    pub fn out_of_service(&self) -> Option<u64> {
        let (end, how) = self.end?;
        (how == End::Done).then_some(end.saturating_sub(self.jumped?))
    }

    /// How long it was staged for the last time, if it was to its end.
    pub fn staging(&self) -> Option<u64> {
        let place = self
            .bars
            .iter()
            .rposition(|it| it.phase == Phase::Staging)?;
        let bar = self.bars.get(place)?;
        self.bars.get(place + 1)?;
        Some(bar.to.saturating_sub(bar.from))
    }
}

/// Whether a time is no part of the jump itself.
pub(super) fn is_whole(name: &str) -> bool {
    matches!(name, "stage" | "total")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::run_id::RunId;

    fn journal(entries: &[(u64, What)]) -> String {
        let line = |(at, what): &(u64, What)| {
            let (at, what) = (*at, what.clone());
            serde_json::to_string(&Entry { at, what }).unwrap() + "\n"
        };
        entries.iter().map(line).collect()
    }

    fn a() -> String {
        "a".to_owned()
    }

    fn staging() -> What {
        What::Staging {
            node: a(),
            run: RunId::new(7),
        }
    }

    fn seen(stage: Part) -> What {
        What::Stage { node: a(), stage }
    }

    fn bars(lane: &Lane) -> Vec<(Phase, u64, u64)> {
        let bars = lane.bars.iter();
        bars.map(|bar| (bar.phase, bar.from, bar.to)).collect()
    }

    fn way(end: What) -> Vec<(u64, What)> {
        vec![
            (10, What::Planned { node: a() }),
            (20, staging()),
            (50, What::Staged { node: a() }),
            (
                80,
                What::Batch {
                    number: 3,
                    count: 9,
                },
            ),
            (81, What::Jumping { node: a() }),
            (120, seen(Part::Jump)),
            (200, seen(Part::New)),
            (240, end),
        ]
    }

    fn done(times: &[(&str, u64)]) -> What {
        let times = times.iter().map(|(name, millis)| Time {
            name: (*name).to_owned(),
            millis: *millis,
        });
        What::Done {
            node: a(),
            times: times.collect(),
        }
    }

    const STAGED: [(Phase, u64, u64); 2] = [(Phase::Staging, 20, 50), (Phase::Waiting, 50, 81)];

    #[test]
    fn a_node_goes_through_its_phases_one_after_the_other() {
        let picture = Picture::of(&journal(&way(done(&[("total", 220)]))), None);
        let lane = &picture.lanes["a"];
        let seen = [
            (Phase::Reboot, 81, 120),
            (Phase::Jump, 120, 200),
            (Phase::New, 200, 240),
        ];
        assert_eq!(bars(lane), [&STAGED[..], &seen].concat());
        assert_eq!((lane.end, lane.batch), (Some((240, End::Done)), Some(3)));
        assert_eq!(
            (lane.staging(), lane.out_of_service()),
            (Some(30), Some(159))
        );
        assert_eq!(picture.periods, [(10, 240)]);
        assert_eq!(picture.marks[0].moment, Moment::Batch(3, 9));
    }

    #[test]
    fn what_the_node_says_of_its_jump_counts_more_than_when_it_was_looked_at() {
        let times = [
            ("stage", 60),
            ("reboot", 30),
            ("prove", 5),
            ("replace", 60),
            ("reboot", 35),
            ("confirm", 20),
            ("total", 220),
        ];
        let picture = Picture::of(&journal(&way(done(&times))), None);
        let told = [
            (Phase::Reboot, 81, 120),
            (Phase::Jump, 120, 185),
            (Phase::Reboot, 185, 220),
            (Phase::New, 220, 240),
        ];
        assert_eq!(bars(&picture.lanes["a"]), [&STAGED[..], &told].concat());
    }

    #[test]
    fn times_that_cannot_be_stay_between_the_jump_and_the_end() {
        let of =
            |millis| ["reboot", "prove", "replace", "reboot", "confirm"].map(|it| (it, millis));
        for millis in [0, 1000, u64::MAX] {
            let picture = Picture::of(&journal(&way(done(&of(millis)))), None);
            let bars = bars(&picture.lanes["a"]);
            assert_eq!(bars.len(), 6, "{bars:?}");
            assert!(bars.windows(2).all(|two| two[0].2 == two[1].1), "{bars:?}");
            assert!(bars.iter().all(|(_, from, to)| from <= to && *to <= 240));
        }
    }

    #[test]
    fn who_is_on_the_way_goes_on_while_nobody_looks_and_who_is_staged_by_nobody_does_not() {
        let entries = [
            (10, staging()),
            (20, What::Jumping { node: "b".into() }),
            (25, What::Staged { node: "c".into() }),
            // The admin host dies here.
            (100, What::Resumed),
            (110, staging()),
        ];
        let picture = Picture::of(&journal(&entries), Some(130));
        assert_eq!(
            bars(&picture.lanes["a"]),
            [(Phase::Staging, 10, 25), (Phase::Staging, 110, 130)]
        );
        assert_eq!(bars(&picture.lanes["b"]), [(Phase::Reboot, 20, 130)]);
        assert_eq!(bars(&picture.lanes["c"]), [(Phase::Waiting, 25, 130)]);
        assert!(picture.lanes.values().all(|lane| lane.end.is_none()));
        assert_eq!(picture.periods, [(10, 25), (100, 130)]);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_bar_that_ends_before_it_begins() {
        let entries = [(50, staging()), (20, What::Staged { node: a() })];
        let picture = Picture::of(&journal(&entries), Some(5));
        assert_eq!(
            bars(&picture.lanes["a"]),
            [(Phase::Staging, 50, 50), (Phase::Waiting, 50, 50)]
        );
    }

    #[test]
    fn those_that_failed_did_so_in_their_last_phase() {
        let failed = |apart| What::Failed {
            node: a(),
            code: "x".into(),
            message: "y".into(),
            apart,
        };
        let picture = Picture::of(&journal(&[(1, staging()), (5, failed(true))]), None);
        let lane = &picture.lanes["a"];
        assert_eq!(
            (lane.last(), lane.end),
            (Some(Phase::Staging), Some((5, End::Apart)))
        );
        assert_eq!((lane.staging(), lane.out_of_service()), (None, None));
        let picture = Picture::of(&journal(&way(failed(false))), None);
        assert_eq!(picture.lanes["a"].end, Some((240, End::Failed)));
        assert_eq!(Picture::of("nonsense\n", Some(7)), Picture::default());
    }
}
