//! How fast something has to come that is waited for: what trickles would be waited for without end.

use std::fmt;
use std::time::Duration;

/// Bytes a second: at fewer an image of 600 MiB takes more than two days.
const LEAST: u64 = 4 << 10;

/// Whether what comes comes at [`LEAST`] in every `limit` that it was waited for.
#[derive(Debug)]
pub(crate) struct Pace {
    limit: Duration,
    waited: Duration,
    came: u64,
}

impl Pace {
    /// Begins now.
    pub(crate) fn within(limit: Duration) -> Self {
        Self {
            limit,
            waited: Duration::ZERO,
            came: 0,
        }
    }

    /// So much was waited since the last call, and so many bytes have come; whether that is enough so far.
    pub(crate) fn keeps(&mut self, waited: Duration, came: u64) -> bool {
        self.waited += waited;
        self.came = self.came.saturating_add(came);
        if self.waited < self.limit {
            return true;
        }
        let least = self.limit.as_millis() * u128::from(LEAST) / 1000;
        let enough = u128::from(self.came) >= least.max(1);
        *self = Self::within(self.limit);
        enough
    }

    /// What is left of the time in which enough has to come.
    pub(crate) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.waited)
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.limit.as_secs();
        write!(
            f,
            "nothing came for {seconds} s, or less than {LEAST} bytes a second"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// After how many seconds it is given up, where each brings so many bytes.
    fn given_up(each: u64) -> Option<usize> {
        let mut pace = Pace::within(SECOND * 10);
        (1..=1000).find(|_| !pace.keeps(SECOND, each))
    }

    #[test]
    fn silence_and_trickles_end_and_a_slow_line_does_not() {
        assert_eq!(given_up(0), Some(10));
        assert_eq!(given_up(LEAST - 1), Some(10));
        assert_eq!(given_up(LEAST), None);
    }

    #[test]
    fn what_came_long_ago_does_not_count() {
        let mut pace = Pace::within(SECOND * 10);
        assert!(pace.keeps(SECOND, 1 << 40));
        assert_eq!((1..=1000).find(|_| !pace.keeps(SECOND, 1)), Some(19));
    }
}
