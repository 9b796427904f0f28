//! Extracting: `jumpinit extract` against tar with zstd and with gzip, and against the floor.

use anyhow::Result;

use super::commands;
use super::contest::{Contest, Match, Work, hold};
use super::floor;
use super::goal::{Goal, Measure};
use super::ground::Ground;
use super::input::Input;

const AGAINST_ZSTD: Match = Match {
    work: Work::Extract,
    what: "extract and sync",
    ours: "jumpinit extract, sync",
    peer: "zstd -dc | tar -x, sync",
    goals: &[
        Goal::must(Measure::Wall, 0.45),
        Goal {
            measure: Measure::Wall,
            limit: 0.38,
            stretch: true,
        },
        Goal::must(Measure::Cpu, 0.60),
    ],
};

const AGAINST_GZIP: Match = Match {
    work: Work::Extract,
    what: "extract and sync",
    ours: "jumpinit extract, sync",
    peer: "tar -xzf, sync",
    goals: &[Goal::must(Measure::Wall, 0.20)],
};

const AGAINST_FLOOR: Match = Match {
    work: Work::Extract,
    what: "extract",
    ours: "jumpinit extract --no-sync",
    peer: "floor: files from memory, 2 threads",
    goals: &[Goal::must(Measure::Wall, 1.6)],
};

/// Holds the three matches.
pub(super) fn contests(ground: &Ground, input: &Input) -> Result<Vec<Contest>> {
    input.pack(ground)?;
    let (dist, interrupt) = (&ground.dist, &ground.interrupt);
    let Input {
        image, zstd, gzip, ..
    } = input;
    let ours = || {
        ground.extract(
            |to| commands::extract_and_sync(dist, image, to),
            image,
            &input.census,
        )
    };
    let unsynced = || {
        ground.extract(
            |to| commands::extract_only(dist, image, to),
            image,
            &input.census,
        )
    };
    let zstd = || ground.extract(|to| commands::zstd_tar(zstd, to), zstd, &input.census);
    let gzip = || ground.extract(|to| commands::gzip_tar(gzip, to), gzip, &input.census);
    let floor = || floor::measure(ground, input);
    Ok(vec![
        hold(AGAINST_ZSTD, ground.rounds, interrupt, ours, zstd)?,
        hold(AGAINST_FLOOR, ground.rounds, interrupt, unsynced, floor)?,
        hold(AGAINST_GZIP, ground.gzip_rounds(), interrupt, ours, gzip)?,
    ])
}
