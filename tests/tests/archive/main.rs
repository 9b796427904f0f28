//! Images made, checked and unpacked as root, with all that a tree can hold; and archives of
//! others.

mod adopt;
mod deterministic;
mod extracted_by;
mod foreign;
mod lab;
mod library;
mod listing;
mod losses;
mod makers;
mod observed;
mod processor;
mod programs;
mod reports;
mod round_trip;
mod torture;
mod walk;

use std::sync::Arc;

use lab::Lab;
use libtest_mimic::{Arguments, Failed, Trial};

/// A test: its name, whether it needs root, itself.
type Case = (&'static str, bool, fn() -> anyhow::Result<()>);
/// A test that needs root and the trees of the lab: its name, itself.
type LabCase = (&'static str, fn(&Lab) -> anyhow::Result<()>);

fn main() {
    let arguments = Arguments::from_args();
    let root = jump_tests::is_root();
    let cases = library::CASES.iter();
    let mut trials: Vec<Trial> = cases.map(|case| trial(*case, root)).collect();
    let obstacle = lab::prepare().err().map(|error| format!("{error:#}"));
    let lab = Arc::new(Lab::default());
    let cases = [
        observed::CASES,
        round_trip::CASES,
        library::LAB_CASES,
        deterministic::CASES,
        reports::CASES,
        extracted_by::CASES,
        foreign::CASES,
        adopt::CASES,
        processor::LAB_CASES,
    ];
    for case in cases.into_iter().flatten() {
        trials.push(lab_trial(*case, obstacle.as_deref(), &lab));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    // `exit` ends the process without dropping anything.
    drop(lab);
    conclusion.exit()
}

fn trial((name, needs_root, run): Case, root: bool) -> Trial {
    let skipped = needs_root && !root;
    if skipped {
        println!("skipped: {name}: not root");
    }
    let run = move || run().map_err(|error| Failed::from(format!("{error:#}")));
    Trial::test(name, run).with_ignored_flag(skipped)
}

fn lab_trial((name, run): LabCase, obstacle: Option<&str>, lab: &Arc<Lab>) -> Trial {
    if let Some(obstacle) = obstacle {
        println!("skipped: {name}: {obstacle}");
    }
    let lab = Arc::clone(lab);
    let run = move || run(&lab).map_err(|error| Failed::from(format!("{error:#}")));
    Trial::test(name, run).with_ignored_flag(obstacle.is_some())
}
