//! `cargo xtask test`: every test of the workspace, in stages, with one summary.
//! A test that could not run is named at the end and never counted as passed.

mod fuzzing;
mod outcome;
mod patience;

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use jumplab::vm::UmlKernel;
use jumplab::{dist, golden, images, packages, process, run, workspace};
use nix::unistd::Pid;

use outcome::{Counts, Failures, Outcome, summary};

/// The stage of tests beside the code, in all crates.
const UNIT: &str = "unit";
/// The stage of the examples in the documentation.
const DOC: &str = "doc";
/// The stage of a short run of each fuzz target.
const FUZZ: &str = "fuzz";
/// The folder of the test targets that drive the built binaries; each is a stage.
const TESTS: &str = "tests/tests";
/// Folders of crates and the crates beside them, whose test targets belong to [`UNIT`].
const CRATES: &[&str] = &["crates", "."];
/// Words in the names of stages that start virtual machines, cheap ones first.
const VIRTUAL: &[&str] = &["uml", "faults", "cuts", "qemu", "journey"];

/// The stage that runs beside all others. A machine that is translated keeps a processor busy and the
/// other one now and then; what the others do waits a good deal.
const BESIDE: &str = "qemu";

/// What to test.
#[derive(Debug, Default, Clone)]
pub(crate) struct Options {
    /// No virtual machines.
    pub(crate) quick: bool,
    /// Also tests that take long and that others mostly cover.
    pub(crate) long: bool,
    /// This stage alone.
    pub(crate) only: Option<String>,
    /// Not these stages.
    pub(crate) skip: Vec<String>,
}

/// Runs the stages; fails if one of them does.
pub(crate) fn test(options: &Options) -> Result<()> {
    let started = Instant::now();
    let stages = chosen(&stages()?, options)?;
    let driven = |stage: &String| ![UNIT, DOC, FUZZ].contains(&stage.as_str());
    if stages
        .iter()
        .any(|stage| driven(stage) && !options.skip.contains(stage))
    {
        prepare(options)?;
        eprintln!("test: prepared in {:.0} s", started.elapsed().as_secs_f64());
    }
    let outcomes = run_stages(&stages, options)?;
    print!("{}", summary(&outcomes, started.elapsed()));
    if outcomes.iter().all(|outcome| outcome.passed) {
        return Ok(());
    }
    bail!("some tests failed")
}

/// Runs the stages one after the other, and [`BESIDE`] beside them.
fn run_stages(stages: &[String], options: &Options) -> Result<Vec<Outcome>> {
    let in_turn = |wanted: &dyn Fn(&str) -> bool| {
        let stages = stages.iter().filter(|stage| wanted(stage));
        stages
            .map(|stage| run_stage(stage, options))
            .collect::<Result<Vec<Outcome>>>()
    };
    thread::scope(|scope| {
        let beside = scope.spawn(|| in_turn(&|stage| stage == BESIDE));
        let mut outcomes = in_turn(&|stage| stage != BESIDE)?;
        let beside = beside.join();
        outcomes.extend(beside.map_err(|_| anyhow!("the stage {BESIDE} panicked"))??);
        Ok(outcomes)
    })
}

fn run_stage(stage: &str, options: &Options) -> Result<Outcome> {
    if options.skip.iter().any(|skipped| skipped == stage) {
        Ok(Outcome::left_out(stage, "--skip was given"))
    } else if options.quick && is_virtual(stage) {
        let why = "it starts virtual machines, and --quick was given";
        Ok(Outcome::left_out(stage, why))
    } else if stage == FUZZ {
        fuzzing::perform()
    } else {
        perform(stage, options)
    }
}

/// What the stages drive: the static binaries and, for virtual machines, the images.
fn prepare(options: &Options) -> Result<()> {
    packages::ensure(packages::TESTS)?;
    if options.quick {
        return dist::build().map(drop);
    }
    packages::ensure(&[packages::VM, packages::GOLDEN, packages::MUSL].concat())?;
    UmlKernel::choose()?;
    // The roots keep one processor busy at most, and so do the compiler's last steps.
    let (dist, roots) = thread::scope(|scope| {
        let roots = scope.spawn(make_roots);
        (dist::build(), roots.join())
    });
    roots.map_err(|_| anyhow!("making the golden roots panicked"))??;
    images::build_all(&dist?)?;
    Ok(())
}

/// The golden roots of all the systems that the stages start.
fn make_roots() -> Result<()> {
    for name in [images::JUMP, images::NODE, images::OLD, images::SMALL] {
        golden::make(name, &golden::Options::default())?;
    }
    Ok(())
}

