//! One attempt to replace the old system: a process of its own under a limit, so that one that
//! hangs, in a program or in the kernel, cannot hold the node. To be ended at any instant is for
//! the node what a power cut is, and less: every step can be done again from its start, a commit
//! is one sector, and a frozen file system is thawed by its guardian.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use jumpspec::boot::environment::State;
use jumpspec::places;
use jumpspec::run::failure::{Code, Failure};
use jumpspec::run::journal::Journal;
use jumpspec::step::Stage;
use jumpsys::cmd::{CmdError, Program};

use crate::boot;
use crate::conduct::{self, Start};
use crate::jump_system::stay;
use crate::node::bundle::read_plan;
use crate::node::cause::Cause;
use crate::run::context::Context;
use crate::run::failure;
use crate::run::reporter::Reporter;
use crate::steps::copy;

/// How often the jump system begins to replace before it gives up.
const TRIES: u32 = 3;
/// What the limit leaves the steps to fail by themselves, which says more.
const GRACE: Duration = Duration::from_secs(30);
/// This program, in the jump system.
const PROGRAM: &str = "/etc/rc.local";

/// How an attempt ended.
pub(crate) enum Outcome {
    /// The new system has its tries.
    Replaced,
    /// It failed, has said why, and the node stays.
    Stays,
    /// Something killed it: it may be begun again.
    Died,
    /// It failed and has not said why.
    Failed(Failure),
}

/// Makes an attempt and watches over it; `cx` knows afterwards what it has left.
pub(crate) fn watch(cx: &mut Context) -> Outcome {
    let limit = cx.plan.wait.replace.0;
    let attempt = Program::new(PROGRAM).arg("replace");
    let ended = attempt.timeout(limit + GRACE).run();
    let Err(error) = ended else {
        return Outcome::Replaced;
    };
    if let Err(error) = cx.reread() {
        return Outcome::Failed(failure::of(&error, Code::JournalFailed));
    }
    match outcome(error, limit, cx.journal().stage, boot::state(cx)) {
        // It may have said why, and found no way into the journal.
        Outcome::Failed(failure) => Outcome::Failed(stay::reason().unwrap_or(failure)),
        ended => ended,
    }
}

fn outcome(error: CmdError, limit: Duration, stage: Stage, next: Option<State>) -> Outcome {
    match error {
        // It came to its last write, and hung behind it.
        CmdError::TimedOut { .. } | CmdError::Hangs { .. }
            if matches!(next, Some(State::Try(_))) =>
        {
            Outcome::Replaced
        }
        CmdError::TimedOut { .. } => too_long(limit, ": what hung was ended"),
        CmdError::Hangs { .. } => too_long(
            limit,
            ", and what hangs cannot be ended: it waits in the kernel",
        ),
        CmdError::Failed { status, .. } if status.signal().is_some() => Outcome::Died,
        CmdError::Failed { .. } if stage == Stage::Stuck => Outcome::Stays,
        other => Outcome::Failed(failure::of(&other.into(), Code::ProgramFailed)),
    }
}

fn too_long(limit: Duration, end: &str) -> Outcome {
    let why = format!("{}{end}", crate::run::context::too_long(limit));
    Outcome::Failed(Failure::new(Code::TooLong, why))
}

/// The attempt itself, which [`watch`] calls. Every boot begins at the first step, but for trees that
/// were copied: what was half done is done anew.
pub(crate) fn run() -> Result<()> {
    let plan = read_plan(&Path::new("/").join(places::PLAN))?;
    let mut reporter = Reporter::to_console();
    reporter.log_to(&Path::new("/").join(places::EVENTS));
    let mut cx = Context::new(plan, PathBuf::from("/"), reporter)?;
    cx.limit_to(cx.plan.wait.replace.0);
    let done = begin(&mut cx).and_then(|()| {
        let steps = cx.plan.steps.replace.clone();
        let start = Start::BehindCopies(copy::counted(&cx)?);
        conduct::all(&mut cx, &steps, &start)
    });
    if let Err(error) = &done {
        stay::stay(&mut cx, &failure::of(error, Code::Unknown))?;
    }
    done
}

fn begin(cx: &mut Context) -> Result<()> {
    let tries = cx.journal().tries + 1;
    ensure!(
        tries <= TRIES,
        Cause::new(
            Code::TriesSpent,
            format!("replacing was begun {TRIES} times and never finished")
        )
    );
    cx.enter(Stage::Replace)?;
    cx.record(Journal {
        tries,
        ..cx.journal().clone()
    })?;
    boot::repair(cx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::ExitStatus;

    const LIMIT: Duration = Duration::from_hours(2);

    fn after(error: CmdError, stage: Stage, next: State) -> Outcome {
        outcome(error, LIMIT, stage, Some(next))
    }

    fn timed_out() -> CmdError {
        CmdError::TimedOut {
            command: String::new(),
            limit: LIMIT,
            stderr: String::new(),
        }
    }

    fn failed(status: i32) -> CmdError {
        CmdError::Failed {
            command: String::new(),
            status: ExitStatus::from_raw(status),
            stderr: String::new(),
        }
    }

    #[test]
    fn an_attempt_that_hangs_is_a_failure_that_names_the_limit() {
        let Outcome::Failed(failure) = after(timed_out(), Stage::Replace, State::Jump) else {
            panic!("not a failure");
        };
        assert_eq!(failure.code, Code::TooLong);
        let text = failure.to_string();
        assert!(text.contains("7200 s ([wait] replace)"), "{text}");
    }

    #[test]
    fn an_attempt_that_hangs_behind_its_last_write_is_done() {
        let ended = after(timed_out(), Stage::Try, State::Try(3));
        assert!(matches!(ended, Outcome::Replaced));
    }

    #[test]
    fn an_attempt_that_was_killed_may_begin_again_and_one_that_spoke_stays() {
        let (killed, exit) = (9, 1 << 8);
        let ended = after(failed(killed), Stage::Replace, State::Jump);
        assert!(matches!(ended, Outcome::Died));
        let ended = after(failed(exit), Stage::Stuck, State::Jump);
        assert!(matches!(ended, Outcome::Stays));
        let ended = after(failed(exit), Stage::Replace, State::Jump);
        assert!(matches!(ended, Outcome::Failed(_)));
    }
}
