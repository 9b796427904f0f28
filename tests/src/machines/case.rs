//! Tests that start machines: few at a time, and none where they can't run.

use std::path::Path;
use std::time::Instant;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test.
pub struct Case {
    /// A claim.
    pub name: &'static str,
    /// Programs and device nodes, by their paths.
    pub needs: &'static [&'static str],
    /// Takes long, and another one covers most of it.
    pub is_long: bool,
    /// The test itself.
    pub run: Box<dyn FnOnce() -> anyhow::Result<()> + Send>,
}

/// Runs that many at once; one where each machine would have the processors to itself.
pub fn run(at_once: usize, cases: Vec<Case>) {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(at_once);
    let trials = cases.into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(case: Case) -> Trial {
    let missing = missing(&case);
    if let Some(what) = &missing {
        println!("skipped: {}: {what}", case.name);
    }
    let Case { name, run, .. } = case;
    Trial::test(name, move || {
        let started = Instant::now();
        let ran = run().map_err(|error| Failed::from(format!("{error:#}")));
        println!("{name}: {:.1} s", started.elapsed().as_secs_f64());
        ran
    })
    .with_ignored_flag(missing.is_some())
}

fn missing(case: &Case) -> Option<String> {
    if !crate::is_root() {
        return Some("not root".to_owned());
    }
    if std::env::var_os("JUMP_IMAGES").is_none() {
        return Some("no images: `cargo xtask test` makes them".to_owned());
    }
    if case.is_long && std::env::var_os("JUMP_LONG").is_none() {
        return Some("`cargo xtask test --long` runs it".to_owned());
    }
    let need = case.needs.iter().find(|need| !Path::new(need).exists())?;
    Some(format!("{need} is missing"))
}
