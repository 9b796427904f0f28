//! Archives and images that want more than they may: each is refused by name with exit
//! code 3, or stays inside its root, and nothing outside is opened, followed or made.

mod adopt;
mod arena;
mod canary;
mod chains;
mod damage;
mod envelopes;
mod files;
mod frames;
#[path = "../build_cli/golden.rs"]
mod golden;
mod hardlinks;
mod headers;
mod image;
mod library;
mod many;
mod measured;
mod metadata;
mod names;
mod numbers;
mod pax;
mod reason;
mod replacing;
mod sparse;
mod stream;
mod symlinks;
mod traced;
mod ustar;

use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

/// What a test cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// Nothing.
    Nothing,
    /// To be root.
    Root,
    /// To be root and allowed to mount.
    Mounts,
    /// To be root, and strace(1).
    Strace,
}

/// A test: its name, what it needs, itself.
type Case = (&'static str, Needs, fn() -> anyhow::Result<()>);

fn main() -> ExitCode {
    if let Some(code) = measured::in_between().or_else(stream::called) {
        return code;
    }
    let arguments = Arguments::from_args();
    let cases = [
        canary::CASES,
        names::CASES,
        symlinks::CASES,
        chains::CASES,
        hardlinks::CASES,
        replacing::CASES,
        metadata::CASES,
        numbers::CASES,
        headers::CASES,
        pax::CASES,
        sparse::CASES,
        envelopes::CASES,
        many::CASES,
        damage::CASES,
        files::CASES,
        stream::CASES,
        adopt::CASES,
        traced::CASES,
        library::CASES,
    ];
    let trials = cases.into_iter().flatten().map(|case| trial(*case));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn trial((name, needs, run): Case) -> Trial {
    let lack = lack(needs);
    if let Some(why) = lack {
        println!("skipped: {name}: {why}");
    }
    let run = move || run().map_err(|error| Failed::from(format!("{error:#}")));
    Trial::test(name, run).with_ignored_flag(lack.is_some())
}

/// What is missing of that which a test needs.
fn lack(needs: Needs) -> Option<&'static str> {
    if needs != Needs::Nothing && !jump_tests::is_root() {
        return Some("not root");
    }
    match needs {
        Needs::Mounts if !may_mount() => Some("mounts are not allowed here"),
        Needs::Strace if !Path::new("/usr/bin/strace").exists() => Some("strace is missing"),
        _ => None,
    }
}

fn may_mount() -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    unshare.output().is_ok_and(|output| output.status.success())
}
