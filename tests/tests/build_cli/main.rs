//! `jumpimg build`, `verify`, `inspect`, `diff` and `completion` as a user meets them: what they
//! print, what they say when something is wrong, and their exit codes.

mod adopt;
mod build;
mod diff;
mod golden;
mod inspect;
mod mounts;
mod output;
mod packages;
mod run;
mod verify;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test: its name, whether it needs root, itself.
type Case = (&'static str, bool, fn() -> anyhow::Result<()>);

fn main() {
    let arguments = Arguments::from_args();
    let root = jump_tests::is_root();
    let cases = [
        adopt::CASES,
        build::CASES,
        output::CASES,
        verify::CASES,
        inspect::CASES,
        diff::CASES,
        mounts::CASES,
    ];
    let trials = cases
        .into_iter()
        .flatten()
        .map(|case| trial(*case, root))
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial((name, needs_root, run): Case, root: bool) -> Trial {
    let skipped = needs_root && !root;
    if skipped {
        println!("skipped: {name}: not root");
    }
    let run = move || run().map_err(|error| Failed::from(format!("{error:#}")));
    Trial::test(name, run).with_ignored_flag(skipped)
}
