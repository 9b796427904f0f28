//! When a node is looked at again. Pure.

use std::time::Duration;

/// All nodes together are looked at so often in a second: a login takes some 40 ms of a processor.
const LOOKS: f64 = 20.0;
/// The longest between two looks at a node of a small fleet that shows nothing new.
const LONGEST: Duration = Duration::from_secs(10);
/// How much longer each pause is than the one before it.
const GROWTH: f64 = 1.4;

/// The pause before the next look at a node: `least` is what its own state asks for, `alike` how often it
/// was seen as it is, `followed` how many nodes are followed, and `chance` from 0 to 1.
pub(super) fn pause(least: Duration, alike: u32, followed: usize, chance: f64) -> Duration {
    let times = GROWTH.powi(i32::try_from(alike.min(20)).unwrap_or(20));
    let grown = least.mul_f64(times).min(LONGEST.max(least));
    let share = Duration::from_secs_f64(u32::try_from(followed).map_or(1e6, f64::from) / LOOKS);
    grown.max(share).mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_many_nodes_share_the_looks() {
        let of = |alike, followed| pause(Duration::from_secs(2), alike, followed, 0.5);
        assert_eq!(of(0, 1), Duration::from_secs(2));
        assert!(of(3, 1) > of(1, 1));
        assert_eq!(of(20, 1), LONGEST);
        assert_eq!(of(0, 1000), Duration::from_secs(50));
        let early = pause(Duration::from_secs(2), 0, 1, 0.0);
        assert!(early < of(0, 1) && early > Duration::from_secs(1));
    }
}
