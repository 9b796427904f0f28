//! Images made, checked and unpacked as root, with all that a tree can hold, and
//! archives that want more than they may.

mod hostile;
mod listing;
mod planted;
mod round_trip;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test: its name, whether it needs root, itself.
type Case = (&'static str, bool, fn() -> anyhow::Result<()>);

fn main() {
    let arguments = Arguments::from_args();
    let root = jump_tests::is_root();
    let cases = round_trip::CASES.iter().chain(hostile::CASES);
    let trials = cases.map(|case| trial(*case, root)).collect();
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
