//! Waits for a condition, never for a fixed time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// Asks `condition` until it says yes; returns how long that took.
///
/// Fails when `within` has passed, or as soon as the condition itself fails.
pub fn until(
    what: &str,
    within: Duration,
    condition: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    until_every(INTERVAL, what, within, condition)
}

/// The same, looking once every `interval`.
pub fn until_every(
    interval: Duration,
    what: &str,
    within: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    let started = Instant::now();
    loop {
        if condition()? {
            return Ok(started.elapsed());
        }
        if started.elapsed() >= within {
            bail!("{what}: not within {} s", within.as_secs());
        }
        std::thread::sleep(interval);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn the_error_names_what_was_awaited() {
        let error = super::until("the moon", Duration::ZERO, || Ok(false)).expect_err("never");
        assert_eq!(error.to_string(), "the moon: not within 0 s");
    }
}
