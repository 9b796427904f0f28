//! Verifying: `jumpimg verify`, which checks every content, against `zstd -t`, which checks none.

use anyhow::Result;

use super::commands;
use super::contest::{Contest, Match, Work, hold};
use super::goal::{Goal, Measure};
use super::ground::Ground;
use super::input::Input;

const AGAINST_ZSTD: Match = Match {
    work: Work::Verify,
    what: "verify all contents",
    ours: "jumpimg verify",
    peer: "zstd -t",
    goals: &[Goal::must(Measure::Wall, 0.45)],
};

/// Holds the match, both on the same image.
pub(super) fn contests(ground: &Ground, input: &Input) -> Result<Vec<Contest>> {
    let image = &input.image;
    let ours = || {
        Ok(ground
            .read(&commands::verify(&ground.dist, image), image)?
            .into())
    };
    let zstd = || Ok(ground.read(&commands::zstd_test(image), image)?.into());
    let (rounds, interrupt) = (ground.rounds, &ground.interrupt);
    Ok(vec![hold(AGAINST_ZSTD, rounds, interrupt, ours, zstd)?])
}
