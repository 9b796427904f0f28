//! The command line of `cargo xtask`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Development tasks of the workspace.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// The tasks.
#[derive(Debug, Subcommand)]
pub enum Task {
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
    Vm {
        /// With a GPT instead of an MBR
        #[arg(long)]
        gpt: bool,
        /// With the disk of an earlier start, as that left it
        #[arg(long)]
        again: bool,
    },
    /// Replace a Debian 12 by a Debian 13 in a virtual machine, and check that it is still itself
    Demo {
        /// Leave the machine up and tell how to log in
        #[arg(long)]
        keep: bool,
    },
    /// Run all tests, in stages
    Test {
        /// No virtual machines
        #[arg(long)]
        quick: bool,
        /// Also what takes long and is mostly covered: the journey of a node with a GPT
        #[arg(long, conflicts_with = "quick")]
        long: bool,
        /// One stage alone: unit, or a test target of tests/
        #[arg(long, value_name = "STAGE")]
        only: Option<String>,
    },
}
