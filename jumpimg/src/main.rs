//! jumpimg: builds, checks and pushes images that replace the operating system of
//! nodes in place.

mod build;
mod cli;
mod elf;
mod image;
mod inspect;
mod meter;
mod trouble;
mod verify;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            trouble.print(None);
            trouble.exit.into()
        }
    }
}
