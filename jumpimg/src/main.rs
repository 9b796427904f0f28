//! jumpimg: builds, checks and pushes images that replace the operating system of
//! nodes in place.

mod cli;
mod error;
mod image;
mod node;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            terminal::print::trouble(&trouble, None);
            trouble.exit.into()
        }
    }
}
