//! Ctrl-C: the first is noted and ends the work between two steps, so that scratch files go; the
//! second ends the program at once. Mounts and loop devices go with the process either way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// 128 + SIGINT.
const STATUS: i32 = 130;

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Begins to listen for SIGINT and SIGTERM.
    pub fn listen() -> Result<Self> {
        let caught = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The order matters: the shutdown sees the flag that an earlier signal set.
            flag::register_conditional_shutdown(signal, STATUS, Arc::clone(&caught))
                .and_then(|_| flag::register(signal, Arc::clone(&caught)))
                .context("cannot listen for Ctrl-C")?;
        }
        Ok(Self(caught))
    }

    /// Fails once it was pressed.
    pub fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }
}
