//! How long parts of a jump take nodes usually, and who takes much longer. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jumpspec::fleet::Part;

/// Fewer times say nothing.
const FEWEST: usize = 3;

/// The times that parts took, each part by the system that answered in it; none is the time without an
/// answer after the reboot was ordered.
#[derive(Debug, Default)]
pub(super) struct Usual(BTreeMap<Option<Part>, Vec<Duration>>);

impl Usual {
    /// A node was done with a part after that time.
    pub(super) fn took(&mut self, part: Option<Part>, time: Duration) {
        let times = self.0.entry(part).or_default();
        let place = times.partition_point(|other| *other <= time);
        times.insert(place, time);
    }

    /// The shortest that it took a node.
    pub(super) fn shortest(&self, part: Option<Part>) -> Option<Duration> {
        self.0.get(&part)?.first().copied()
    }

    /// What half of the nodes took at most, once some are known.
    pub(super) fn of(&self, part: Option<Part>) -> Option<Duration> {
        let times = self.0.get(&part).filter(|times| times.len() >= FEWEST)?;
        times.get(times.len() / 2).copied()
    }
}

/// A part in words.
pub(super) fn words(part: Option<Part>) -> &'static str {
    match part {
        None => "on its way to the jump system",
        Some(Part::Jump) => "in its jump system",
        Some(Part::New) => "in its new system, which is not confirmed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_three_or_more_is_usual() {
        let mut usual = Usual::default();
        for (seconds, known) in [(30, None), (10, None), (20, Some(20)), (90, Some(30))] {
            usual.took(Some(Part::Jump), Duration::from_secs(seconds));
            assert_eq!(usual.of(Some(Part::Jump)), known.map(Duration::from_secs));
        }
        assert_eq!(usual.of(None), None);
        assert_eq!(
            usual.shortest(Some(Part::Jump)),
            Some(Duration::from_secs(10))
        );
    }
}
