//! `cargo xtask power-cuts`: cuts the power of nodes in the middle of their jumps, for real, and boots
//! them again until they settle. A node that does not answer SSH then, or settles where the fault matrix
//! says it must not, is lost.
//!
//! The nodes are the small world's, in user-mode Linux. Which system a node boots is GRUB's choice, made
//! by grub-emu on its disk; on a UEFI the variables of what stands in for that come first.

mod admin;
mod draw;
mod leads;
mod life;
mod moment;
mod rehearsal;
mod report;
mod settle;
mod stage;
mod walk;
mod work;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};

use crate::interrupt::Interrupt;
use crate::small::SmallWorld;
use crate::vm::Table;
use crate::{dist, packages};
pub use stage::Stage;

/// What to cut, and how to print it.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How many cuts
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = at_least_one())]
    pub count: usize,
    /// In one stage alone
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<Stage>,
    /// What the jump system lands on
    #[arg(long, value_enum, default_value_t)]
    pub landing: Landing,
    /// What the nodes boot by
    #[arg(long, value_enum, default_value_t)]
    pub firmware: BootsBy,
    /// Draws the instants
    #[arg(long, value_name = "X", default_value_t = 1)]
    pub seed: u64,
    /// Lives at once, each with about one processor and 700 MiB of memory
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least_one())]
    pub jobs: usize,
    /// Keep the disk and the logs of every cut, not of lost nodes alone
    #[arg(long)]
    pub keep: bool,
    /// Print the report as JSON; what happens goes to standard error
    #[arg(long)]
    pub json: bool,
}

/// What the jump system of the nodes lands on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Landing {
    /// Their swap partition
    #[default]
    Swap,
    /// A partition made in free room, and removed at the end
    Free,
    /// Memory: the EFI system partition has what its boots begin from
    Esp,
    /// Memory: the partition of /boot has it
    Boot,
}

/// What the nodes boot by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum BootsBy {
    /// The sectors of their disk
    #[default]
    Bios,
    /// Variables, and files of an EFI system partition
    Uefi,
}

fn table(firmware: BootsBy, landing: Landing) -> Result<Table> {
    Ok(match (firmware, landing) {
        (BootsBy::Bios, Landing::Swap) => Table::Small,
        (BootsBy::Bios, Landing::Free) => Table::SmallWithoutSwap,
        (BootsBy::Uefi, Landing::Swap) => Table::SmallEfi,
        (BootsBy::Uefi, Landing::Free) => Table::SmallEfiWithoutSwap,
        (BootsBy::Uefi, Landing::Esp) => Table::SmallEfiInMemory,
        (BootsBy::Bios, Landing::Boot) => Table::SmallInMemory,
        (BootsBy::Bios, Landing::Esp) => {
            bail!("nodes that boot by a BIOS have no EFI system partition; add --firmware uefi")
        }
        (BootsBy::Uefi, Landing::Boot) => {
            bail!("nodes that boot by a UEFI land with --landing esp, not boot")
        }
    })
}

/// The options that name the same nodes, each with a space in front.
fn nodes(options: &Options) -> String {
    let firmware = match options.firmware {
        BootsBy::Bios => "",
        BootsBy::Uefi => " --firmware uefi",
    };
    let landing = match options.landing {
        Landing::Swap => "",
        Landing::Free => " --landing free",
        Landing::Esp => " --landing esp",
        Landing::Boot => " --landing boot",
    };
    format!("{firmware}{landing}")
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// Builds what is missing and cuts. Fails if a node is lost.
pub fn power_cuts(options: &Options) -> Result<()> {
    packages::ensure(packages::GOLDEN)?;
    dist::build()?;
    cut(options)
}

/// The same with the programs that [`dist::build`] left.
pub fn cut(options: &Options) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    work::sweep()?;
    let world = SmallWorld::prepare_on(table(options.firmware, options.landing)?)?;
    let courses = rehearsal::courses(&world, &work::network("rehearsal")?, &interrupt)?;
    let stages: Vec<Stage> = options
        .stage
        .map_or_else(|| Stage::ALL.to_vec(), |stage| vec![stage]);
    let lives = draw::lives(&courses, &stages, options.count, options.seed);
    let (started, before) = (Instant::now(), work::processor()?);
    let outcomes = work::all(&world, lives, options, &interrupt)?;
    let cost = report::Cost {
        seconds: started.elapsed().as_secs_f64(),
        processor: work::processor()? - before,
    };
    let report = report::Report::new(nodes(options), options.seed, cost, outcomes);
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", report.text());
    }
    match report.lost() {
        0 => Ok(()),
        lost => bail!("{lost} of {} nodes were lost", report.cuts()),
    }
}
