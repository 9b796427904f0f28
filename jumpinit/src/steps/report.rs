//! What the new system tells of the run that made it.

use std::path::Path;

use anyhow::{Context as _, Result};
use jumpspec::event::{Event, What};
use jumpspec::places;
use jumpspec::report::{self, NodeReport};
use jumpsys::files::atomic::write_atomic;
use jumpsys::files::root::Root;

use crate::run::context::Context;

/// Leaves the report in the new system.
pub(crate) fn leave(cx: &mut Context) -> Result<()> {
    let report = NodeReport {
        run: cx.plan.run.clone(),
        hostname: jumpsys::kernel::system::hostname()?,
        os: cx.plan.images.target.os.clone(),
        kernel: jumpsys::kernel::system::kernel()?.release,
        boot_id: jumpsys::kernel::system::boot_id()?,
        notes: notes(cx)?,
    };
    let path = Path::new("/").join(places::NEW_LOG).join(report::FILE);
    write_atomic(&path, &serde_json::to_vec_pretty(&report)?, 0o640)
        .context("cannot write the report")
}

/// What the admin should know: the plan's notes, and what was noted since.
fn notes(cx: &Context) -> Result<Vec<String>> {
    let events = Root::open(Path::new("/"))?
        .read_text(&format!("{}/{}", places::NEW_LOG, places::EVENTS_NAME))?
        .unwrap_or_default();
    Ok(with_noted(cx.plan.notes.clone(), &events))
}

fn with_noted(mut notes: Vec<String>, events: &str) -> Vec<String> {
    for line in events.lines() {
        if let Ok(Event {
            what: What::Note { text },
            ..
        }) = serde_json::from_str(line)
            && !notes.contains(&text)
        {
            notes.push(text);
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_every_note_once() {
        let note = |text: &str| {
            format!(r#"{{"uptime_ms":1,"stage":"replace","event":"note","text":"{text}"}}"#)
        };
        let events = [note("b"), "torn".to_owned(), note("b"), note("a")].join("\n");
        assert_eq!(with_noted(vec!["a".to_owned()], &events), ["a", "b"]);
    }
}
