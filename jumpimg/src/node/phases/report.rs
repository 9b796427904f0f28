//! The report at the end of a run: how long each part took, what the node is now, where
//! the log is.

use jumpspec::render::page::Page;
use jumpspec::render::{coded, seconds};
use jumpspec::run::report::{NodeReport, Proved, RehearsalReport};
use jumpspec::run::timeline::Span;
use jumpspec::step::Step;
use serde_json::{Map, json};

use super::follow::{Followed, Outcome};
use super::run::Run;
use crate::error::Trouble;
use crate::node::tell::Voice;

impl Followed<'_> {
    /// Keeps the report and tells it, to people and to programs.
    pub(crate) fn report(self, voice: &mut Voice) -> Result<(), Trouble> {
        // The run went well, whatever becomes of what was learned by it.
        if let Err(error) = remember_firmware(&self.run) {
            voice.say(&format!(
                "what was seen of its firmware is not kept: {error:#}"
            ));
        }
        let Run { node, dir, .. } = self.run;
        let spans = self.times.spans();
        let log = dir.path().display().to_string();
        let (event, report, text) = match self.outcome {
            Outcome::Finished(report) => {
                dir.write_report(&report)?;
                let text = text(node, &report, &spans, &log);
                ("report", json!(report), text)
            }
            Outcome::Rehearsed(report) => {
                dir.write_rehearsal(&report)?;
                let text = rehearsal(node, &report, &log);
                ("rehearsal", json!(report), text)
            }
        };
        let fields = [
            ("report".to_owned(), report),
            ("times".to_owned(), json!(spans)),
            ("log".to_owned(), json!(log)),
        ];
        voice.object(event, Map::from_iter(fields));
        voice.text(&text);
        Ok(())
    }
}

/// Whoever came to the end of a run has seen the firmware follow its order, if the plan asked for that.
fn remember_firmware(run: &Run<'_>) -> anyhow::Result<()> {
    let was_shown = run.plan.steps.prove.contains(&Step::FollowOrder);
    let found = run.dir.facts().ok().and_then(|facts| facts.uefi);
    let Some(found) = found.filter(|found| was_shown && found.model.is_known()) else {
        return Ok(());
    };
    run.tools.state.saw_follow(&found.model, run.dir.run())
}

fn rehearsal(node: &str, report: &RehearsalReport, log: &str) -> Page {
    let mut text = Page::default();
    text.blank();
    text.line(format_args!(
        "{node}: {} has proved itself and is its old system again",
        report.hostname
    ));
    for Proved { task, millis } in &report.proved {
        let time = millis.map(seconds).unwrap_or_default();
        let words = task.to_string();
        text.line(format_args!("  {words:<44} {time:>8}"));
    }
    text.line("not proved, for only a replacement can show it:");
    for what in &report.not_proved {
        text.line(format_args!("  - {what}"));
    }
    text.line(format_args!("  log: {log}"));
    text
}

fn text(node: &str, report: &NodeReport, spans: &[Span], log: &str) -> Page {
    let mut text = Page::default();
    text.blank();
    text.line(format_args!(
        "{node}: {} is now {}, Linux {}",
        report.hostname, report.os, report.kernel
    ));
    for Span { name, millis } in spans {
        text.line(format_args!("  {name:<8} {:>12}", seconds(*millis)));
    }
    for failure in &report.failures {
        text.line(format_args!("  failed before: {}", coded(failure)));
    }
    for note in &report.notes {
        text.line(format_args!("  note: {note}"));
    }
    text.line(format_args!("  log: {log}"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::run::failure::{Code, Failure};
    use jumpspec::run::task::StepId;
    use jumpspec::words::run_id::RunId;

    #[test]
    fn a_rehearsals_report_says_what_was_proved_and_what_was_not() {
        let report = RehearsalReport {
            run: RunId::new(0xaa),
            hostname: "node07".to_owned(),
            proved: vec![Proved {
                task: StepId::ProveNetwork.into(),
                millis: Some(1200),
            }],
            not_proved: vec!["the replacement itself".to_owned()],
        };
        insta::assert_snapshot!(rehearsal("n7", &report, "/state/runs/aa"), @r"
        n7: node07 has proved itself and is its old system again
          prove: the network is up                        1.2 s
        not proved, for only a replacement can show it:
          - the replacement itself
          log: /state/runs/aa
        ");
    }

    #[test]
    fn a_report_has_times_system_and_log() {
        let report = NodeReport {
            run: RunId::new(0xaa),
            hostname: "node07".to_owned(),
            os: "Debian GNU/Linux 13 (trixie)".to_owned(),
            kernel: "6.12.0".to_owned(),
            boot_id: "b".to_owned(),
            notes: vec!["the account bob has another uid now".to_owned()],
            failures: vec![Failure {
                task: StepId::Extract.into(),
                ..Failure::new(Code::ProgramKilled, "it was killed")
            }],
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
          failed before: could not unpack the new system: it was killed [program-killed]
          note: the account bob has another uid now
          log: /state/runs/aa
        ");
    }
}
