//! The jump system that stays up: it says why, to everybody who may look, and waits.

use std::path::Path;

use anyhow::Result;
use jumpspec::event::What;
use jumpspec::journal::{Journal, Stage};
use jumpspec::places;
use jumpsys::atomic::write_atomic;

use crate::context::Context;
use crate::give_up;
use crate::reporter::Reporter;

/// What the node does about a failure.
pub(crate) const STAYS: &str = "the jump system stays up and waits";

/// Says why, also in the journal, so that the next boots stay too.
pub(crate) fn stay(cx: &mut Context, error: &anyhow::Error) -> Result<()> {
    tell(cx, error);
    let journal = Journal {
        stage: Stage::Stuck,
        failure: Some(give_up::for_journal(error)),
        ..cx.journal().clone()
    };
    cx.record(journal)
}

/// Says why on the console, in the log and to whoever logs in.
pub(crate) fn tell(cx: &mut Context, error: &anyhow::Error) {
    tell_failure(cx, error, STAYS);
    let run = format!("run {}", cx.plan.run);
    leave_reason(&run, error, &mut cx.reporter);
}

/// Tells a failure of the stage that the journal stands at.
pub(crate) fn tell_failure(cx: &mut Context, error: &anyhow::Error, next: &str) {
    let stage = cx.journal().stage;
    let step = format!("{stage:?}").to_lowercase();
    cx.reporter.tell(What::Failed {
        step,
        error: format!("{error:#}"),
        next: next.to_owned(),
    });
}

/// Leaves the reason for `jumpinit status` and for whoever logs in, until the next boot.
pub(crate) fn leave_reason(run: &str, error: &anyhow::Error, reporter: &mut Reporter) {
    let reason = format!("{error:#}\n");
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