/// All stages, from cheap to dear.
fn stages() -> Result<Vec<String>> {
    let mut names = targets(&workspace::root().join(TESTS))?;
    names.push(FUZZ.to_owned());
    names.sort_by_key(|name| (cost(name), name.clone()));
    names.splice(0..0, [UNIT, DOC].map(str::to_owned));
    Ok(names)
}

/// The test targets in a folder, if it is there.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        let is_target = path.extension().is_some_and(|extension| extension == "rs")
            || path.join("main.rs").exists();
        if let Some(stem) = path.file_stem().filter(|_| is_target) {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// The test targets of the crates themselves.
fn own_targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in CRATES {
        for entry in std::fs::read_dir(workspace::root().join(folder))? {
            let tests = entry?.path().join("tests");
            if tests != workspace::root().join(TESTS) {
                names.extend(targets(&tests)?);
            }
        }
    }
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
    let mut named = options.only.iter().chain(&options.skip);
    if let Some(unknown) = named.find(|name| !stages.contains(name)) {
        bail!(
            "there is no stage {unknown}\nhint: the stages are {}",
            stages.join(", ")
        );
    }
    Ok(match &options.only {
        Some(only) => vec![only.clone()],
        None => stages.to_vec(),
    })
}

/// Runs a stage's tests and shows what they say, as they say it.
fn perform(stage: &str, options: &Options) -> Result<Outcome> {
    eprintln!("test: {stage}");
    let started = Instant::now();
    let mut cargo = cargo_test(stage, options)?;
    let spawned = cargo.stdout(Stdio::piped()).spawn();
    let mut child = spawned.with_context(|| format!("cannot start {}", run::line(&cargo)))?;
    let (mut counts, mut skipped) = (Counts::default(), Vec::new());
    let (mut failures, mut seconds) = (Failures::default(), Vec::new());
    let silence = patience::listen(&mut child, patience::LIMIT, |line| {
        match options.only {
            None if stage == BESIDE => println!("{stage}: {line}"),
            _ => println!("{line}"),
        }
        counts.add(line);
        failures.add(line);
        seconds.extend(outcome::seconds(line));
        if line.starts_with("skipped: ") {
            skipped.push(line.to_owned());
        }
    })?;
    failures.note(silence);
    let processor = process::processor_time(Pid::from_raw(child.id().try_into()?))?;
    let passed = child.wait()?.success();
    Ok(Outcome {
        stage: stage.to_owned(),
        passed,
        took: started.elapsed(),
        processor,
        counts,
        skipped,
        failures,
        seconds,
    })
}

/// Always of the whole workspace: for a part of it, cargo builds what that needs with fewer features,
/// a second time.
fn cargo_test(stage: &str, options: &Options) -> Result<Command> {
    let mut cargo = run::command("cargo", ["test", "--no-fail-fast", "--workspace"]);
    cargo.current_dir(workspace::root());
    match stage {
        DOC => cargo.arg("--doc"),
        UNIT => {
            let own = own_targets()?;
            let own = own.iter().flat_map(|target| ["--test", target]);
            // What a test leaves out is said on its output, which cargo would swallow.
            cargo
                .args(["--lib", "--bins"])
                .args(own)
                .args(["--", "--nocapture"])
        }
        _ => cargo.args(["--test", stage]),
    };
    cargo.env("JUMP_DIST", workspace::target("dist"));
    if !options.quick {
        cargo.env("JUMP_IMAGES", workspace::target("images"));
        cargo.env("JUMP_VM", workspace::target("vm"));
    }
    if options.long {
        cargo.env("JUMP_LONG", "1");
    }
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::{Options, chosen, cost, own_targets, stages};

    #[test]
    fn virtual_machines_come_last() {
        assert!(cost("command_line") < cost("uml") && cost("uml") < cost("qemu_journey"));
    }

    #[test]
    fn every_test_target_is_of_one_stage() {
        let (own, stages) = (own_targets().unwrap(), stages().unwrap());
        for known in ["compare", "loop_devices"] {
            assert!(own.iter().any(|target| target == known), "{known}: {own:?}");
        }
        assert!(own.iter().all(|target| !stages.contains(target)), "{own:?}");
    }

    #[test]
    fn an_unknown_stage_is_refused_with_the_known_ones() {
        let only = Options {
            only: Some("nonsense".to_owned()),
            ..Options::default()
        };
        let skip = Options {
            skip: vec!["nonsense".to_owned()],
            ..Options::default()
        };
        for options in [only, skip] {
            let error = chosen(&["unit".to_owned()], &options).expect_err("refused");
            assert!(error.to_string().contains("the stages are unit"), "{error}");
        }
    }
}
