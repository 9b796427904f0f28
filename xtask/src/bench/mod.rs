//! `cargo xtask bench`: ours against what an admin would otherwise type, on this machine.
//! Writes only below `target/`, mounts only for itself, and cleans up also after Ctrl-C.

mod build;
mod census;
mod commands;
mod contest;
mod extract;
mod floor;
mod fresh;
mod goal;
mod ground;
mod growth;
mod input;
mod machine;
mod measure;
mod report;
mod scratch;
mod small_files;
mod target;
mod verify;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use jumplab::interrupt::Interrupt;
use jumplab::vm::keep_mounts_private;
use jumplab::{dist, packages};

use ground::Ground;
use input::Input;
use machine::Machine;
use report::Report;
use scratch::Scratch;

pub(crate) use floor::perform as floor;
pub(crate) use measure::perform as measure;

/// The peers that ours is measured against, and what makes the file systems.
const PACKAGES: &[&str] = &[
    "bash",
    "coreutils",
    "e2fsprogs",
    "gzip",
    "mount",
    "tar",
    "util-linux",
    "zstd",
];

/// What to measure and how to print it.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  cargo xtask bench                                  everything, about an hour
  cargo xtask bench extract --rounds 3
  cargo xtask bench --json --markdown table.md > runs.json

As root, on a machine that does nothing else; needs 12 GiB below target/ and 2 GiB of memory.")]
pub(crate) struct Options {
    /// Which parts [default: all]
    #[arg(value_name = "PART")]
    parts: Vec<Part>,
    /// Pairs of each match, and rounds of growth; two at most against gzip
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = rounds)]
    rounds: usize,
    /// Take this tree, which is only read, instead of a Debian 12 made for it
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Where the disks are that is extracted to, each a file; a file system in memory, such as
    /// /dev/shm, takes the machine's own disk out of the figures [default: below target/]
    #[arg(long, value_name = "DIR")]
    disks: Option<PathBuf>,
    /// Print one JSON document with every run
    #[arg(long)]
    json: bool,
    /// Also write the tables to this file, for the README
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// jumpimg build against tar with zstd and gzip
    Build,
    /// jumpinit extract against tar with zstd and gzip, and against the floor
    Extract,
    /// jumpimg verify against zstd -t
    Verify,
    /// 50,000, 200,000 and 1,000,000 small files
    Growth,
}

fn rounds(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(rounds) => Ok(rounds),
        Err(error) => Err(format!("{error}")),
    }
}

/// Measures, and prints what was found.
pub(crate) fn bench(options: &Options) -> Result<()> {
    if !packages::is_root()? {
        bail!(
            "bench: only root can make file systems and mount them\nhint: sudo cargo xtask bench …"
        );
    }
    packages::ensure(PACKAGES)?;
    let dist = dist::build()?;
    keep_mounts_private()?;
    let ground = Ground {
        dist,
        rounds: options.rounds,
        interrupt: Interrupt::listen()?,
        scratch: Scratch::make(options.disks.as_deref())?,
    };
    let report = options.measure(&ground)?;
    if let Some(path) = &options.markdown {
        std::fs::write(path, report.markdown())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", report.text());
    }
    Ok(())
}

impl Options {
    fn measure(&self, ground: &Ground) -> Result<Report> {
        let machine = Machine::look(ground.scratch.folder())?;
        self.say(&format!("machine: {machine}"));
        let matches = [Part::Build, Part::Extract, Part::Verify];
        let (mut census, mut contests) = (None, Vec::new());
        if matches.iter().any(|part| self.wants(*part)) {
            let input = Input::make(ground, self.root.as_deref())?;
            self.say(&format!("input: {}", input.census));
            census = Some(input.census);
            for part in matches.into_iter().filter(|part| self.wants(*part)) {
                contests.extend(match part {
                    Part::Build => build::contests(ground, &input)?,
                    Part::Extract => extract::contests(ground, &input)?,
                    Part::Verify | Part::Growth => verify::contests(ground, &input)?,
                });
            }
            input.remove()?;
        }
        let growth = if self.wants(Part::Growth) {
            growth::measure(ground)?
        } else {
            Vec::new()
        };
        Ok(Report::new(
            self.command(),
            machine,
            census,
            contests,
            growth,
        ))
    }

    fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// Tells people, who with `--json` look at stderr.
    fn say(&self, line: &str) {
        if self.json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }

    /// What one types to have the same measured.
    fn command(&self) -> String {
        let mut command = "cargo xtask bench".to_owned();
        let names = self.parts.iter().filter_map(Part::to_possible_value);
        for name in names {
            command = format!("{command} {}", name.get_name());
        }
        if let Some(root) = &self.root {
            command = format!("{command} --root {}", root.display());
        }
        if let Some(disks) = &self.disks {
            command = format!("{command} --disks {}", disks.display());
        }
        format!("{command} --rounds {}", self.rounds)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::{Cli, Task};

    #[test]
    fn the_command_that_is_printed_is_the_one_that_was_typed() {
        for typed in [
            "cargo xtask bench --rounds 5",
            "cargo xtask bench build growth --root /srv/node --rounds 2",
            "cargo xtask bench extract --disks /dev/shm --rounds 3",
        ] {
            let words = typed.split(' ').skip(1);
            let Task::Bench(options) = Cli::parse_from(words).task else {
                panic!("{typed} is a bench");
            };
            assert_eq!(options.command(), typed);
        }
    }

    #[test]
    fn no_rounds_measure_nothing_and_are_refused() {
        assert!(Cli::try_parse_from(["xtask", "bench", "--rounds", "0"]).is_err());
    }
}
