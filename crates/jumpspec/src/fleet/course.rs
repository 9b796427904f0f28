//! Whose turn it is: a function of what has happened so far. No connection, no clock.
//!
//! All nodes are staged before the first is armed, so that whatever speaks against a node is known while
//! its old system runs. The canaries jump, then batch by batch the others, as many at once as may be out
//! of service; when a rule stops the fleet, nothing more is begun.

use std::collections::BTreeSet;
use std::time::Duration;

use super::sets::Sets;
use super::state::State;
use super::stop::{Failed, Rule, Stop, Tally};
use crate::job::{Canary, FleetWish, Pause};

/// What has become of a node that was told to do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has.
    Well,
    /// It has not, for a reason with this code.
    Failed(String),
    /// It does not answer, and nothing was changed on it.
    Unreachable,
    /// It was interrupted, and goes on where it was when the fleet does.
    PutBack,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send this node its images.
    Stage(usize),
    /// Arm this node and have it reboot.
    Jump(usize),
    /// A batch begins with its first jump: its number, 0 being the canaries', and how many nodes it has.
    Batch(usize, usize),
    /// Ask whether the batch with this number may begin.
    Ask(usize),
    /// Nothing before something ends, or before this much time has passed.
    Wait(Option<Duration>),
    /// Nothing any more.
    Over,
}

/// The course of one fleet.
#[derive(Clone, Debug)]
pub struct Course {
    wish: FleetWish,
    /// Nobody jumps.
    stage_only: bool,
    states: Vec<State>,
    /// The nodes whose turn does not come.
    held: Vec<bool>,
    /// The nodes of each batch, the canaries' first.
    batches: Vec<Vec<usize>>,
    /// Which batch each node is in.
    batch_of: Vec<usize>,
    /// The batch that is being looked at.
    batch: usize,
    /// Whether it has begun.
    has_begun: bool,
    /// Whether it is to be asked for.
    asks: bool,
    /// No reboot is ordered before this.
    not_before: Duration,
    tally: Tally,
    stop: Option<Stop>,
}

impl Course {
    /// The course of `names`, from these states on.
    pub fn new(wish: FleetWish, names: &[String], states: Vec<State>) -> Self {
        let all = (0..names.len()).collect();
        Self::of_some(wish, names, states, &all)
    }

    /// The same, in which nothing is begun on any node but `some`.
    pub fn of_some(
        wish: FleetWish,
        names: &[String],
        states: Vec<State>,
        some: &BTreeSet<usize>,
    ) -> Self {
        let may = |(node, _, state): &(usize, &String, State)| match state {
            State::Ok | State::Down => true,
            State::Ko => false,
            _ => some.contains(node),
        };
        let nodes = (0..).zip(names).zip(&states);
        let nodes = nodes.map(|((node, name), state)| (node, name, *state));
        let canaries = canaries(&wish.canary, &nodes.filter(may).collect::<Vec<_>>());
        let mut rest: Vec<usize> = (0..names.len())
            .filter(|node| !canaries.contains(node))
            .collect();
        let mut batches = vec![canaries.into_iter().collect()];
        let mut sizes = wish.batches.iter().map(|size| size.at_least(names.len()));
        let mut size = 1;
        while !rest.is_empty() {
            size = sizes.next().unwrap_or(size).clamp(1, rest.len());
            let later = rest.split_off(size);
            batches.push(std::mem::replace(&mut rest, later));
        }
        let mut batch_of = vec![0; names.len()];
        for (number, nodes) in batches.iter().enumerate() {
            for node in nodes {
                if let Some(batch) = batch_of.get_mut(*node) {
                    *batch = number;
                }
            }
        }
        Self {
            wish,
            stage_only: false,
            held: (0..states.len())
                .map(|node| !some.contains(&node))
                .collect(),
            states,
            batches,
            batch_of,
            batch: 0,
            has_begun: false,
            asks: false,
            not_before: Duration::ZERO,
            tally: Tally::default(),
            stop: None,
        }
    }

