//! What was heard of a run, so that nothing is told twice: of the node's log by how far it was read,
//! and of what the node said as it happened by what the log has not shown yet. Pure.
//!
//! A node may say anything, as often as it likes: never more than [`WAITING`] events are kept, and
//! more than [`ALL`] bytes are nothing that anybody reads.

use std::collections::{HashSet, VecDeque};

use jumpspec::answers;
use jumpspec::run::event::Event;
use jumpspec::words::digest::Digest;

/// Bytes of all that is told of one run. The progress of a replacement that takes a day has half.
const ALL: u64 = 64 << 20;
/// Events that were heard as they happened and that the log may show again. Staging that tells its
/// progress for two hours has so many.
const WAITING: usize = 16 << 10;

/// What was heard of a run.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Bytes of the log up to the end of the last event that was read there.
    offset: u64,
    /// That event. A log that has another one there is another log, or lost its end.
    last: Option<Digest>,
    /// The log's last events, for one that lost its end.
    read: VecDeque<Digest>,
    /// The same, to look up.
    looked_up: HashSet<Digest>,
    /// What was heard as it happened, the oldest first. The log has it in the same order.
    waiting: VecDeque<Digest>,
    /// Bytes of all that was told.
    told: u64,
}

/// Whether something is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is.
    New,
    /// It is, and is the last.
    Last,
    /// It was told before.
    Old,
    /// More was told than anybody reads.
    TooMuch,
}

impl Heard {
    /// Takes an event as it happens.
    pub(crate) fn live(&mut self, event: &Event) -> News {
        let line = line(event);
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Digest::of(line.as_bytes()));
        self.count(line.len())
    }

    /// Takes an event of the log, which ends there at byte `end`.
    pub(crate) fn logged(&mut self, event: &Event, end: u64) -> News {
        let line = line(event);
        let digest = Digest::of(line.as_bytes());
        (self.offset, self.last) = (end, Some(digest));
        if !self.looked_up.insert(digest) {
            return News::Old;
        }
        self.read.push_back(digest);
        if self.read.len() > WAITING
            && let Some(oldest) = self.read.pop_front()
        {
            self.looked_up.remove(&oldest);
        }
        // Those before it were told before there was a log.
        if let Some(at) = self.waiting.iter().position(|heard| *heard == digest) {
            self.waiting.drain(..=at);
            return News::Old;
        }
        self.count(line.len())
    }

    /// The lines of a whole log that were not read, with the byte at which each ends. What has no
    /// end yet is none.
    pub(crate) fn unread<'t>(
        &self,
        log: &'t str,
    ) -> impl Iterator<Item = (&'t str, u64)> + use<'t> {
        let mut end = self.read_of(log);
        let lines = log.get(end..).unwrap_or_default().split_inclusive('\n');
        let whole = lines.take_while(|line| line.ends_with('\n'));
        whole.map(move |line| {
            end += line.len();
            (line, end as u64)
        })
    }

    /// Whether a whole log has all that was read of it.
    pub(crate) fn goes_on(&self, log: &str) -> bool {
        self.offset == 0 || self.read_of(log) > 0
    }

    /// How much of `log` was read: nothing, if it is another one than what was.
    fn read_of(&self, log: &str) -> usize {
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let read = log.get(..offset).unwrap_or_default();
        let last = read.lines().next_back().unwrap_or_default();
        let last = answers::event(last.as_bytes()).map(|event| Digest::of(line(&event).as_bytes()));
        if last.is_some() && last == self.last {
            offset
        } else {
            0
        }
    }

    fn count(&mut self, bytes: usize) -> News {
        if self.told > ALL {
            return News::TooMuch;
        }
        self.told += bytes as u64;
        if self.told > ALL {
            News::Last
        } else {
            News::New
        }
    }
}

/// An event as it is known again.
fn line(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jumpspec::run::event::What;
    use jumpspec::step::Stage;

    use super::*;

    fn event(text: &str) -> Event {
        let text = text.to_owned();
        Event {
            uptime_ms: 1,
            stage: Stage::Stage,
            what: What::Note { text },
        }
    }

    fn log(texts: &[&str]) -> String {
        let lines = texts.iter().map(|text| line(&event(text)) + "\n");
        lines.collect()
    }

    /// Reads a whole log; what of it is news.
    fn news(heard: &mut Heard, log: &str) -> Vec<String> {
        let events = heard.unread(log).filter_map(|(line, end)| {
            let event = answers::event(line.as_bytes())?;
            Some((event, end))
        });
        let events: Vec<_> = events.collect();
        let new = events
            .into_iter()
            .filter(|(event, end)| heard.logged(event, *end) == News::New);
        let text = |event: Event| match event.what {
            What::Note { text } => text,
            other => format!("{other:?}"),
        };
        new.map(|(event, _)| text(event)).collect()
    }

    #[test]
    fn a_log_is_told_from_where_it_was_read_and_another_one_from_its_beginning() {
        let mut heard = Heard::default();
        assert_eq!(news(&mut heard, &log(&["a", "b"])), ["a", "b"]);
        let under_way = log(&["a", "b", "c"]) + "{\"uptime";
        assert_eq!(news(&mut heard, &under_way), ["c"]);
        assert_eq!(news(&mut heard, &log(&["a", "b", "c"])), [""; 0]);
        let longer = log(&["x, which is longer", "y", "z", "zz"]);
        assert_eq!(news(&mut heard, &longer).len(), 4);
        assert_eq!(news(&mut heard, &log(&["q"])), ["q"]);
    }

    #[test]
    fn of_a_log_that_lost_its_end_what_came_instead_is_told_and_nothing_twice() {
        let mut heard = Heard::default();
        let whole = log(&["a", "b", "c, which is lost"]);
        assert_eq!(news(&mut heard, &whole).len(), 3);
        let instead = log(&["a", "b", "d"]);
        assert!(heard.goes_on(&whole) && !heard.goes_on(&instead));
        assert_eq!(news(&mut heard, &instead), ["d"]);
        let longer = log(&["a", "b", "d", "e", "f"]);
        assert!(heard.goes_on(&longer));
        assert_eq!(news(&mut heard, &longer), ["e", "f"]);
    }

    #[test]
    fn what_was_heard_as_it_happened_is_not_told_of_the_log_and_what_was_missed_is() {
        let mut heard = Heard::default();
        for text in ["before the log", "a", "c"] {
            assert_eq!(heard.live(&event(text)), News::New);
        }
        assert_eq!(
            news(&mut heard, &log(&["a", "missed", "c", "d"])),
            ["missed", "d"]
        );
        assert!(heard.waiting.is_empty());
    }

    #[test]
    fn no_more_is_kept_than_its_bound() {
        let mut heard = Heard::default();
        for number in 0..=WAITING {
            heard.live(&event(&number.to_string()));
        }
        assert_eq!(heard.waiting.len(), WAITING);
    }

    #[test]
    fn everything_is_told_until_it_is_too_much() {
        let mut heard = Heard::default();
        let long = "x".repeat(1 << 20);
        let told: Vec<_> = (0..66).map(|_| heard.live(&event(&long))).collect();
        assert_eq!(told.iter().filter(|news| **news == News::Last).count(), 1);
        assert_eq!(told.last(), Some(&News::TooMuch));
    }
}
