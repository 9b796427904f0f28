//! What stops a fleet: failures that are a pattern.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::job::FleetWish;

/// Why nothing more is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A canary has failed.
    Canary,
    /// `stop.count`.
    Count,
    /// `stop.percent`.
    Percent,
    /// `stop.same`.
    Same,
    /// `unreachable.percent`.
    Unreachable,
    /// The admin has said so, by `fleet stop` or in answer to a question.
    Asked,
    /// Ctrl-C.
    Interrupted,
}

/// A fleet that is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Why.
    pub rule: Rule,
    /// The same in words.
    pub why: String,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// Failures since the fleet was begun, or taken up again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    failures: usize,
    unreachable: usize,
    by_code: BTreeMap<String, usize>,
    by_batch: BTreeMap<usize, usize>,
}

/// A failure, and how large what it is a part of is.
pub(super) struct Failed<'a> {
    pub(super) code: &'a str,
    /// Whether the node did not answer before anything was changed on it.
    pub(super) is_unreachable: bool,
    /// The batch it is in, and whether that is the canary's.
    pub(super) batch: usize,
    pub(super) is_canary: bool,
    pub(super) batch_size: usize,
    pub(super) all: usize,
}

/// One alone is no pattern.
const PATTERN: usize = 2;

impl Tally {
    /// Counts a failure; the rule that it breaks, if it breaks one.
    pub(super) fn count(&mut self, wish: &FleetWish, failed: &Failed<'_>) -> Option<Stop> {
        let stop = |rule, why| Some(Stop { rule, why });
        let Failed { code, all, .. } = *failed;
        if failed.is_unreachable {
            self.unreachable += 1;
        } else {
            self.failures += 1;
            *self.by_code.entry(code.to_owned()).or_default() += 1;
            *self.by_batch.entry(failed.batch).or_default() += 1;
        }
        if failed.is_canary {
            return stop(Rule::Canary, format!("a canary has failed [{code}]"));
        }
        if failed.is_unreachable {
            let limit = wish.unreachable.percent;
            let part = self.unreachable;
            return if part >= PATTERN && limit.is_reached(part, all) {
                stop(
                    Rule::Unreachable,
                    format!("{part} of {all} nodes do not answer: {limit} are too many"),
                )
            } else {
                None
            };
        }
        let same = self.by_code.get(code).copied().unwrap_or_default();
        let in_batch = self.by_batch.get(&failed.batch).copied();
        let in_batch = in_batch.unwrap_or_default();
        let failures = self.failures;
        let limit = wish.stop.percent;
        if wish
            .stop
            .count
            .is_some_and(|most| failures >= whole(most.get()))
        {
            stop(Rule::Count, format!("{failures} nodes have failed"))
        } else if same >= whole(wish.stop.same.get()) {
            stop(Rule::Same, format!("{same} nodes have failed with {code}"))
        } else if failures >= PATTERN && limit.is_reached(failures, all) {
            let why = format!("{failures} of {all} nodes have failed: {limit} are too many");
            stop(Rule::Percent, why)
        } else if in_batch >= PATTERN && limit.is_reached(in_batch, failed.batch_size) {
            let size = failed.batch_size;
            let why =
                format!("{in_batch} of a batch of {size} nodes have failed: {limit} are too many");
            stop(Rule::Percent, why)
        } else {
            None
        }
    }
}

fn whole(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: usize = 1000;

    fn failed(code: &str) -> Failed<'_> {
        Failed {
            code,
            is_unreachable: false,
            batch: 1,
            is_canary: false,
            batch_size: 100,
            all: ALL,
        }
    }

    fn rules(failures: &[Failed<'_>]) -> Vec<Option<Rule>> {
        let (wish, mut tally) = (FleetWish::default(), Tally::default());
        let counted = failures.iter().map(|it| tally.count(&wish, it));
        counted.map(|stop| stop.map(|it| it.rule)).collect()
    }

    #[test]
    fn two_of_a_kind_stop_and_two_of_two_kinds_are_a_part_of_their_batch() {
        assert_eq!(rules(&[failed("a"), failed("a")]), [None, Some(Rule::Same)]);
        assert_eq!(
            rules(&[failed("a"), failed("b")]),
            [None, Some(Rule::Percent)]
        );
        let large = |code| Failed {
            batch_size: ALL,
            ..failed(code)
        };
        assert_eq!(rules(&[large("a"), large("b"), large("c")]), [None; 3]);
    }

    #[test]
    fn one_canary_is_enough() {
        let canary = Failed {
            is_canary: true,
            ..failed("a")
        };
        assert_eq!(rules(&[canary]), [Some(Rule::Canary)]);
    }

    #[test]
    fn those_that_do_not_answer_neither_stop_by_their_code_nor_hide_what_does() {
        let dead = || Failed {
            is_unreachable: true,
            ..failed("unreachable")
        };
        let mut many: Vec<_> = (0..50).map(|_| dead()).collect();
        assert_eq!(rules(&many).pop().flatten(), Some(Rule::Unreachable));
        many.truncate(49);
        many.extend([failed("a"), failed("a")]);
        let all = rules(&many);
        assert_eq!(all[..50], [None; 50]);
        assert_eq!(all[50], Some(Rule::Same));
    }
}
