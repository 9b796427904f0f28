//! What came of the stops: a line for each, a table, the verdict.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::answer::{Answer, Fat};
use super::stop::Stop;
use super::story::Who;
use super::writes::Writes;
use crate::statistics::Spread;
use crate::table::Table;
use crate::vm::loader::Choice;
use crate::workspace;

/// What came of one stop.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Outcome {
    number: usize,
    who: &'static str,
    step: String,
    after: Writes,
    may_boot: Vec<&'static str>,
    /// Whose kernel has started.
    boots: Option<&'static str>,
    /// Seconds from power-on to that, and to SSH where it was waited for.
    kernel: Option<f64>,
    ssh: Option<f64>,
    fat: Option<Fat>,
    lost: Option<String>,
    /// Where its disk and its logs are.
    kept: Option<String>,
}

impl Outcome {
    /// Of a stop; what it left is removed, unless the machine is lost or all are kept.
    pub(super) fn of(stop: &Stop, answer: Result<Answer>, keep: bool) -> Result<Self> {
        let (answer, lost) = match answer {
            Ok(answer) => (Some(answer), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let folder = &stop.node.folder;
        let kept = (keep || lost.is_some()).then(|| workspace::shown(folder));
        if kept.is_none() {
            stop.remove()?;
        }
        Ok(Self {
            number: stop.number,
            who: stop.who.words(),
            step: stop.step.clone(),
            after: stop.after,
            may_boot: stop.may_boot.iter().copied().map(Choice::name).collect(),
            boots: answer.map(|answer| answer.system.name()),
            kernel: answer.map(|answer| answer.kernel),
            ssh: answer.and_then(|answer| answer.ssh),
            fat: answer.map(|answer| answer.fat),
            lost,
            kept,
        })
    }

    /// A line of progress.
    pub(super) fn line(&self) -> String {
        let Self { number, .. } = self;
        let mut line = format!("{number:>4}  {}: ", self.when());
        match (self.boots, self.kernel) {
            (Some(boots), Some(kernel)) => {
                let _ = write!(line, "{boots} after {kernel:.1} s");
            }
            _ => line.push_str("LOST"),
        }
        if let Some(ssh) = self.ssh {
            let _ = write!(line, ", SSH after {ssh:.1} s");
        }
        if self.fat == Some(Fat::Mendable) {
            line.push_str(", FAT to be mended");
        }
        line
    }

    fn when(&self) -> String {
        let Writes { store, esp } = self.after;
        let (who, step) = (self.who, &self.step);
        format!("{who}: {step}, +{store} to the store, +{esp} to the ESP")
    }

    fn lament(&self) -> Option<String> {
        let why = self.lost.as_ref()?;
        let may = self.may_boot.join(" or ");
        let mut text = format!("lost: {}; may boot: {may}: {why}\n", self.when());
        if let Some(kept) = &self.kept {
            let _ = writeln!(text, "  disk and logs: {kept}");
        }
        Some(text)
    }
}

/// What came of all.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    seed: u64,
    seconds: f64,
    stops: Vec<Outcome>,
}

impl Report {
    /// Of stops that took so long altogether, with the journey.
    pub(super) fn new(seed: u64, took: Duration, stops: Vec<Outcome>) -> Self {
        let seconds = took.as_secs_f64();
        Self {
            seed,
            seconds,
            stops,
        }
    }

    /// How many there were.
    pub(super) fn stops(&self) -> usize {
        self.stops.len()
    }

    /// How many machines are lost.
    pub(super) fn lost(&self) -> usize {
        self.stops.iter().filter(|stop| stop.lost.is_some()).count()
    }

    /// Laments, table and verdict, for people.
    pub(super) fn text(&self) -> String {
        let mut text: String = self.stops.iter().filter_map(Outcome::lament).collect();
        let head = [
            "at work",
            "stops",
            "old",
            "jump",
            "new",
            "lost",
            "FAT to be mended",
            "kernel s",
            "max",
            "SSH asked",
            "max s",
        ];
        let mut table = Table::new(1, &head);
        for who in Who::ALL {
            let of_who = |stop: &&Outcome| stop.who == who.words();
            let stops: Vec<&Outcome> = self.stops.iter().filter(of_who).collect();
            if !stops.is_empty() {
                table.row(row(who.words(), &stops));
            }
        }
        table.row(row("all", &self.stops.iter().collect::<Vec<_>>()));
        text += &table.text();
        let Self { seed, seconds, .. } = self;
        let _ = writeln!(text, "seed {seed}, {seconds:.0} s");
        let _ = writeln!(
            text,
            "machine stops: {}, lost: {}",
            self.stops(),
            self.lost()
        );
        text
    }
}

fn row(words: &str, stops: &[&Outcome]) -> Vec<String> {
    let count =
        |is: &dyn Fn(&Outcome) -> bool| stops.iter().filter(|it| is(it)).count().to_string();
    let booted = |system: Choice| count(&move |it| it.boots == Some(system.name()));
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    let kernel = Spread::of(stops.iter().filter_map(|it| it.kernel));
    let ssh = Spread::of(stops.iter().filter_map(|it| it.ssh));
    let mut row = vec![words.to_owned(), stops.len().to_string()];
    row.extend([Choice::Old, Choice::Jump, Choice::New].map(booted));
    row.push(count(&|it| it.lost.is_some()));
    row.push(count(&|it| it.fat == Some(Fat::Mendable)));
    row.push(figure(kernel.map(|spread| spread.median)));
    row.push(figure(kernel.map(|spread| spread.max)));
    row.push(count(&|it| it.ssh.is_some()));
    row.push(figure(ssh.map(|spread| spread.max)));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(lost: Option<&str>) -> Outcome {
        Outcome {
            number: 1,
            who: Who::Firmware.words(),
            step: "the machine restarts".to_owned(),
            after: Writes { store: 9, esp: 1 },
            may_boot: vec!["old", "jump"],
            boots: lost.is_none().then_some("old"),
            kernel: lost.is_none().then_some(9.5),
            ssh: None,
            fat: lost.is_none().then_some(Fat::Mendable),
            lost: lost.map(str::to_owned),
            kept: lost.map(|_| "target/vm/runs/machine-stops-1".to_owned()),
        }
    }

    #[test]
    fn a_lost_machine_is_named_with_what_it_left_and_the_verdict_is_last() {
        let stops = vec![
            outcome(None),
            outcome(Some("a kernel starts: not within 300 s")),
        ];
        let report = Report::new(7, Duration::from_mins(1), stops);
        let text = report.text();
        let lost = "lost: firmware, loader: the machine restarts, +9 to the store, +1 to the ESP; \
                    may boot: old or jump: a kernel starts: not within 300 s\n  \
                    disk and logs: target/vm/runs/machine-stops-1\n";
        assert!(text.starts_with(lost), "{text}");
        assert_eq!(text.lines().last(), Some("machine stops: 2, lost: 1"));
    }
}
