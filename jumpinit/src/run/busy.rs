//! A device that somebody else has for a moment: who asks for the status looks into the landing
//! partition, and is soon gone.

use std::io::{Error, ErrorKind};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How long somebody may hold it who only looks.
const LIMIT: Duration = Duration::from_secs(30);
/// How often is looked whether he is gone.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Acts once the device is free; what is still held after half a minute is an error. `act` may be
/// begun several times.
pub(crate) fn once_free<T>(act: impl FnMut() -> Result<T>) -> Result<T> {
    once_free_within(LIMIT, act)
}

fn once_free_within<T>(limit: Duration, mut act: impl FnMut() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match act() {
            Err(error) if is_busy(&error) && begun.elapsed() < limit => sleep(LOOK_EVERY),
            done => return done,
        }
    }
}

fn is_busy(error: &anyhow::Error) -> bool {
    let busy = |cause: &(dyn std::error::Error + 'static)| {
        let error: Option<&Error> = cause.downcast_ref();
        error.is_some_and(|error| error.kind() == ErrorKind::ResourceBusy)
    };
    error.chain().any(busy)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};
    use jumpsys::PathError;

    use super::*;

    fn held() -> anyhow::Error {
        PathError {
            action: "open for itself alone",
            path: "/dev/sda2".into(),
            source: ErrorKind::ResourceBusy.into(),
        }
        .into()
    }

    #[test]
    fn whoever_only_looks_is_waited_for() {
        let mut looks = 2;
        let done = once_free(|| {
            looks -= 1;
            if looks > 0 {
                return Err(held()).context("cannot make swap");
            }
            Ok("made")
        });
        assert_eq!(done.unwrap(), "made");
    }

    #[test]
    fn who_stays_is_an_error_and_another_error_is_told_at_once() {
        let waited = once_free_within(Duration::ZERO, || Err::<(), _>(held()));
        assert!(is_busy(&waited.unwrap_err()));
        let mut tries = 0;
        let other = once_free(|| {
            tries += 1;
            Err::<(), _>(anyhow!("a bad UUID"))
        });
        assert_eq!((other.is_err(), tries), (true, 1));
    }
}
