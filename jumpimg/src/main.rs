//! jumpimg: builds, checks and pushes images that replace the operating system of
//! nodes in place.

mod abort;
mod adopt;
mod build;
mod check;
mod cli;
mod diff;
mod elf;
mod image;
mod image_files;
mod inspect;
mod interrupt;
mod job_file;
mod logs;
mod meter;
mod node;
mod node_args;
mod output;
mod packages;
mod print;
mod push;
mod resume;
mod run_dir;
mod ssh;
mod status;
mod survey;
mod take_over;
mod told;
mod trouble;
mod verify;
mod voice;
mod weight;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            print::trouble(&trouble, None);
            trouble.exit.into()
        }
    }
}
