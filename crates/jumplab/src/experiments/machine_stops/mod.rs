//! `cargo xtask machine-stops`: stops machines in QEMU, with a real firmware (OVMF), while it, the loader or
//! the node writes to the variables' store and to the EFI system partition, and starts them again. A
//! machine that boots nothing, or what it must not, is lost.
//!
//! The node has no swap partition and its jump system lies in memory: environment, journal and scripts are
//! files of the EFI system partition too. One journey is lived. A stop is a copy of disk and store while
//! QEMU stands still, which is what its end by SIGKILL would leave there.

mod answer;
mod life;
mod pace;
mod report;
mod stop;
mod story;
mod writes;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::interrupt::Interrupt;
use crate::vm::{Table, Victim};
use crate::{dist, images, packages};

/// What to stop, and how to print it.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// About how many stops: chance has a part in it
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    pub count: u32,
    /// Draws the instants
    #[arg(long, value_name = "X", default_value_t = 1)]
    pub seed: u64,
    /// Keep the disk and the logs of every stop, not of lost machines alone
    #[arg(long)]
    pub keep: bool,
    /// Print the report as JSON; what happens goes to standard error
    #[arg(long)]
    pub json: bool,
}

/// Builds what is missing and stops. Fails if a machine is lost.
pub fn machine_stops(options: &Options) -> Result<()> {
    packages::ensure(&[packages::VM, packages::UEFI, packages::GOLDEN].concat())?;
    images::build_all(&dist::build()?)?;
    stop(options)
}

/// The same with the programs and images that are built.
pub fn stop(options: &Options) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let victim = Victim::prepare(Table::EfiWithoutSwap)?;
    let started = Instant::now();
    let outcomes = life::live(&victim, options, &interrupt)?;
    let report = report::Report::new(options.seed, started.elapsed(), outcomes);
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", report.text());
    }
    match (report.stops(), report.lost()) {
        (0, _) => bail!("no stop was drawn; a larger --count, or another --seed"),
        (_, 0) => Ok(()),
        (stops, lost) => bail!("{lost} of {stops} machines were lost"),
    }
}
