//! The stage that runs each fuzz target for a short while; `cargo xtask fuzz` runs them for longer.

use std::time::Instant;

use anyhow::Result;

use super::FUZZ;
use super::outcome::{Counts, Failures, Outcome};
use crate::fuzz::{self, TARGETS};

/// Seconds for each target.
const SECONDS: u32 = 10;

/// Runs the targets; a crash of one fails the stage.
pub(super) fn perform() -> Result<Outcome> {
    eprintln!("test: {FUZZ}");
    let started = Instant::now();
    if let Err(error) = fuzz::prepare() {
        let why = format!("{error:#}").replace('\n', "; ");
        return Ok(Outcome::left_out(FUZZ, &why));
    }
    let ran = fuzz::run(TARGETS, SECONDS)?;
    print!("{}", fuzz::table(&ran));
    let failed = ran.iter().filter(|ran| ran.crash.is_some()).count();
    Ok(Outcome {
        stage: FUZZ.to_owned(),
        passed: failed == 0,
        took: started.elapsed(),
        processor: None,
        counts: Counts::new(u32::try_from(ran.len() - failed)?, u32::try_from(failed)?),
        skipped: Vec::new(),
        failures: Failures::default(),
        seconds: Vec::new(),
    })
}
