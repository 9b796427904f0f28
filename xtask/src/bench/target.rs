//! What is to be reached, and whether it is. Pure.

use jumplab::statistics::Spread;
use serde::Serialize;

use super::contest::{Contest, Work};
use super::goal::Goal;
use super::growth::Growth;

/// How far the times per file, and the peaks of memory, may lie apart when the number of files
/// grows.
const FLAT: f64 = 1.15;
const MIB: f64 = 1024.0 * 1024.0;

/// A figure beside its target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Verdict {
    /// What was done, against whom.
    pub(super) what: String,
    /// What of it was measured.
    pub(super) measure: String,
    /// The figure.
    pub(super) found: Spread,
    /// How many pairs or runs it was taken from.
    pub(super) runs: usize,
    /// What it may be at most.
    pub(super) limit: f64,
    /// Whether it is that or less.
    pub(super) reached: bool,
}

impl Verdict {
    fn new(what: String, measure: String, found: Spread, runs: usize, limit: f64) -> Self {
        Self {
            what,
            measure,
            found,
            runs,
            limit,
            reached: found.median <= limit,
        }
    }
}

/// Every target that these runs say something about.
pub(super) fn verdicts(contests: &[Contest], growth: &[Growth]) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = contests.iter().flat_map(ratios).collect();
    verdicts.extend(peaks(contests, growth));
    verdicts.extend(flatness(growth));
    verdicts
}

fn ratios(contest: &Contest) -> Vec<Verdict> {
    let verdict = |goal: &Goal| {
        let pairs = contest
            .pairs
            .iter()
            .filter_map(|pair| pair.measured(goal.measure));
        let measure = if goal.stretch {
            format!("{}, stretch", goal.measure.name())
        } else {
            goal.measure.name().to_owned()
        };
        Some(Verdict::new(
            format!("{} ÷ {}", contest.terms.what, contest.terms.peer),
            measure,
            Spread::of_ratios(pairs)?,
            contest.pairs.len(),
            goal.limit,
        ))
    };
    contest.terms.goals.iter().filter_map(verdict).collect()
}

/// The peaks of each work: of all its runs on the input, and on the most files.
fn peaks(contests: &[Contest], growth: &[Growth]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for work in [Work::Extract, Work::Build, Work::Verify] {
        let of_work = contests.iter().filter(|contest| contest.terms.work == work);
        let runs = of_work.flat_map(|contest| &contest.pairs);
        let input: Vec<u64> = runs.map(|pair| pair.ours.cost.peak).collect();
        verdicts.extend(peak(format!("peak of {}", work.name()), work, &input));
        if let Some(most) = growth.last() {
            let what = format!("peak of {}, {} files", work.name(), most.files);
            verdicts.extend(peak(what, work, &most.peaks(work)));
        }
    }
    verdicts
}

/// Judged by the greatest, not by the median: memory is there or it is not.
fn peak(what: String, work: Work, bytes: &[u64]) -> Option<Verdict> {
    let limit = match work {
        Work::Build => 64.0,
        Work::Extract | Work::Verify => 32.0,
    };
    let found = Spread::of(bytes.iter().map(|bytes| mib(*bytes)))?;
    let greatest = Spread {
        median: found.max,
        ..found
    };
    let measure = "memory, MiB".to_owned();
    Some(Verdict::new(what, measure, greatest, bytes.len(), limit))
}

fn flatness(growth: &[Growth]) -> Vec<Verdict> {
    let [first, .., last] = growth else {
        return Vec::new();
    };
    let what = || format!("extract, {} to {} files", first.files, last.files);
    let runs = first.extracts.len();
    let times = Spread::of(
        growth
            .iter()
            .filter_map(|at| Some(at.time_per_file()?.median)),
    );
    let peaks = growth
        .iter()
        .filter_map(|at| at.peaks(Work::Extract).into_iter().max());
    let memory = Spread::of(peaks.map(mib));
    let named = [
        ("time a file, most ÷ least", times),
        ("memory, most ÷ least", memory),
    ];
    let verdict = |(measure, spread): (&str, Option<Spread>)| {
        let apart = spread.map(|spread| spread.max / spread.min)?;
        let found = Spread {
            median: apart,
            min: apart,
            max: apart,
        };
        let measure = measure.to_owned();
        Some(Verdict::new(what(), measure, found, runs, FLAT))
    };
    named.into_iter().filter_map(verdict).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a process's memory is far below 2^52 bytes"
)]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

#[cfg(test)]
mod tests {
    use super::verdicts;
    use crate::bench::contest::{Contest, Match, Pair, Work};
    use crate::bench::goal::{Goal, Measure};
    use crate::bench::growth::Growth;
    use crate::bench::measure::Cost;
    use crate::bench::measure::Sample;

    fn cost(wall: f64, mib: u64) -> Cost {
        Cost {
            wall,
            cpu: wall,
            peak: mib << 20,
        }
    }

    fn contest(goals: &'static [Goal], walls: &[(f64, f64)]) -> Contest {
        let sample = |wall, size| Sample {
            cost: cost(wall, 30),
            size,
        };
        Contest {
            terms: Match {
                work: Work::Build,
                what: "build",
                ours: "jumpimg build",
                peer: "tar -cz",
                goals,
            },
            pairs: walls
                .iter()
                .map(|(ours, peer)| Pair {
                    ours: sample(*ours, Some(90)),
                    peer: sample(*peer, Some(100)),
                })
                .collect(),
        }
    }

    #[test]
    fn a_target_is_reached_by_the_median_of_the_ratios() {
        const GOALS: &[Goal] = &[
            Goal::must(Measure::Wall, 0.5),
            Goal::must(Measure::Size, 0.89),
        ];
        let found = verdicts(
            &[contest(GOALS, &[(1.0, 2.0), (9.0, 10.0), (1.0, 4.0)])],
            &[],
        );
        assert_eq!(found[0].what, "build ÷ tar -cz");
        assert_eq!((found[0].found.median, found[0].found.max), (0.5, 0.9));
        assert!(found[0].reached, "0.5 is at most 0.5");
        assert!(!found[1].reached, "0.9 is more than 0.89");
        assert_eq!(found[2].what, "peak of build");
        assert!(found[2].reached);
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn one_run_with_too_much_memory_misses_the_target() {
        let mut contest = contest(&[], &[(1.0, 1.0); 5]);
        contest.pairs[3].ours.cost.peak = 65 << 20;
        let found = verdicts(&[contest], &[]);
        assert_eq!(found.len(), 1);
        assert!(!found[0].reached);
    }

    #[test]
    fn growth_is_flat_where_the_dearest_file_is_within_15_percent_of_the_cheapest() {
        let at = |files: u64, wall: f64, mib| Growth {
            files,
            size: 1,
            build: cost(1.0, 60),
            verify: cost(1.0, 20),
            extracts: vec![cost(wall, mib); 3],
        };
        let found = verdicts(
            &[],
            &[at(1000, 1.0, 20), at(4000, 4.4, 20), at(20_000, 21.0, 24)],
        );
        let named = |word: &str| found.iter().find(|verdict| verdict.measure.contains(word));
        let time = named("time a file").expect("judged");
        assert!(time.reached && time.found.median > 1.09, "{time:?}");
        assert!(
            !named("memory, most").expect("judged").reached,
            "24 is not 20"
        );
        assert!(
            found
                .iter()
                .any(|verdict| verdict.what == "peak of extract, 20000 files")
        );
    }
}
