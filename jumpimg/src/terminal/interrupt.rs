//! Ctrl-C, and a terminal that is closed: the first one is noted, so that the command can say
//! what state the node is in and leaves no unfinished file; the second ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jumpsys::kernel::system::ignores;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// 128 + SIGINT.
const STATUS: i32 = 130;
/// How long Ctrl-C may go unnoticed.
pub(crate) const TICK: Duration = Duration::from_millis(200);

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Begins to listen for SIGINT, SIGTERM and SIGHUP, but for what nohup(1) or a shell has this
    /// program ignore.
    pub(crate) fn listen() -> Result<Self> {
        let caught = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if ignores(signal) {
                continue;
            }
            // The order matters: the shutdown sees the flag that an earlier signal set.
            flag::register_conditional_shutdown(signal, STATUS, Arc::clone(&caught))
                .and_then(|_| flag::register(signal, Arc::clone(&caught)))
                .context("cannot listen for Ctrl-C")?;
        }
        Ok(Self(caught))
    }

    /// One that nothing interrupts.
    pub(crate) fn never() -> Self {
        Self(Arc::default())
    }

    /// Whether it was.
    pub(crate) fn caught(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps, but not past Ctrl-C; whether it was pressed.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.caught() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::sleep(left.min(TICK));
        }
        true
    }
}
