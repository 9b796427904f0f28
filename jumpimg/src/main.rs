//! jumpimg: builds, checks and pushes images that replace the operating system of
//! nodes in place.

mod cli;
mod convert;
mod error;
mod html;
mod image;
mod jump2nr;
mod node;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = jump2nr::as_clap_reads(std::env::args_os());
    match cli::Cli::parse_from(arguments).run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            terminal::print::trouble(&trouble, None);
            trouble.exit.into()
        }
    }
}
