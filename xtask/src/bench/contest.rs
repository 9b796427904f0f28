//! Two programs at the same work, in pairs whose order turns.

use anyhow::Result;
use jumplab::interrupt::Interrupt;
use serde::Serialize;

use super::goal::{Goal, Measure};
use super::measure::{Cost, Sample};

/// A work of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Work {
    /// `jumpimg build`.
    Build,
    /// `jumpinit extract`.
    Extract,
    /// `jumpimg verify`.
    Verify,
}

impl Work {
    /// Its name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Extract => "extract",
            Self::Verify => "verify",
        }
    }
}

/// Two runs that followed each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Pair {
    /// Ours.
    pub(super) ours: Sample,
    /// The peer's.
    pub(super) peer: Sample,
}

impl Pair {
    #[expect(clippy::cast_precision_loss, reason = "file sizes are far below 2^52")]
    /// What was measured of ours and of the peer.
    pub(super) fn measured(&self, what: Measure) -> Option<(f64, f64)> {
        match what {
            Measure::Wall => Some((self.ours.cost.wall, self.peer.cost.wall)),
            Measure::Cpu => Some((self.ours.cost.cpu, self.peer.cost.cpu)),
            Measure::Size => Some((self.ours.size? as f64, self.peer.size? as f64)),
        }
    }
}

/// Who is measured against whom, and what is to be reached.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Match {
    /// Which work of ours it is.
    pub(super) work: Work,
    /// The row's name.
    pub(super) what: &'static str,
    /// Our command, in short.
    pub(super) ours: &'static str,
    /// The peer's command, in short.
    pub(super) peer: &'static str,
    /// What is to be reached.
    pub(super) goals: &'static [Goal],
}

/// A match with its runs.
#[derive(Debug, Serialize)]
pub(super) struct Contest {
    /// Who and what for.
    #[serde(flatten)]
    pub(super) terms: Match,
    /// The runs, in the order of time.
    pub(super) pairs: Vec<Pair>,
}

/// Runs `pairs` pairs, after a run of each that does not count: the first in a while finds
/// memory that the machine has to be given first. Ours goes first in every other: what one run
/// leaves to the next (a warm disk, a slower clock) is then shared evenly.
pub(super) fn hold(
    terms: Match,
    pairs: usize,
    interrupt: &Interrupt,
    mut ours: impl FnMut() -> Result<Sample>,
    mut peer: impl FnMut() -> Result<Sample>,
) -> Result<Contest> {
    let mut contest = Contest {
        terms,
        pairs: Vec::new(),
    };
    ours()?;
    peer()?;
    for number in 0..pairs {
        let mut run_ours = || tell(&terms, number, pairs, terms.ours, ours()?, interrupt);
        let mut run_peer = || tell(&terms, number, pairs, terms.peer, peer()?, interrupt);
        let pair = if number % 2 == 0 {
            let ours = run_ours()?;
            Pair {
                ours,
                peer: run_peer()?,
            }
        } else {
            let peer = run_peer()?;
            Pair {
                ours: run_ours()?,
                peer,
            }
        };
        contest.pairs.push(pair);
    }
    Ok(contest)
}

fn tell(
    terms: &Match,
    number: usize,
    pairs: usize,
    who: &str,
    sample: Sample,
    interrupt: &Interrupt,
) -> Result<Sample> {
    let Cost { wall, cpu, peak } = sample.cost;
    eprintln!(
        "bench: {} {}/{pairs}: {who}: {wall:.2} s, {cpu:.2} s of CPU, {} MiB",
        terms.what,
        number + 1,
        peak >> 20
    );
    interrupt.check()?;
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::{Match, Work, hold};
    use crate::bench::measure::Cost;
    use jumplab::interrupt::Interrupt;

    #[test]
    fn the_order_turns_from_pair_to_pair() {
        let order = RefCell::new(String::new());
        let run = |who: char, wall: f64| {
            order.borrow_mut().push(who);
            Ok(Cost {
                wall,
                cpu: 1.0,
                peak: 1,
            }
            .into())
        };
        let terms = Match {
            work: Work::Verify,
            what: "verify",
            ours: "ours",
            peer: "peer",
            goals: &[],
        };
        let interrupt = Interrupt::listen().expect("signals");
        let contest = hold(terms, 3, &interrupt, || run('A', 1.0), || run('B', 2.0));
        let pairs = contest.expect("all runs end well").pairs;
        assert_eq!(
            *order.borrow(),
            "ABABBAAB",
            "a run of each first that does not count"
        );
        assert!(
            pairs
                .iter()
                .all(|pair| pair.ours.cost.wall < pair.peer.cost.wall)
        );
    }
}
