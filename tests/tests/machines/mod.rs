//! What tests that start machines have in common: one at a time, and none where they can't run.

pub(crate) mod disk;
mod push;

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};

pub(crate) use push::Push;

/// A test.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Programs and device nodes, by their paths.
    pub(crate) needs: &'static [&'static str],
    /// Takes long, and another one covers most of it.
    pub(crate) is_long: bool,
    pub(crate) run: fn() -> anyhow::Result<()>,
}

/// Runs them one after another: each machine would have the processors to itself.
pub(crate) fn run(cases: Vec<Case>) {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trials = cases.into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(case: Case) -> Trial {
    let missing = missing(&case);
    if let Some(what) = &missing {
        println!("skipped: {}: {what}", case.name);
    }
    let run = case.run;
    Trial::test(case.name, move || {
        run().map_err(|error| Failed::from(format!("{error:#}")))
    })
    .with_ignored_flag(missing.is_some())
}

fn missing(case: &Case) -> Option<String> {
    if !jump_tests::is_root() {
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