    /// The same, which ends when all are staged.
    #[must_use]
    pub fn stage_only(self) -> Self {
        Self {
            stage_only: true,
            ..self
        }
    }

    /// Whose turn it is at `now`, since the fleet was begun. What is to be done counts as begun.
    pub fn next(&mut self, now: Duration) -> Turn {
        if self.stop.is_some() {
            return self.end();
        }
        if self.count(State::Staging) < self.most_transfers()
            && let Some(node) = (0..self.states.len()).find(|node| self.may(*node, State::Planned))
        {
            self.set(node, State::Staging);
            return Turn::Stage(node);
        }
        if self.count(State::Staging) > 0 {
            return Turn::Wait(None);
        }
        if self.stage_only {
            return self.end();
        }
        self.jump(now)
    }

    fn jump(&mut self, now: Duration) -> Turn {
        loop {
            let Some(nodes) = self.batches.get(self.batch) else {
                return self.end();
            };
            let staged = nodes.iter().find(|node| self.may(**node, State::Staged));
            let down = nodes.iter().find(|node| self.state(**node) == State::Down);
            match (staged, down) {
                (None, None) => {
                    match self.wish.pause {
                        Pause::Time(time) if self.has_begun => {
                            self.not_before = now.saturating_add(time.0);
                        }
                        Pause::Ask => self.asks |= self.has_begun,
                        Pause::Time(_) => {}
                    }
                    self.batch += 1;
                    self.has_begun = false;
                }
                (None, Some(_)) => return Turn::Wait(None),
                (Some(_), _) if now < self.not_before => {
                    return Turn::Wait(Some(self.not_before.saturating_sub(now)));
                }
                (Some(_), _) if self.count(State::Down) >= self.most_down() => {
                    return Turn::Wait(None);
                }
                (Some(_), _) if self.asks => {
                    self.asks = false;
                    return Turn::Ask(self.batch);
                }
                (Some(_), _) if !self.has_begun => {
                    self.has_begun = true;
                    return Turn::Batch(self.batch, nodes.len());
                }
                (Some(&node), _) => {
                    self.not_before = now.saturating_add(self.wish.stagger.0);
                    self.set(node, State::Down);
                    return Turn::Jump(node);
                }
            }
        }
    }

    /// The end, once what is under way has ended.
    fn end(&self) -> Turn {
        if self.count(State::Staging) + self.count(State::Down) > 0 {
            Turn::Wait(None)
        } else {
            Turn::Over
        }
    }

