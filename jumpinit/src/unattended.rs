//! The jump system's whole life, as its `/etc/rc.local`: prove or go back; replace or
//! wait, reachable; never a prompt, never a loop without end.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use jumpspec::event::What;
use jumpspec::journal::{Journal, Stage};
use jumpspec::places;
use jumpspec::selector::State;
use jumpsys::atomic::write_atomic;
use jumpsys::system::{RebootVia, reboot};

use crate::context::{Context, read_plan};
use crate::reporter::Reporter;
use crate::selector;

/// How often the jump system begins to replace before it gives up.
const TRIES: u32 = 3;

/// What happens at the end of this boot.
enum End {
    /// Into what the selector now says, told in these words.
    Reboot(&'static str),
    /// Stay up, reachable, and say why.
    Stay(anyhow::Error),
}

/// Runs the jump system's part. Returns only when the node stays in the jump system.
pub(crate) fn run() -> Result<()> {
    let mut reporter = Reporter::to_console();
    reporter.log_to(&Path::new("/").join(places::EVENTS));
    let plan_path = Path::new("/").join(places::PLAN);
    if !plan_path.exists() {
        reporter.note("there is no plan here: this jump system has nothing to do");
        return Ok(());
    }
    let context = read_plan(&plan_path)
        .and_then(|plan| Context::new(plan, PathBuf::from("/"), PathBuf::new(), reporter));
    let mut cx = match context {
        Ok(cx) => cx,
        Err(error) => return go_back_without_context(&error),
    };
    match proceed(&mut cx) {
        End::Reboot(into) => {
            cx.reporter.tell(What::Reboot {
                into: into.to_owned(),
            });
            cx.reporter.close_log();
            Ok(reboot(RebootVia::Kernel)?)
        }
        End::Stay(error) => stay(&mut cx, &error),
    }
}

/// The environment, not the journal, says whether the commit was done: it is what the
/// loader reads.
fn proceed(cx: &mut Context) -> End {
    match (cx.journal().stage, selector::state(cx)) {
        (Stage::Stuck, _) => End::Stay(anyhow!(
            "{}",
            cx.journal()
                .failure
                .clone()
                .unwrap_or_else(|| "an earlier boot gave up".to_owned())
        )),
        (Stage::Try | Stage::Finish, _) | (_, Some(State::Try(_))) => End::Stay(anyhow!(
            "the new system did not come up and confirm itself in its tries"
        )),
        (Stage::Replace, _) | (_, Some(State::Jump)) => replace(cx),
        (Stage::Stage | Stage::Armed | Stage::Prove, _) => prove(cx),
    }
}

/// Nothing is destroyed yet: whatever is amiss, the old system comes back, to which the
/// selector has already turned.
fn prove(cx: &mut Context) -> End {
    let steps = cx.plan.steps.prove.clone();
    let proved = cx.enter(Stage::Prove).and_then(|()| {
        steps
            .iter()
            .enumerate()
            .try_for_each(|(index, step)| cx.carry_out(index, step))
    });
    match proved {
        Ok(()) => replace(cx),
        // The commit itself may have been done before it failed.
        Err(error) if selector::state(cx) == Some(State::Jump) => End::Stay(error),
        Err(error) => {
            let failure = format!("{error:#}");
            tell_failure(cx, &error, "the old system comes back");
            let journal = Journal {
                failure: Some(failure),
                ..cx.journal().clone()
            };
            if let Err(error) = cx.record(journal) {
                cx.reporter.note(format!("{error:#}"));
            }
            End::Reboot("the old system")
        }
    }
}

/// Every boot begins at the first step: what was half done is done anew.
fn replace(cx: &mut Context) -> End {
    let tries = cx.journal().tries + 1;
    if tries > TRIES {
        return End::Stay(anyhow!(
            "replacing was begun {TRIES} times and never finished"
        ));
    }
    let steps = cx.plan.steps.replace.clone();
    let begun = cx.enter(Stage::Replace).and_then(|()| {
        let journal = Journal {
            tries,
            ..cx.journal().clone()
        };
        cx.record(journal)
    });
    let replaced = begun.and_then(|()| {
        steps
            .iter()
            .enumerate()
            .try_for_each(|(index, step)| cx.carry_out(index, step))
    });
    match replaced {
        Ok(()) => End::Reboot("the new system"),
        Err(error) => End::Stay(error),
    }
}

fn tell_failure(cx: &mut Context, error: &anyhow::Error, next: &str) {
    let stage = cx.journal().stage;
    let step = format!("{stage:?}").to_lowercase();
    cx.reporter.tell(What::Failed {
        step,
        error: format!("{error:#}"),
        next: next.to_owned(),
    });
}

/// Says why on the console, in the log, in the journal and to whoever logs in.
fn stay(cx: &mut Context, error: &anyhow::Error) -> Result<()> {
    tell_failure(cx, error, "the jump system stays up and waits");
    let failure = format!("{error:#}");
    let motd = format!(
        "This node is in its jump system (run {}), because:\n  {failure}\nLog: /{}\n",
        cx.plan.run,
        places::EVENTS
    );
    if let Err(error) = write_atomic(Path::new("/etc/motd"), motd.as_bytes(), 0o644) {
        cx.reporter.note(format!("cannot write /etc/motd: {error}"));
    }
    let journal = Journal {
        stage: Stage::Stuck,
        failure: Some(failure),
        ..cx.journal().clone()
    };
    cx.record(journal)
}

/// Without a plan that can be read or a disk that can be found nothing is known and
/// nothing written. Before the commit a reboot leads to the old system; after it, the
/// next boots end here as well, so the node stays up.
fn go_back_without_context(error: &anyhow::Error) -> Result<()> {
    let mut reporter = Reporter::to_console();
    reporter.log_to(&Path::new("/").join(places::EVENTS));
    reporter.enter(Stage::Prove);
    let spent = selector::read_state(Path::new("/")) == Some(State::Old);
    let next = if spent {
        "the old system comes back"
    } else {
        "the jump system stays up and waits"
    };
    reporter.tell(What::Failed {
        step: "find the plan and its disk".to_owned(),
        error: format!("{error:#}"),
        next: next.to_owned(),
    });
    reporter.close_log();
    if spent {
        reboot(RebootVia::Kernel)?;
    }
    Ok(())
}
