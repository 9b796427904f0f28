//! What the new system tells of the run that made it.

use std::path::Path;

use anyhow::{Context as _, Result};
use jumpspec::run::event::{Event, What};
use jumpspec::run::failure::{self, Failure};
use jumpspec::run::report::{self, NodeReport};
use jumpspec::{answers, places};
use jumpsys::files::atomic::write_atomic;
use jumpsys::files::root::Root;

use crate::run::context::Context;

/// Leaves the report in the new system.
pub(crate) fn leave(cx: &mut Context) -> Result<()> {
    let log = read_log()?;
    let notes = with_noted(cx.plan.notes.clone(), &log);
    let failures = failures(&log);
    let report = NodeReport {
        run: cx.plan.run.clone(),
        hostname: jumpsys::kernel::system::hostname()?,
        os: cx.plan.images.target.os.clone(),
        kernel: jumpsys::kernel::system::kernel()?.release,
        boot_id: jumpsys::kernel::system::boot_id()?,
        notes,
        failures,
    };
    let path = Path::new("/").join(places::NEW_LOG).join(report::FILE);
    write_atomic(&path, &serde_json::to_vec_pretty(&report)?, 0o640)
        .context("cannot write the report")
}

fn read_log() -> Result<Vec<Event>> {
    let log = Root::open(Path::new("/"))?.read_text(&format!(
        "{}/{}",
        places::NEW_LOG,
        places::EVENTS_NAME
    ))?;
    Ok(answers::events(&log.unwrap_or_default()))
}

/// What the admin should know: the plan's notes, and what was noted since.
fn with_noted(mut notes: Vec<String>, log: &[Event]) -> Vec<String> {
    for event in log {
        if let What::Note { text } = &event.what
            && !notes.contains(text)
        {
            notes.push(text.clone());
        }
    }
    notes
}

/// What had failed before it went well, the last of it, in order.
fn failures(log: &[Event]) -> Vec<Failure> {
    let failure = |event: &Event| match &event.what {
        What::Failed { failure, .. } => Some(failure.clone().bounded()),
        _ => None,
    };
    let mut last: Vec<Failure> = Vec::new();
    let mut bytes = 0;
    for failure in log.iter().rev().filter_map(failure) {
        bytes += failure.length();
        if last.len() == report::MOST_FAILURES || bytes > failure::LONGEST {
            break;
        }
        last.push(failure);
    }
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use jumpspec::run::failure::Code;

    use super::*;

    #[test]
    fn the_report_has_every_note_once() {
        let note = |text: &str| {
            format!(r#"{{"uptime_ms":1,"stage":"replace","event":"note","text":"{text}"}}"#)
        };
        let events = [note("b"), "torn".to_owned(), note("b"), note("a")].join("\n");
        let events = answers::events(&events);
        assert_eq!(with_noted(vec!["a".to_owned()], &events), ["a", "b"]);
    }

    #[test]
    fn the_report_has_what_had_failed_before() {
        let log = answers::events(
            r#"{"uptime_ms":1,"stage":"replace","event":"failed","code":"no-room","step":"extract","error":"e","next":"jump-stays"}"#,
        );
        assert_eq!(failures(&log)[0].code, Code::NoRoom);
    }

    #[test]
    fn of_very_many_failures_the_report_has_the_last() {
        let event = |number: usize| Event {
            uptime_ms: 1,
            stage: jumpspec::step::Stage::Try,
            what: What::Failed {
                failure: Failure::new(Code::HealthFailed, number.to_string()),
                next: jumpspec::run::event::Next::NewStays,
            },
        };
        let told: Vec<Failure> = failures(&(0..2000).map(event).collect::<Vec<_>>());
        assert_eq!(told.len(), report::MOST_FAILURES);
        assert_eq!(told.last().map(|it| it.error.as_str()), Some("1999"));
    }
}
