//! When a machine is stopped: after some write of a stretch of them, the first ones more densely than the
//! later ones, so that a short stretch has its share. Pure.

use std::time::{Duration, Instant};

use crate::random::SplitMix;

/// Writes with no longer a pause between them are one stretch.
const PAUSE: Duration = Duration::from_secs(2);
/// How much further apart the next stop of a stretch may be.
const FURTHER: u64 = 3;
/// How many instants a journey gives, about.
const INSTANTS: u64 = 80;

/// The writes of one kind as they come.
#[derive(Debug)]
pub(super) struct Pace {
    random: SplitMix,
    /// So many of `INSTANTS` are taken.
    count: u64,
    /// How far the first instant of a stretch is from its beginning at most, in writes.
    first: u64,
    last: Option<Instant>,
    seen: u64,
    due: u64,
    gap: u64,
}

impl Pace {
    /// For about `count` stops of a journey, the first of a stretch among its `first` writes.
    pub(super) fn new(seed: u64, count: u32, first: u64) -> Self {
        Self {
            random: SplitMix::new(seed),
            count: count.into(),
            first,
            last: None,
            seen: 0,
            due: 0,
            gap: 0,
        }
    }

    /// Takes in that so many writes were seen; whether a stop is due now.
    pub(super) fn saw(&mut self, writes: u64, now: Instant) -> bool {
        if writes == 0 {
            return false;
        }
        let goes_on = |last: Instant| now.saturating_duration_since(last) < PAUSE;
        if !self.last.is_some_and(goes_on) {
            (self.seen, self.gap) = (0, self.first);
            self.due = 1 + self.below(self.gap);
        }
        self.last = Some(now);
        self.seen += writes;
        if self.seen < self.due {
            return false;
        }
        self.gap *= FURTHER;
        self.due = self.seen + 1 + self.below(self.gap);
        self.below(INSTANTS) < self.count
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random.draw() % end.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The writes of a stretch of 1,000 that are followed by a stop.
    fn stretch(pace: &mut Pace, now: Instant) -> Vec<u64> {
        (1..=1000).filter(|_| pace.saw(1, now)).collect()
    }

    #[test]
    fn a_stretch_s_first_writes_have_more_stops_than_its_later_ones() {
        let stops = stretch(&mut Pace::new(1, 1000, 3), Instant::now());
        assert!((4..=12).contains(&stops.len()), "{stops:?}");
        assert!(stops[0] <= 3 && stops[1] <= 12, "{stops:?}");
    }

    #[test]
    fn a_stretch_begins_behind_a_pause() {
        let (mut pace, now) = (Pace::new(1, 1000, 3), Instant::now());
        stretch(&mut pace, now);
        let next = stretch(&mut pace, now + PAUSE);
        assert!(next[0] <= 3, "{next:?}");
    }

    #[test]
    fn fewer_stops_are_made_where_fewer_are_wanted() {
        let stops = |count| {
            let (mut pace, mut now) = (Pace::new(7, count, 3), Instant::now());
            let stretches = (0..100).map(|_| {
                now += PAUSE;
                stretch(&mut pace, now).len()
            });
            stretches.sum::<usize>()
        };
        let (few, many) = (stops(8), stops(80));
        assert!(few * 5 < many && few * 20 > many, "{few} of {many}");
    }
}
