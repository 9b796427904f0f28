//! jumpimg check, push, abort, resume, status, logs and jump2nr from outside: command-line errors, a whole push
//! to a node that is an sshd on loopback and a shell script that acts `jumpinit`, and a
//! check of this very machine by the real one. No test changes this machine.

mod abort;
mod arming;
mod bench;
mod convert;
mod fleet;
mod fleet_page;
mod fleet_sample;
mod hostile;
mod journey;
mod jump2nr;
mod node;
mod real;
mod rehearse;
mod rehearse_ram;
mod resume;

mod shells;
mod two_hosts;
mod usage;

use jumplab::acted::sample;
use libtest_mimic::{Arguments, Failed, Trial};

/// Tests at once: they wait for each other's answers more than they work.
const AT_ONCE: usize = 4;

/// A test: its name, what it needs, itself.
type Case = (&'static str, Need, fn() -> anyhow::Result<()>);

/// What a test needs.
#[derive(Clone, Copy)]
enum Need {
    Nothing,
    Sshd,
    SshdAndRoot,
    SshdAndScript,
    SshdRootAndTcsh,
    Browser,
}

impl Need {
    /// Why a test that needs this cannot run here.
    fn missing(self) -> Option<&'static str> {
        let sshd = std::path::Path::new(node::SSHD).exists();
        match self {
            Self::Browser if !std::path::Path::new(fleet_page::BROWSER).exists() => {
                Some("no chromium (chromium)")
            }
            Self::Nothing | Self::Browser => None,
            _ if !sshd => Some("no sshd (openssh-server)"),
            Self::SshdAndScript if !std::path::Path::new("/usr/bin/script").exists() => {
                Some("no script (bsdutils)")
            }
            Self::SshdAndRoot | Self::SshdRootAndTcsh if !jump_tests::is_root() => Some("not root"),
            Self::SshdRootAndTcsh if !std::path::Path::new(shells::TCSH).exists() => {
                Some("no tcsh (tcsh)")
            }
            _ => None,
        }
    }
}

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let cases = [
        usage::CASES,
        journey::CASES,
        arming::CASES,
        rehearse::CASES,
        rehearse_ram::CASES,
        abort::CASES,
        resume::CASES,
        fleet::CASES,
        two_hosts::CASES,
        hostile::CASES,
        jump2nr::CASES,
        convert::CASES,
        shells::CASES,
        fleet_page::CASES,
        real::CASES,
    ];
    let cases = cases.into_iter().flatten();
    let trials = cases.map(|case| trial(*case)).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial((name, need, run): Case) -> Trial {
    let missing = need.missing();
    if let Some(reason) = missing {
        println!("skipped: {name}: {reason}");
    }
    let run = move || run().map_err(|error| Failed::from(format!("{error:#}")));
    Trial::test(name, run).with_ignored_flag(missing.is_some())
}
