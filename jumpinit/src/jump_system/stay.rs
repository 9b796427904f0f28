//! The jump system that stays up: it says why, to everybody who may look, and waits.

use std::path::Path;

use anyhow::Result;
use jumpspec::run::event::{Next, What};
use jumpspec::run::failure::Failure;
use jumpspec::run::journal::Journal;
use jumpspec::step::Stage;
use jumpspec::words::shown;
use jumpspec::{places, render};
use jumpsys::files::atomic::write_atomic;

use crate::run::context::Context;
use crate::run::failure::for_journal;
use crate::run::reporter::Reporter;

/// Writes it to the journal, so that the next boots stay too, and says why.
pub(crate) fn stay(cx: &mut Context, failure: &Failure) -> Result<()> {
    let recorded = cx.record(Journal {
        stage: Stage::Stuck,
        failure: Some(for_journal(failure)),
        ..cx.journal().clone()
    });
    tell(cx, failure);
    recorded
}

/// Says why to whoever logs in or asks, then on the console and in the log: who reads there that the
/// node stays finds the reason.
pub(crate) fn tell(cx: &mut Context, failure: &Failure) {
    let run = format!("run {}", cx.plan.run);
    leave_reason(&run, failure, &mut cx.reporter);
    cx.reporter.tell(What::Failed {
        failure: failure.clone(),
        next: Next::JumpStays,
    });
}

/// The reason that was left in this boot, if one was.
pub(crate) fn reason() -> Option<Failure> {
    let left = std::fs::read(Path::new("/").join(places::REASON)).ok()?;
    serde_json::from_slice(&left).ok()
}

/// Leaves the reason for `jumpinit status` and for whoever logs in, until the next boot.
pub(crate) fn leave_reason(run: &str, failure: &Failure, reporter: &mut Reporter) {
    let motd = format!(
        "This node is in its jump system ({run}), because:\n  {}\nLog: /{}\n",
        shown::line(&render::coded(failure)),
        places::EVENTS
    );
    let reason = serde_json::to_string(&failure.clone().bounded()).unwrap_or_default();
    for (path, text) in [(places::REASON, &reason), ("etc/motd", &motd)] {
        let path = Path::new("/").join(path);
        if let Err(error) = write_atomic(&path, text.as_bytes(), 0o644) {
            reporter.note(format!("cannot write {}: {error}", path.display()));
        }
    }
}
