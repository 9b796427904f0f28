//! Events and times for people.

use crate::render::page::{Ink, Page};
use crate::run::event::What;
use crate::run::failure::Failure;

/// An event for people, each line behind `margin`; nothing, if it is not worth a line.
pub fn event(what: &What, margin: &str) -> Page {
    let mut page = Page::default();
    let before = format!("{margin}  ");
    match what {
        What::Begin { .. } | What::Progress { .. } | What::Need { .. } | What::Complete => {}
        What::Done { task, millis } => {
            let words = task.to_string();
            let told = format_args!("  {words:<44} {:>8}", seconds(*millis));
            page.marked(before, Ink::Green, "ok", told);
        }
        What::Said { text, .. } => {
            for line in text.lines() {
                page.line(format_args!("{before}    {line}"));
            }
        }
        What::Note { text } => page.marked(before, Ink::Yellow, "!!", format_args!("  {text}")),
        What::Failed { failure, next } => {
            let told = format_args!("  {}", coded(failure));
            page.marked(before, Ink::Red, "ko", told);
            page.line(format_args!(
                "{:width$}      {next}",
                "",
                width = margin.len()
            ));
        }
        What::Reboot { into } => page.line(format_args!("{before}>>  reboot into {into}")),
    }
    page
}

/// An event as the node's console shows it, if it is worth a line there.
pub fn console(what: &What) -> Option<String> {
    Some(match what {
        What::Begin { task } => task.to_string(),
        What::Done { .. } | What::Need { .. } | What::Said { .. } => return None,
        What::Progress { task, done, total } => {
            format!("{task}: {} of {} MiB", done >> 20, total >> 20)
        }
        What::Note { text } => text.clone(),
        What::Failed { failure, next } => format!("FAILED: {}; {next}", coded(failure)),
        What::Reboot { into } => format!("reboot into {into}"),
        What::Complete => "stage complete".to_owned(),
    })
}

/// A failure with its code.
pub fn coded(failure: &Failure) -> String {
    format!("{failure} [{}]", failure.code.name())
}

/// `12.3 s`, `2 min 05 s`.
pub fn seconds(millis: u64) -> String {
    let (whole, tenths) = (millis / 1000, millis % 1000 / 100);
    if whole < 60 {
        format!("{whole}.{tenths} s")
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::Next;
    use crate::run::failure::Code;
    use crate::run::task::StepId;

    #[test]
    fn times_are_short_to_read() {
        assert_eq!(seconds(12_345), "12.3 s");
        assert_eq!(seconds(125_000), "2 min 05 s");
    }

    #[test]
    fn what_a_program_said_is_shown_line_by_line() {
        let what = What::Said {
            task: StepId::HookPrep.into(),
            text: "one\ntwo\u{1b}[31m\n".to_owned(),
        };
        let told = "node07      one\nnode07      two\\u{1b}[31m\n";
        assert_eq!(event(&what, "node07").as_str(), told);
        assert_eq!(console(&what), None);
    }

    #[test]
    fn a_failure_says_what_happens_next() {
        let what = What::Failed {
            failure: Failure {
                task: StepId::ProveNetwork.into(),
                ..Failure::new(Code::NoNetwork, "no link")
            },
            next: Next::OldReturns,
        };
        let told = event(&what, "");
        let words = "could not prove: the network is up: no link [no-network]";
        let expected = format!("  {words}\n      the old system comes back\n");
        assert!(told.as_str().ends_with(&expected), "{told}");
        let console = console(&what).unwrap();
        assert_eq!(
            console,
            format!("FAILED: {words}; the old system comes back")
        );
    }
}
