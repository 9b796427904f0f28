//! How long a node that was given an order is waited for: it may hang, be frozen, or say the same
//! for ever. Pure: told what was heard and when.

use std::collections::HashSet;
use std::time::Duration;

use jumpspec::job::LONGEST_HOOK;
use jumpspec::run::event::{Event, What};
use jumpspec::run::task::Task;

/// How long nothing new may come of an order with steps: a hook of the admin's may take long there,
/// and what is saved may be large, and neither tells how far it is.
pub(super) const STEPS: Duration = LONGEST_HOOK.saturating_add(Duration::from_mins(5));
/// The same where bytes are sent, which get on or do not.
pub(super) const BYTES: Duration = Duration::from_mins(10);

/// What has come of an order so far. Times are since it was given.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Duration,
    /// When there was something new last.
    since: Duration,
    /// How far the step is, as the node has it, and what has been sent to it.
    furthest: u64,
    sent: u64,
    /// Steps that were begun.
    steps: HashSet<Task>,
}

impl Patience {
    /// Of an order that is waited for so long.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: Duration::ZERO,
            furthest: 0,
            sent: 0,
            steps: HashSet::new(),
        }
    }

    /// Takes an event: a step that was not begun before, or more of one, is something new.
    pub(super) fn hear(&mut self, event: &Event, now: Duration) {
        match &event.what {
            What::Begin { task } if !self.steps.contains(task) => {
                self.steps.insert(task.clone());
                (self.furthest, self.since) = (0, now);
            }
            What::Progress { done, .. } if *done > self.furthest => {
                (self.furthest, self.since) = (*done, now);
            }
            _ => {}
        }
    }

    /// Takes how many bytes were sent so far.
    pub(super) fn sent(&mut self, bytes: u64, now: Duration) {
        if bytes > self.sent {
            (self.sent, self.since) = (bytes, now);
        }
    }

    /// For how long nothing new has come, if that is too long.
    pub(super) fn is_over(&self, now: Duration) -> Option<Duration> {
        (now.saturating_sub(self.since) > self.limit).then_some(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use jumpspec::run::task::StepId;
    use jumpspec::step::Stage;

    use super::*;

    fn event(what: What) -> Event {
        Event {
            uptime_ms: 1,
            stage: Stage::Stage,
            what,
        }
    }

    fn begin(step: StepId) -> Event {
        event(What::Begin { task: step.into() })
    }

    fn progress(done: u64) -> Event {
        event(What::Progress {
            task: StepId::Extract.into(),
            done,
            total: 9,
        })
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_mins(minutes)
    }

    #[test]
    fn silence_is_waited_for_only_so_long() {
        let patience = Patience::new(BYTES);
        assert_eq!(patience.is_over(BYTES), None);
        assert_eq!(patience.is_over(minutes(11)), Some(BYTES));
    }

    #[test]
    fn what_gets_on_is_waited_for_and_what_is_said_again_is_not() {
        let mut patience = Patience::new(BYTES);
        patience.hear(&begin(StepId::Extract), minutes(9));
        patience.hear(&progress(1), minutes(18));
        assert_eq!(patience.is_over(minutes(27)), None);
        for minute in 19..30 {
            let now = minutes(minute);
            patience.hear(&begin(StepId::Extract), now);
            patience.hear(&progress(1), now);
            patience.hear(
                &event(What::Note {
                    text: String::new(),
                }),
                now,
            );
            patience.sent(0, now);
        }
        assert!(patience.is_over(minutes(29)).is_some());
        patience.sent(1, minutes(29));
        assert_eq!(patience.is_over(minutes(29)), None);
    }
}
