//! `cargo xtask fleet`: pushes to a thousand nodes that are acted, measures what that takes of the admin
//! host, and holds what happened on the nodes against what a fleet run promises. With `--kills` jumpimg is
//! killed at drawn instants, and the fleet taken up again.

mod ground;
mod kills;
mod promises;
mod report;
mod scenario;
mod service;
mod trial;
mod watched;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::acted::Times;
use crate::dist::{self, Dist};
use crate::interrupt::Interrupt;
pub use kills::Kills;
pub use report::Outcome;
use report::Report;
pub use scenario::{Common, Scenario};
pub use trial::{Ended, Trial};

/// What to try, and how to print it.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least(2))]
    pub nodes: usize,
    /// Draws times and faults
    #[arg(long, value_name = "X", default_value_t = 1)]
    pub seed: u64,
    /// Nodes that are sent images at once
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = at_least(1))]
    pub transfer: usize,
    /// Fleets of so many nodes side by side, on which nothing goes wrong
    #[arg(
        long,
        value_name = "N,N",
        num_args = 0..=1,
        value_delimiter = ',',
        default_missing_value = "1,10,100,1000"
    )]
    pub table: Vec<usize>,
    /// Kill jumpimg at so many drawn instants of a fleet of 200 nodes, and have it taken up again
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "50", conflicts_with = "table")]
    pub kills: Option<usize>,
    /// With --kills: fleets at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least(1))]
    pub jobs: usize,
    /// Try jumpimg and jumpinit of this folder [default: target/dist, built anew]
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

fn at_least(least: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..)
}

/// Nodes of a fleet that is killed.
const KILLED: usize = 200;
/// Nodes of a fleet that has to stop.
const STOPPING: usize = 60;

/// A fleet of a thousand is looked at every minute.
const WAIT: &str = "boot = '4min'\nprove = '4min'\nreplace = '30min'\nhealth = '4min'\n";
/// For nodes that are [`quick`]. A push waits as long before it gives up on one that is lost.
pub const QUICK_WAIT: &str = "boot = '40s'\nprove = '1min'\nreplace = '3min'\nhealth = '1min'\n";

/// Builds the programs and tries. Fails if a promise was broken.
pub fn fleet(options: &Options) -> Result<()> {
    let dist = match &options.programs {
        Some(folder) => Dist {
            jumpimg: std::path::absolute(folder.join("jumpimg"))?,
            jumpinit: folder.join("jumpinit"),
        },
        None => dist::build()?,
    };
    let common = Common {
        seed: options.seed,
        times: Times::default(),
        wait: WAIT,
        are_lost: true,
        transfer: options.transfer,
        jumpinit: std::fs::read(&dist.jumpinit)?,
        bytes: (1 << 20, 1 << 20),
    };
    let jumpimg = &dist.jumpimg;
    if let Some(count) = options.kills {
        let common = Common {
            times: quick(),
            wait: QUICK_WAIT,
            are_lost: false,
            jumpinit: b"#!/bin/sh\n".to_vec(),
            bytes: (1 << 16, 1 << 17),
            ..common
        };
        let kills = Kills {
            nodes: options.nodes.min(KILLED),
            count,
            jobs: options.jobs,
        };
        return killed(&common, jumpimg, kills, options.json);
    }
    let scenarios = if options.table.is_empty() {
        let mut all = vec![
            common.sound(options.nodes),
            common.mixed(options.nodes, options.nodes.div_ceil(4)),
        ];
        all.extend(common.stopping(STOPPING));
        all
    } else {
        let sizes = options.table.iter();
        sizes.map(|size| common.sound(*size)).collect()
    };
    let report = tried(&common, jumpimg, scenarios)?;
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", report.text());
    }
    ensure!(
        report.broken() == 0,
        "{} promises were broken",
        report.broken()
    );
    Ok(())
}

/// Times for a fleet of which much is to be seen in little time.
pub fn quick() -> Times {
    Times {
        login: 5,
        silence: 500,
        stage: 300,
        reboot: 700,
        prove: 200,
        replace: 1000,
        confirm: 200,
    }
}

/// Pushes to one node alone, and tries each of the fleets.
fn tried(common: &Common, jumpimg: &Path, scenarios: Vec<Scenario>) -> Result<Report> {
    let interrupt = Interrupt::listen()?;
    let one = common.sound(1).trial.push(jumpimg)?;
    ensure!(
        one.cost.code == Some(0),
        "one node alone fails: see {}",
        one.ground.keep().display()
    );
    let mut fleets = Vec::new();
    for scenario in scenarios {
        interrupt.check()?;
        eprintln!("{}, {} nodes", scenario.name, scenario.trial.layout.count);
        let outcome = outcome(&scenario, common.transfer, jumpimg)?;
        eprintln!("{}", outcome.line());
        fleets.push(outcome);
    }
    Ok(Report {
        seed: common.seed,
        one: one.cost.seconds,
        fleets,
    })
}

/// Tries one fleet. Its files are kept if a promise was broken.
pub fn outcome(scenario: &Scenario, transfer: usize, jumpimg: &Path) -> Result<Outcome> {
    let ended = scenario.trial.push(jumpimg)?;
    let outcome = Outcome::of(scenario, transfer, &ended.cost, &ended.evidence);
    if !outcome.broken().is_empty() {
        eprintln!("kept: {}", ended.ground.keep().display());
    }
    Ok(outcome)
}

/// Kills jumpimg in the middle of fleets, and has them taken up again.
pub fn killed(common: &Common, jumpimg: &Path, kills: Kills, json: bool) -> Result<()> {
    let scenario = common.mixed(kills.nodes, kills.nodes.div_ceil(4));
    let kills = kills::kills(&scenario, (common.seed, kills), jumpimg)?;
    if json {
        println!("{}", serde_json::to_string(&kills)?);
    } else {
        print!("{}", kills::text(&kills));
    }
    match kills.iter().filter(|kill| kill.is_bad()).count() {
        0 => Ok(()),
        bad => bail!("after {bad} of {} kills a promise was broken", kills.len()),
    }
}
