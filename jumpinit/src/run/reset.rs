//! A deadline that ends in a reset.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow};
use jumpsys::kernel::restart::{RebootVia, reboot};

use crate::run::reporter::Reporter;

/// Resets the machine unless it is dropped in time: what is waited for may hang in the
/// kernel, where no other limit reaches.
#[derive(Debug)]
pub(crate) struct Deadline {
    thread: JoinHandle<()>,
    _alive: Sender<()>,
}

impl Deadline {
    /// Begins to count; `late` is what is told when it resets.
    pub(crate) fn start(limit: Duration, via: RebootVia, late: &'static str) -> Self {
        let (alive, dropped) = channel();
        let reset = move || {
            if dropped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                Reporter::to_console().note(late);
                // If even this fails the watchdog is left.
                reboot(via).ok();
            }
        };
        Self {
            thread: std::thread::spawn(reset),
            _alive: alive,
        }
    }

    /// Waits for the reset.
    pub(crate) fn wait(self) -> Result<()> {
        let waited = self.thread.join();
        waited.map_err(|_| anyhow!("the machine was not reset"))
    }
}
