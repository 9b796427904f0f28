//! When a node is looked at again. Pure.

use std::time::Duration;

/// All nodes together are looked at so often in a second at most: a login takes some 25 ms of a processor.
const LOOKS: u32 = 32;
/// The longest between two looks at a node that shows nothing new.
const LONGEST: Duration = Duration::from_secs(10);
/// How much longer each pause is than the one before it.
const GROWTH: f64 = 1.4;
/// A part of its jump is left alone for so much of the shortest time that it has taken a node.
const SURE: f64 = 0.8;

/// What is known of a node that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The pause that its own state asks for.
    pub(super) least: Duration,
    /// How often it was seen as it is.
    pub(super) alike: u32,
    /// How long it is so.
    pub(super) since: Duration,
    /// The shortest that this has taken a node, if one is through.
    pub(super) shortest: Option<Duration>,
    /// The longest that it may be left alone: it may wait for this host's login, and not for ever.
    pub(super) most: Duration,
}

impl Seen {
    /// The pause before the next look; `chance`, from 0 to 1, keeps nodes apart.
    pub(super) fn pause(&self, chance: f64) -> Duration {
        let times = GROWTH.powi(i32::try_from(self.alike.min(20)).unwrap_or(20));
        let grown = self.least.mul_f64(times).min(LONGEST.max(self.least));
        let grown = grown.mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0));
        let sure = self.shortest.map(|time| time.mul_f64(SURE));
        let pause = grown.max(sure.unwrap_or_default().saturating_sub(self.since));
        pause.min(self.most.max(self.least))
    }
}

/// Keeps the looks at all nodes apart.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// There is none before this.
    next: Duration,
}

impl Pace {
    /// Whether there may be a look at `now`, which counts then; else how long until there may.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let wait = self.next.saturating_sub(now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.next = now + Duration::from_secs(1) / LOOKS;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Seen = Seen {
        least: Duration::from_secs(2),
        alike: 0,
        since: Duration::ZERO,
        shortest: None,
        most: Duration::from_mins(1),
    };

    #[test]
    fn pauses_grow_while_nothing_new_is_seen() {
        let of = |alike| Seen { alike, ..SEEN }.pause(0.5);
        assert_eq!(of(0), Duration::from_secs(2));
        assert!(of(3) > of(1));
        assert_eq!(of(20), LONGEST);
        let early = SEEN.pause(0.0);
        assert!(early < of(0) && early > Duration::from_secs(1));
    }

    #[test]
    fn what_took_every_node_a_minute_is_not_looked_at_every_other_second() {
        let minute = Some(Duration::from_mins(1));
        let of = |since| {
            let since = Duration::from_secs(since);
            Seen {
                since,
                shortest: minute,
                ..SEEN
            }
            .pause(0.5)
        };
        assert_eq!(of(0), Duration::from_secs(48));
        assert_eq!(of(40), Duration::from_secs(8));
        assert_eq!(of(50), Duration::from_secs(2));
        let hour = Some(Duration::from_hours(1));
        assert_eq!(
            Seen {
                shortest: hour,
                ..SEEN
            }
            .pause(0.5),
            SEEN.most
        );
    }

    #[test]
    fn a_second_has_so_many_looks() {
        let (mut pace, mut now, mut looks) = (Pace::default(), Duration::ZERO, 0);
        while now < Duration::from_secs(10) {
            match pace.take(now) {
                Ok(()) => looks += 1,
                Err(wait) => now += wait,
            }
        }
        assert_eq!(looks, 10 * LOOKS);
    }
}