    /// How long the batches that are left take, where one node takes `one` from its reboot to its end.
    pub fn time_left(&self, one: Duration) -> Duration {
        let most = self.most_down().max(1);
        let pause = match self.wish.pause {
            Pause::Time(time) => time.0,
            Pause::Ask => Duration::ZERO,
        };
        let left = self.batches.iter().skip(self.batch).map(|nodes| {
            let staged = nodes.iter().filter(|node| self.may(**node, State::Staged));
            let count = staged.count();
            let times = |time: Duration, count: usize| {
                time.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
            };
            match count {
                0 => Duration::ZERO,
                _ => times(one, count.div_ceil(most))
                    .saturating_add(times(self.wish.stagger.0, count))
                    .saturating_add(pause),
            }
        });
        left.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Whether a part that takes a node `time` takes it too long where half of the others took `usual`.
    pub fn is_straggler(&self, time: Duration, usual: Duration) -> bool {
        self.wish.straggler.is_one(time, usual)
    }

    /// Takes what has become of a node that was being staged.
    pub fn staged(&mut self, node: usize, outcome: &Outcome) {
        let state = match outcome {
            Outcome::Well => State::Staged,
            Outcome::PutBack => State::Planned,
            Outcome::Failed(_) | Outcome::Unreachable => State::Ko,
        };
        self.take(node, state, outcome);
    }

    /// Takes what has become of a node that was told to jump.
    pub fn jumped(&mut self, node: usize, outcome: &Outcome) {
        let state = match outcome {
            Outcome::Well => State::Ok,
            Outcome::PutBack => State::Staged,
            Outcome::Failed(_) | Outcome::Unreachable => State::Ko,
        };
        self.take(node, state, outcome);
    }

    fn take(&mut self, node: usize, state: State, outcome: &Outcome) {
        self.set(node, state);
        let (code, is_unreachable) = match outcome {
            Outcome::Failed(code) => (code.as_str(), false),
            Outcome::Unreachable => ("unreachable", true),
            Outcome::Well | Outcome::PutBack => return,
        };
        let batch = self.batch_of.get(node).copied().unwrap_or_default();
        let failed = Failed {
            code,
            is_unreachable,
            batch,
            is_canary: batch == 0,
            batch_size: self.batches.get(batch).map_or(1, Vec::len),
            all: self.states.len(),
        };
        let stop = self.tally.count(&self.wish, &failed);
        self.stop = self.stop.take().or(stop);
    }

    /// Begins nothing more, if nothing has stopped it yet.
    pub fn stop(&mut self, rule: Rule, why: &str) {
        let why = why.to_owned();
        self.stop.get_or_insert(Stop { rule, why });
    }

    /// Why nothing more is begun, if that is so.
    pub fn stopped(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Which nodes are where.
    pub fn sets(&self) -> Sets {
        Sets::of(&self.states)
    }

    /// How many nodes are there.
    pub fn count(&self, wanted: State) -> usize {
        self.states.iter().filter(|state| **state == wanted).count()
    }

    /// Where a node is.
    pub fn state(&self, node: usize) -> State {
        self.states.get(node).copied().unwrap_or(State::Ko)
    }

    /// How many nodes may be out of service at once.
    pub fn most_down(&self) -> usize {
        self.wish.down.at_most(self.states.len())
    }

    /// How many nodes are sent images at once.
    pub fn most_transfers(&self) -> usize {
        usize::try_from(self.wish.transfer.get()).unwrap_or(usize::MAX)
    }

    /// The nodes that go first.
    pub fn canaries(&self) -> &[usize] {
        self.batches.first().map_or(&[], Vec::as_slice)
    }

    /// How many nodes there are.
    pub fn all(&self) -> usize {
        self.states.len()
    }

    /// How many nodes a batch has.
    pub fn batch_size(&self, batch: usize) -> usize {
        self.batches.get(batch).map_or(0, Vec::len)
    }

    /// How many batches there are after the canaries', and how many nodes the first has.
    pub fn later_batches(&self) -> (usize, usize) {
        let first = self.batches.get(1).map_or(0, Vec::len);
        (self.batches.len().saturating_sub(1), first)
    }

    /// Whether it is the turn of a node that is there.
    fn may(&self, node: usize, there: State) -> bool {
        self.state(node) == there && self.held.get(node) == Some(&false)
    }

    fn set(&mut self, node: usize, to: State) {
        if let Some(state) = self.states.get_mut(node) {
            *state = to;
        }
    }
}

/// The numbers of those of `nodes` that go first. Where those that are named are not among them, one goes
/// in their place: one that has gone well before, or the first.
fn canaries(wish: &Canary, nodes: &[(usize, &String, State)]) -> BTreeSet<usize> {
    let numbers = |found: &mut dyn Iterator<Item = &(usize, &String, State)>| {
        found.map(|(node, ..)| *node).collect()
    };
    match wish {
        Canary::Count(count) => {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            numbers(&mut nodes.iter().take(count))
        }
        Canary::Names(names) => {
            let is_meant = |(_, name, _): &&(usize, &String, State)| names.contains(name);
            let found: BTreeSet<usize> = numbers(&mut nodes.iter().filter(is_meant));
            if !found.is_empty() || names.is_empty() {
                return found;
            }
            let gone_well = nodes.iter().find(|(.., state)| *state == State::Ok);
            numbers(&mut gone_well.or(nodes.first()).into_iter())
        }
    }
}

#[cfg(test)]
mod tests;
