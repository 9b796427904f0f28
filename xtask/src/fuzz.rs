//! `cargo xtask fuzz`: the fuzz targets of `tests/fuzz`, by libFuzzer.
//!
//! No sanitizer: outside jumpsys the workspace has no unsafe code, so what a fuzzer can find is a
//! panic, an overflow, a hang or too much memory, and those it finds sooner without one.
//!
//! Cargo builds them. cargo-fuzz, which works on `tests/fuzz` too, would have to be built itself first, and
//! builds what a short run has no use for: full debug information, dead code, one unit for each crate.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use jumplab::{packages, run, workspace};

/// All targets, each a program of `tests/fuzz` and a folder of its seeds.
pub(crate) const TARGETS: &[&str] = &[
    "tar",
    "pax",
    "image",
    "job",
    "answers",
    "nextrel",
    "conversion",
    "firmware",
];

/// What they are built for: named, so that [`FLAGS`] are not for build scripts.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// The doors for the targets, and the coverage that libFuzzer goes by, as cargo-fuzz has it.
const FLAGS: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];
/// What compiles libFuzzer.
const PACKAGES: &[&str] = &["g++"];
/// Lines at most that what was found is explained with.
const LINES: usize = 60;
/// Seconds that one input may take.
const TIMEOUT: u32 = 10;

/// How a target's run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The target.
    pub(crate) target: &'static str,
    /// How often it was called.
    pub(crate) executions: u64,
    /// What libFuzzer said of it, where it found something.
    pub(crate) crash: Option<String>,
}

/// Runs one target or all, each for `seconds`, and tells the executions of each.
pub(crate) fn fuzz(only: Option<&str>, seconds: u32) -> Result<()> {
    let targets = chosen(only)?;
    prepare()?;
    let ran = run(&targets, seconds)?;
    print!("{}", table(&ran));
    if ran.iter().any(|ran| ran.crash.is_some()) {
        bail!("fuzzing found something: see above");
    }
    Ok(())
}

/// Makes sure that a C++ compiler, for libFuzzer, is there.
pub(crate) fn prepare() -> Result<()> {
    packages::ensure(PACKAGES)
}

/// Builds `targets` and runs each for `seconds`.
pub(crate) fn run(targets: &[&'static str], seconds: u32) -> Result<Vec<Ran>> {
    build(targets)?;
    targets
        .iter()
        .map(|target| run_one(target, seconds))
        .collect()
}

/// The executions of each target, a line each, after what was found.
pub(crate) fn table(ran: &[Ran]) -> String {
    let mut text = String::new();
    for Ran { target, crash, .. } in ran {
        if let Some(crash) = crash {
            let _ = writeln!(text, "fuzz: {target} found something:\n{crash}");
        }
    }
    for Ran {
        target,
        executions,
        crash,
    } in ran
    {
        let end = if crash.is_some() { "FAILED" } else { "ok" };
        let _ = writeln!(
            text,
            "fuzz: {target:<10} {executions:>10} executions  {end}"
        );
    }
    text
}

fn chosen(only: Option<&str>) -> Result<Vec<&'static str>> {
    let chosen: Vec<&str> = TARGETS
        .iter()
        .copied()
        .filter(|target| only.is_none_or(|only| only == *target))
        .collect();
    if let (true, Some(only)) = (chosen.is_empty(), only) {
        bail!(
            "there is no fuzz target {only}\nhint: the targets are {}",
            TARGETS.join(", ")
        );
    }
    Ok(chosen)
}

fn run_one(target: &'static str, seconds: u32) -> Result<Ran> {
    eprintln!("fuzz: {target} for {seconds} s");
    // What is found by one run is where the next begins.
    let corpus = folder("corpus", target)?;
    // Seeds that a target makes itself.
    let made = folder("made", target)?;
    let seeds = home().join("seeds").join(target);
    let found = folder("artifacts", target)?;
    let mut command = run::command(program(target), [&corpus, &made, &seeds]);
    command
        .env("JUMP_FUZZ_SEEDS", &made)
        .env("RUST_BACKTRACE", "0")
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={TIMEOUT}"))
        .arg("-print_final_stats=1");
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", run::line(&command)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let crash = (!output.status.success()).then(|| explanation(&said));
    Ok(Ran {
        target,
        executions: executions(&said).unwrap_or_default(),
        crash,
    })
}

/// Builds `targets`, side by side.
fn build(targets: &[&str]) -> Result<()> {
    let mut cargo = run::command("cargo", ["build", "--release", "--target", TRIPLE]);
    // What an outer `cargo run` put into the environment is not for this workspace.
    for name in ["RUSTFLAGS", "CARGO_TARGET_DIR"] {
        cargo.env_remove(name);
    }
    cargo
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .args(targets.iter().flat_map(|target| ["--bin", target]))
        .arg("--target-dir")
        .arg(workspace::target("fuzz"))
        .current_dir(home());
    run::show(&mut cargo)
}

/// Where a target is built.
fn program(target: &str) -> PathBuf {
    let built = workspace::target("fuzz").join(TRIPLE).join("release");
    built.join(target)
}

fn home() -> PathBuf {
    workspace::root().join("tests/fuzz")
}

fn folder(kind: &str, target: &str) -> Result<PathBuf> {
    let folder = workspace::target("fuzz").join(kind).join(target);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// libFuzzer's `-print_final_stats`.
fn executions(said: &str) -> Option<u64> {
    let count = |line: &str| {
        line.strip_prefix("stat::number_of_executed_units:")?
            .trim()
            .parse()
            .ok()
    };
    said.lines().find_map(count)
}

/// From the panic or libFuzzer's own complaint on; the end, where there is neither.
fn explanation(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let complaint = |line: &&str| line.contains("panicked at") || line.contains("ERROR: libFuzzer");
    let end = lines.len().saturating_sub(LINES);
    let begin = lines.iter().position(complaint).unwrap_or(end);
    let shown: Vec<&str> = lines[begin..].iter().copied().take(LINES).collect();
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{LINES, TARGETS, chosen, executions, explanation, home};

    #[test]
    fn executions_are_read_from_the_final_statistics() {
        let said = "#8\tDONE cov: 3\nstat::number_of_executed_units: 12345\nstat::x: 1\n";
        assert_eq!(executions(said), Some(12345));
        assert_eq!(executions("INFO: Seed: 1"), None);
    }

    #[test]
    fn an_unknown_target_is_refused_with_the_known_ones() {
        let error = chosen(Some("nonsense")).expect_err("refused").to_string();
        assert!(error.contains("the targets are tar, pax"), "{error}");
        assert_eq!(chosen(None).expect("all"), TARGETS);
    }

    #[test]
    fn every_target_is_a_program_with_seeds() {
        let manifest = std::fs::read_to_string(home().join("Cargo.toml")).expect("the manifest");
        for target in TARGETS {
            assert!(
                manifest.contains(&format!("name = \"{target}\"")),
                "{target}"
            );
            assert!(home().join("seeds").join(target).is_dir(), "{target}");
        }
    }

    #[test]
    fn a_crash_is_explained_from_the_panic_on() {
        let noise = "#8 NEW cov: 3\n".repeat(100);
        let said =
            format!("{noise}thread 'x' panicked at tar.rs:1\nother entries\nReproduce with\n");
        let shown = explanation(&said);
        assert_eq!(
            shown,
            "thread 'x' panicked at tar.rs:1\nother entries\nReproduce with"
        );
        assert_eq!(explanation(&noise).lines().count(), LINES);
    }
}
