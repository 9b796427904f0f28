//! `cargo xtask`: development tasks.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;
use xtask::cli::{Cli, Task};
use xtask::vm::{self, Table};
use xtask::{bench, demo, dist, faults, fuzz, golden, mutants, power_cuts, test, write_order};

fn main() -> ExitCode {
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
        Task::Demo { keep } => demo::demo(keep),
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
        Task::WriteOrder(options) => write_order::write_order(&options),
        Task::Bench(options) => bench::bench(&options),
        Task::BenchMeasure { command } => bench::measure(&command),
        Task::BenchFloor { from, to } => bench::floor(&from, &to),
        Task::Vm { gpt, again } => vm::by_hand(if gpt { Table::Gpt } else { Table::Mbr }, again),
    }
}
