//! The command line.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  jumpimg convert nextrel.cfg --script jump2.sh --dry-run        what would become of each line
  jumpimg convert nextrel.cfg --script jump2.sh -o jobs/client   job.toml, hooks/ and CONVERTED.md
  jumpimg check --job jobs/client/job.toml node07                after what CONVERTED.md says

Nothing is run, here or on nodes. Files that NEW_TARGET_RC1 and its like name are looked for beside CFG.

Exit codes: 0 converted, also where CONVERTED.md leaves something to a person, 1 failed, 2 wrong usage or a
wrong file, 3 the directory is not empty. docs/jump2nr.md has what becomes of what.";

/// Makes a job of a configuration file of jump2nr.pl, of 2009, and its script
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConvertArgs {
    /// The configuration file
    #[arg(value_name = "CFG")]
    pub(crate) config: PathBuf,
    /// The script that it has as TARGET_SETUP
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Where to write the job: a directory that is new, or empty
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    pub(crate) output: Option<PathBuf>,
    /// Show what would become of each line; nothing is written
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print lines, files and commands as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
