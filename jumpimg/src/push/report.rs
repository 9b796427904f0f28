//! The report at the end of a run: how long each part took, what the node is now, where
//! the log is.

use std::fmt::Write as _;

use jumpspec::report::NodeReport;
use serde_json::{Map, json};

use super::run::Run;
use super::timeline::{Span, Timeline};
use crate::voice::seconds;

impl Run<'_> {
    /// Tells the report to people and to programs.
    pub(super) fn tell_report(&mut self, report: &NodeReport, times: &Timeline) {
        let spans = times.spans();
        let log = self.dir.path().display().to_string();
        self.voice.object(
            "report",
            Map::from_iter([
                ("report".to_owned(), json!(report)),
                ("times".to_owned(), json!(spans)),
                ("log".to_owned(), json!(log)),
            ]),
        );
        let text = text(self.node, report, &spans, &log);
        self.voice.text(&text);
    }
}

fn text(node: &str, report: &NodeReport, spans: &[Span], log: &str) -> String {
    let mut text = format!(
        "\n{node}: {} is now {}, Linux {}\n",
        report.hostname, report.os, report.kernel
    );
    // Writing to a string cannot fail.
    for Span { name, millis } in spans {
        writeln!(text, "  {name:<8} {:>12}", seconds(*millis)).ok();
    }
    for note in &report.notes {
        writeln!(text, "  note: {note}").ok();
    }
    text + &format!("  log: {log}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_times_system_and_log() {
        let report = NodeReport {
            run: "aa".to_owned(),
            hostname: "node07".to_owned(),
            os: "Debian GNU/Linux 13 (trixie)".to_owned(),
            kernel: "6.12.0".to_owned(),
            boot_id: "b".to_owned(),
            notes: vec!["the account bob has another uid now".to_owned()],
        };
        let spans = [
            Span {
                name: "stage",
                millis: 40_000,
            },
            Span {
                name: "total",
                millis: 130_000,
            },
        ];
        insta::assert_snapshot!(text("n7", &report, &spans, "/state/runs/aa"), @r"

        n7: node07 is now Debian GNU/Linux 13 (trixie), Linux 6.12.0
          stage          40.0 s
          total      2 min 10 s
          note: the account bob has another uid now
          log: /state/runs/aa
        ");
    }
}
