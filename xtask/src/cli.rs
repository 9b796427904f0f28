//! The command line of `cargo xtask`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use jumplab::experiments::{fleet, machine_stops, power_cuts, write_order};

use crate::{bench, demo, faults, vm};

/// Development tasks of the workspace.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// The tasks.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Build jumpimg and jumpinit, static against musl, into target/dist/
    Dist,
    /// Make the root of a golden host with mmdebstrap
    Golden {
        /// The image: a folder below images/
        name: String,
        /// Where the root goes [default: target/golden/NAME]
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
        /// Make it anew though nothing changed
        #[arg(long)]
        fresh: bool,
    },
    /// Start the demo's victim, a Debian 12 node, for use by hand
    Vm(vm::Options),
    /// Replace a Debian 12 by a Debian 13 in a virtual machine, and check that it is still itself
    Demo(demo::Options),
    /// Run all tests, in stages
    Test {
        /// No virtual machines
        #[arg(long)]
        quick: bool,
        /// Also what takes long and is mostly covered: the journey of a node with a GPT
        #[arg(long, conflicts_with = "quick")]
        long: bool,
        /// One stage alone: unit, fuzz, or a test target of tests/
        #[arg(long, value_name = "STAGE")]
        only: Option<String>,
        /// Leave this stage out
        #[arg(long, value_name = "STAGE", conflicts_with = "only")]
        skip: Vec<String>,
    },
    /// Run the fuzz targets of tests/fuzz
    Fuzz {
        /// One target alone: tar, pax, image, job or answers
        target: Option<String>,
        /// How long to run each
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u32,
    },
    /// Try the faults of the fault matrix and print it
    Faults(faults::Options),
    /// Switch off one safety measure after another and see that the tests notice
    Mutants,
    /// Cut the power of nodes in the middle of their jumps, and see that none is lost
    PowerCuts(power_cuts::Options),
    /// Stop machines while firmware variables and files that boot them are written, and see that none is lost
    MachineStops(machine_stops::Options),
    /// Push to a thousand acted nodes, and hold what happens against what a fleet run promises
    Fleet(fleet::Options),
    /// Replay a journey's writes in every order in which a power cut could have left them
    WriteOrder(write_order::Options),
    /// Measure build, extract and verify against tar, zstd and gzip, on fresh file systems
    Bench(bench::Options),
    /// Run a command and print what it cost: a part of bench
    #[command(hide = true)]
    BenchMeasure {
        /// The command
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Write a tree from memory and print what that cost: a part of bench
    #[command(hide = true)]
    BenchFloor {
        /// The tree
        from: PathBuf,
        /// An empty folder
        to: PathBuf,
    },
}
