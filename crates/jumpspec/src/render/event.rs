//! Events and times for people.

use crate::event::What;
use crate::page::{Ink, Page};

/// An event for people, each line behind `margin`; nothing, if it is not worth a line.
pub fn event(what: &What, margin: &str) -> Page {
    let mut page = Page::default();
    let before = format!("{margin}  ");
    match what {
        What::Begin { .. } | What::Progress { .. } | What::Need { .. } | What::Complete => {}
        What::Done { step, millis } => {
            let told = format_args!("  {step:<44} {:>8}", seconds(*millis));
            page.marked(before, Ink::Green, "ok", told);
        }
        What::Note { text } => page.marked(before, Ink::Yellow, "!!", format_args!("  {text}")),
        What::Failed { step, error, next } => {
            page.marked(before, Ink::Red, "ko", format_args!("  {step}: {error}"));
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

    #[test]
    fn times_are_short_to_read() {
        assert_eq!(seconds(12_345), "12.3 s");
        assert_eq!(seconds(125_000), "2 min 05 s");
    }

    #[test]
    fn a_failure_says_what_happens_next() {
        let what = What::Failed {
            step: "prove".into(),
            error: "no link".into(),
            next: "reboot".into(),
        };
        let told = event(&what, "");
        assert!(
            told.as_str().ends_with("  prove: no link\n      reboot\n"),
            "{told}"
        );
    }
}
