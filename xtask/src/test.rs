//! `cargo xtask test`: every test of the workspace, in stages, with one summary.
//! A test that could not run is named at the end and never counted as passed.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{dist, images, packages, run, workspace};

/// The stage of tests beside the code, in all crates.
const UNIT: &str = "unit";
/// The package whose test targets drive the built binaries; each is a stage.
const TESTS: &str = "jump-tests";
/// Words in the names of stages that start virtual machines, cheap ones first.
const VIRTUAL: &[&str] = &["uml", "qemu", "journey"];

/// What to test.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// No virtual machines.
    pub quick: bool,
    /// This stage alone.
    pub only: Option<String>,
}

/// Runs the stages; fails if one of them does.
pub fn test(options: &Options) -> Result<()> {
    let stages = chosen(&stages()?, options)?;
    if stages.iter().any(|stage| stage != UNIT) {
        prepare(options)?;
    }
    let mut outcomes = Vec::new();
    for stage in &stages {
        let outcome = if options.quick && is_virtual(stage) {
            Outcome::left_out(stage)
        } else {
            perform(stage, options)?
        };
        outcomes.push(outcome);
    }
    print!("{}", summary(&outcomes));
    if outcomes.iter().all(|outcome| outcome.passed) {
        return Ok(());
    }
    bail!("some tests failed")
}

/// What the stages drive: the static binaries and, for virtual machines, the images.
fn prepare(options: &Options) -> Result<()> {
    packages::ensure(packages::TESTS)?;
    let dist = dist::build()?;
    if !options.quick {
        packages::ensure(packages::VM)?;
        images::build_all(&dist)?;
    }
    Ok(())
}

/// All stages, from cheap to dear.
fn stages() -> Result<Vec<String>> {
    let folder = workspace::root().join("tests/tests");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).into_iter().flatten() {
        let path: PathBuf = entry?.path();
        let is_target = path.extension().is_some_and(|extension| extension == "rs")
            || path.join("main.rs").exists();
        if let Some(stem) = path.file_stem().filter(|_| is_target) {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort_by_key(|name| (cost(name), name.clone()));
    names.insert(0, UNIT.to_owned());
    Ok(names)
}

fn cost(stage: &str) -> usize {
    VIRTUAL
        .iter()
        .position(|word| stage.contains(word))
        .map_or(0, |position| position + 1)
}

fn is_virtual(stage: &str) -> bool {
    cost(stage) > 0
}

fn chosen(stages: &[String], options: &Options) -> Result<Vec<String>> {
    let Some(only) = &options.only else {
        return Ok(stages.to_vec());
    };
    if stages.contains(only) {
        return Ok(vec![only.clone()]);
    }
    bail!(
        "there is no stage {only}\nhint: the stages are {}",
        stages.join(", ")
    )
}

/// How a stage ended.
struct Outcome {
    stage: String,
    passed: bool,
    took: Duration,
    counts: Counts,
    skipped: Vec<String>,
}

impl Outcome {
    fn left_out(stage: &str) -> Self {
        let skipped = vec![format!(
            "skipped: {stage}: it starts virtual machines, and --quick was given"
        )];
        Self {
            stage: stage.to_owned(),
            passed: true,
            took: Duration::ZERO,
            counts: Counts::default(),
            skipped,
        }
    }
}

/// What libtest's and libtest-mimic's `test result:` lines add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Counts {
    /// Adds `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in result.split(['.', ';']).map(str::trim) {
            let Some((number, what)) = part.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// Runs a stage's tests and shows what they say, as they say it.
fn perform(stage: &str, options: &Options) -> Result<Outcome> {
    eprintln!("test: {stage}");
    let started = Instant::now();
    let mut cargo = cargo_test(stage, options);
    let spawned = cargo.stdout(Stdio::piped()).spawn();
    let mut child = spawned.with_context(|| format!("cannot start {}", run::line(&cargo)))?;
    let stdout = child.stdout.take().context("cargo's stdout is missing")?;
    let (mut counts, mut skipped) = (Counts::default(), Vec::new());
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        println!("{line}");
        counts.add(&line);
        if line.starts_with("skipped: ") {
            skipped.push(line);
        }
    }
    let passed = child.wait()?.success();
    Ok(Outcome {
        stage: stage.to_owned(),
        passed,
        took: started.elapsed(),
        counts,
        skipped,
    })
}

fn cargo_test(stage: &str, options: &Options) -> Command {
    let mut cargo = run::command("cargo", ["test", "--no-fail-fast"]);
    cargo.current_dir(workspace::root());
    if stage == UNIT {
        cargo.args(["--workspace", "--exclude", TESTS]);
    } else {
        cargo.args(["--package", TESTS, "--test", stage]);
    }
    cargo.env("JUMP_DIST", workspace::target("dist"));
    if !options.quick {
        cargo.env("JUMP_IMAGES", workspace::target("images"));
        cargo.env("JUMP_VM", workspace::target("vm"));
    }
    cargo
}

fn summary(outcomes: &[Outcome]) -> String {
    let mut lines = vec![
        String::new(),
        "stage             result  passed failed ignored  seconds".to_owned(),
    ];
    for Outcome {
        stage,
        passed,
        took,
        counts,
        ..
    } in outcomes
    {
        let result = if *passed { "ok" } else { "FAILED" };
        let Counts {
            passed,
            failed,
            ignored,
        } = counts;
        let seconds = took.as_secs_f64();
        lines.push(format!(
            "{stage:<17} {result:<6} {passed:>7} {failed:>6} {ignored:>7} {seconds:>8.1}"
        ));
    }
    lines.extend(outcomes.iter().flat_map(|outcome| outcome.skipped.clone()));
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    lines.push(format!("in all {:.0} s\n", total.as_secs_f64()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Counts, Options, chosen, cost};

    #[test]
    fn results_of_several_binaries_add_up() {
        let mut counts = Counts::default();
        counts.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        counts.add("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured");
        counts.add("test a::b ... ok");
        assert_eq!(
            counts,
            Counts {
                passed: 4,
                failed: 2,
                ignored: 1
            }
        );
    }

    #[test]
    fn virtual_machines_come_last() {
        assert!(cost("command_line") < cost("uml") && cost("uml") < cost("qemu_journey"));
    }

    #[test]
    fn an_unknown_stage_is_refused_with_the_known_ones() {
        let only = Some("nonsense".to_owned());
        let error = chosen(&["unit".to_owned()], &Options { only, quick: false });
        assert!(
            error
                .expect_err("refused")
                .to_string()
                .contains("the stages are unit")
        );
    }
}
