//! The command line.

use clap::{ColorChoice, Parser, Subcommand};
use clap_complete::Shell;

use crate::convert;
use crate::error::Trouble;
use crate::image::build::BuildArgs;
use crate::image::verify::VerifyArgs;
use crate::image::{adopt, build, diff, inspect, verify};
use crate::jump2nr;
use crate::node::{abort, check, fleets, logs, push, resume, status};
use crate::terminal::print;

const EXAMPLES: &str = "\
Examples:
  jumpimg build --kind jump -o jump.tar.zst          this host as a jump system
  jumpimg build --recipe images/node/recipe.toml --root /srv/node -o node.tar.zst
  jumpimg adopt old.tgz -o node.tar.zst              an archive becomes an image
  jumpimg verify jump.tar.zst node.tar.zst
  jumpimg inspect node.tar.zst                       what it is, where its bytes are
  jumpimg diff old.tar.zst node.tar.zst              what changed
  jumpimg check --job job.toml node07                what would happen, or why not
  jumpimg push --rehearse --job job.toml node07      try it: prove, and come back
  jumpimg push --rehearse=ram --job job.toml node07  the same in memory, without the firmware
  jumpimg push --job job.toml node07                 do it, after asking
  jumpimg push --stage-only --job job.toml -w @rack3   send all now, jump later:
  jumpimg go FLEET -w 'node[01-20]'                  have these jump
  jumpimg fleet status FLEET                         which of its nodes are where
  jumpimg status -w 'node[01-40]' -x @broken         old, jump or new, and how far
  jumpimg abort node07                               take it back, nothing being destroyed
  jumpimg resume node07                              go on where jump gave up
  jumpimg jump2nr -cfg nextrel.cfg node07            the way of 2009, without jump's promises
  jumpimg convert nextrel.cfg --script jump2.sh -o DIR   a job of it, with them

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a check: nothing was changed,
4 some of several nodes did not finish, 130 interrupted.";

/// Builds, checks and pushes images that replace the operating system of nodes in place.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// When to use colours; `auto` minds NO_COLOR and CLICOLOR_FORCE.
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Does what the command line says.
    pub(crate) fn run(self) -> Result<(), Trouble> {
        let color = match self.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        color.write_global();
        self.command.run()
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build an image from a golden host, container or directory.
    Build(BuildArgs),
    /// Make an image of an archive of another system: .tar, .tgz, .tar.zst, .tar.xz.
    Adopt(adopt::AdoptArgs),
    /// Decode every byte of images and say whether they can do their job.
    Verify(VerifyArgs),
    /// Show what an image is and where its bytes are.
    Inspect(inspect::InspectArgs),
    /// Show what changed between two images.
    Diff(diff::DiffArgs),
    /// Show what a push would do to nodes, or all that stands against it.
    Check(check::CheckArgs),
    /// Replace the operating system of nodes in place.
    Push(push::PushArgs),
    /// Take a jump back while nothing is destroyed.
    Abort(abort::AbortArgs),
    /// Go on with a run that stands still, e.g. after the jump system gave up.
    Resume(resume::ResumeArgs),
    /// Show fleets, stop them and take them up again.
    Fleet(fleets::FleetArgs),
    /// Have nodes jump that `push --stage-only` has staged.
    Go(fleets::GoArgs),
    /// Show which system nodes run and how far their runs have come.
    Status(status::StatusArgs),
    /// Show the events of the run that a node is in, or of its last one.
    Logs(logs::LogsArgs),
    /// Run a configuration file of jump2nr.pl, of 2009, line by line.
    Jump2nr(jump2nr::Jump2nrArgs),
    /// Make a job of a configuration file of jump2nr.pl and its script.
    Convert(convert::ConvertArgs),
    /// Print a completion script for a shell.
    Completion {
        /// The shell to print it for.
        shell: Shell,
    },
}

impl Command {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Trouble> {
        match self {
            Self::Build(args) => build::run(&args),
            Self::Adopt(args) => adopt::run(&args),
            Self::Verify(args) => verify::run(&args),
            Self::Inspect(args) => inspect::run(&args),
            Self::Diff(args) => diff::run(&args),
            Self::Check(args) => check::run(&args),
            Self::Push(args) => push::run(&args),
            Self::Abort(args) => abort::run(&args),
            Self::Resume(args) => resume::run(&args),
            Self::Fleet(args) => fleets::run(&args),
            Self::Go(args) => fleets::go(&args),
            Self::Status(args) => status::run(&args),
            Self::Logs(args) => logs::run(&args),
            Self::Jump2nr(args) => jump2nr::run(&args),
            Self::Convert(args) => convert::run(&args),
            Self::Completion { shell } => {
                let mut command = <Cli as clap::CommandFactory>::command();
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut command, "jumpimg", &mut script);
                print::generated(&script)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_of_what_is_done_to_nodes() {
        let mut jumpimg = <Cli as clap::CommandFactory>::command();
        jumpimg.build();
        for name in [
            "push", "go", "fleet", "abort", "resume", "status", "logs", "jump2nr", "convert",
        ] {
            let command = jumpimg.find_subcommand_mut(name).unwrap();
            insta::assert_snapshot!(name, command.render_long_help());
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
