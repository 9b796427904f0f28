//! The selector under the real GRUB: grub-emu for what it chooses from every state of
//! its files, QEMU for a few boots of the core image by a BIOS.

mod choices;
mod cuts;
mod disk;
mod emu;
mod firmware;
mod loader;
mod programs;
mod trial;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test: its name, the programs and files it needs, itself.
struct Case {
    name: String,
    needs: &'static [&'static str],
    run: Box<dyn FnOnce() -> anyhow::Result<()> + Send>,
}

fn main() {
    let arguments = Arguments::from_args();
    let cases = [
        choices::cases(),
        cuts::cases(),
        trial::cases(),
        firmware::cases(),
        loader::cases(),
    ];
    let trials = cases.into_iter().flatten().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(case: Case) -> Trial {
    let missing = programs::missing(case.needs);
    if let Some(what) = &missing {
        println!("skipped: {}: {what} is missing", case.name);
    }
    let run = case.run;
    Trial::test(case.name, move || {
        run().map_err(|error| Failed::from(format!("{error:#}")))
    })
    .with_ignored_flag(missing.is_some())
}
