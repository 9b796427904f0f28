//! `cargo xtask`: development tasks.

mod bench;
mod cli;
mod demo;
mod faults;
mod fuzz;
mod machinery;
mod mutants;
mod test;
mod timeline;
mod vm;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;
use jumplab::experiments::{fleet, machine_stops, power_cuts, write_order};
use jumplab::{acted, dist, golden};

use crate::cli::{Cli, Task};

fn main() -> ExitCode {
    acted::act_if_called();
    match perform(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    match task {
        Task::Dist => dist::build().map(drop),
        Task::Golden {
            name,
            output,
            fresh,
        } => golden::make(&name, &golden::Options { output, fresh }).map(drop),
        Task::Demo(options) => demo::demo(&options),
        Task::Test {
            quick,
            long,
            only,
            skip,
        } => test::test(&test::Options {
            quick,
            long,
            only,
            skip,
        }),
        Task::Fuzz { target, seconds } => fuzz::fuzz(target.as_deref(), seconds),
        Task::Faults(options) => faults::faults(&options),
        Task::Mutants => mutants::mutants(),
        Task::PowerCuts(options) => power_cuts::power_cuts(&options),
        Task::MachineStops(options) => machine_stops::machine_stops(&options),
        Task::Fleet(options) => fleet::fleet(&options),
        Task::WriteOrder(options) => write_order::write_order(&options),
        Task::Bench(options) => bench::bench(&options),
        Task::BenchMeasure { command } => bench::measure(&command),
        Task::BenchFloor { from, to } => bench::floor(&from, &to),
        Task::Vm(options) => vm::by_hand(&options),
    }
}
