//! Building: `jumpimg build` against tar with zstd and with gzip.

use anyhow::Result;

use super::commands;
use super::contest::{Contest, Match, Work, hold};
use super::goal::{Goal, Measure};
use super::ground::Ground;
use super::input::Input;

const AGAINST_ZSTD: Match = Match {
    work: Work::Build,
    what: "build",
    ours: "jumpimg build",
    peer: "tar | zstd -3 -T0",
    goals: &[
        Goal::must(Measure::Wall, 0.95),
        Goal::must(Measure::Cpu, 0.90),
        Goal::must(Measure::Size, 0.98),
    ],
};

const AGAINST_GZIP: Match = Match {
    work: Work::Build,
    what: "build",
    ours: "jumpimg build",
    peer: "tar -czf",
    goals: &[Goal::must(Measure::Wall, 0.13)],
};

/// Holds both matches; leaves the archives to be extracted.
pub(super) fn contests(ground: &Ground, input: &Input) -> Result<Vec<Contest>> {
    let (root, interrupt) = (&input.root, &ground.interrupt);
    let ours = || {
        let command = commands::build(&ground.dist, root, &input.image);
        ground.make(&command, root, &input.image)
    };
    let zstd = || ground.make(&commands::tar_zstd(root, &input.zstd), root, &input.zstd);
    let gzip = || ground.make(&commands::tar_gzip(root, &input.gzip), root, &input.gzip);
    Ok(vec![
        hold(AGAINST_ZSTD, ground.rounds, interrupt, ours, zstd)?,
        hold(AGAINST_GZIP, ground.gzip_rounds(), interrupt, ours, gzip)?,
    ])
}
