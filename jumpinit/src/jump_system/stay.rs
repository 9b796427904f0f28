//! The jump system that stays up: it says why, to everybody who may look, and waits.

use std::path::Path;

use anyhow::Result;
use jumpspec::event::What;
use jumpspec::journal::{Journal, Stage};
use jumpspec::places;
use jumpspec::shown;
use jumpsys::files::atomic::write_atomic;

use crate::run::context::Context;
use crate::run::failure;
use crate::run::reporter::Reporter;

/// What the node does about a failure.
pub(crate) const STAYS: &str = "the jump system stays up and waits";

/// Writes it to the journal, so that the next boots stay too, and says why.
pub(crate) fn stay(cx: &mut Context, error: &anyhow::Error) -> Result<()> {
    let stage = cx.journal().stage;
    let recorded = cx.record(Journal {
        stage: Stage::Stuck,
        failure: Some(failure::for_journal(error)),
        ..cx.journal().clone()
    });
    tell(cx, stage, error);
    recorded
}

/// Says why to whoever logs in or asks, then on the console and in the log: who reads there that the
/// node stays finds the reason.
pub(crate) fn tell(cx: &mut Context, stage: Stage, error: &anyhow::Error) {
    let run = format!("run {}", cx.plan.run);
    leave_reason(&run, error, &mut cx.reporter);
    tell_failure(cx, stage, error, STAYS);
}

/// Tells a failure of `stage`.
pub(crate) fn tell_failure(cx: &mut Context, stage: Stage, error: &anyhow::Error, next: &str) {
    let step = format!("{stage:?}").to_lowercase();
    cx.reporter.tell(What::Failed {
        step,
        error: format!("{error:#}"),
        next: next.to_owned(),
    });
}

/// Leaves the reason for `jumpinit status` and for whoever logs in, until the next boot.
pub(crate) fn leave_reason(run: &str, error: &anyhow::Error, reporter: &mut Reporter) {
    let reason = format!("{}\n", shown::line(&format!("{error:#}")));
    let motd = format!(
        "This node is in its jump system ({run}), because:\n  {reason}Log: /{}\n",
        places::EVENTS
    );
    for (path, text) in [(places::REASON, &reason), ("etc/motd", &motd)] {
        let path = Path::new("/").join(path);
        if let Err(error) = write_atomic(&path, text.as_bytes(), 0o644) {
            reporter.note(format!("cannot write {}: {error}", path.display()));
        }
    }
}
