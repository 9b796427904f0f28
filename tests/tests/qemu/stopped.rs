//! Machines that stop while firmware variables and files of the EFI system partition are written, as
//! `cargo xtask machine-stops` does it with more of them.

use anyhow::{Context as _, Result};
use jumplab::experiments::machine_stops::{self, Options};

/// About so many; `JUMP_STOPS` names another number.
const STOPS: u32 = 12;
const SEED: u64 = 2026;

pub(crate) fn stops() -> Result<()> {
    let count = match std::env::var("JUMP_STOPS") {
        Ok(count) => count.parse().context("JUMP_STOPS is a number")?,
        Err(_) => STOPS,
    };
    machine_stops::stop(&Options {
        count,
        seed: SEED,
        keep: false,
        json: false,
    })
}
