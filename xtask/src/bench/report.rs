//! Everything that a bench found, as JSON, as text, and as Markdown. Pure.

use std::fmt::Write as _;

use jumplab::statistics::Spread;
use jumplab::table::Table;
use serde::Serialize;

use super::census::Census;
use super::contest::{Contest, Pair, Work};
use super::growth::Growth;
use super::machine::Machine;
use super::measure::Sample;
use super::target::{Verdict, verdicts};

/// How the figures are taken, for who reads them.
pub(super) const METHOD: &str = "\
Pairs are run in turn, the order changing from pair to pair, after one run of each that does
not count; ratios are medians of the pairs' ratios (least–greatest). Before each run its input is read once (warm cache) and everything is
synced; each extraction goes to a fresh ext4 (mkfs's defaults) on a loop device, where all files
are counted afterwards. CPU is user and system time of all processes, memory the greatest resident
size of one process. jumpimg build also makes its image durable, the peers' builds do not.";

/// What a bench found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// How it was started.
    pub(super) command: String,
    /// On what.
    pub(super) machine: Machine,
    /// With what, unless only growth was measured.
    pub(super) input: Option<Census>,
    /// How.
    pub(super) method: &'static str,
    /// All matches, with all their runs.
    pub(super) contests: Vec<Contest>,
    /// All numbers of files, with all their runs.
    pub(super) growth: Vec<Growth>,
    /// What was to be reached.
    pub(super) targets: Vec<Verdict>,
}

impl Report {
    /// Puts it together.
    pub(super) fn new(
        command: String,
        machine: Machine,
        input: Option<Census>,
        contests: Vec<Contest>,
        growth: Vec<Growth>,
    ) -> Self {
        Self {
            command,
            machine,
            input,
            method: METHOD,
            targets: verdicts(&contests, &growth),
            contests,
            growth,
        }
    }

    /// The tables that have rows: targets, runs, growth.
    fn tables(&self) -> impl Iterator<Item = Table> {
        let tables = [
            targets(&self.targets),
            runs(&self.contests),
            growth(&self.growth),
        ];
        tables.into_iter().filter(|table| !table.is_empty())
    }

    /// For a terminal; machine and input have been told at the start.
    pub(super) fn text(&self) -> String {
        let tables: Vec<String> = self.tables().map(|table| table.text()).collect();
        format!("{}\n{METHOD}\n", tables.join("\n"))
    }

    /// For the README.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("`{}` on {}.", self.command, self.machine);
        if let Some(input) = &self.input {
            let _ = write!(text, " Input: {input}.");
        }
        for table in self.tables() {
            let _ = write!(text, "\n\n{}", table.markdown().trim_end());
        }
        let _ = write!(text, "\n\n{METHOD}\n");
        text
    }
}

fn targets(verdicts: &[Verdict]) -> Table {
    let head = ["what", "of", "found", "runs", "target", "reached"];
    let mut table = Table::new(2, &head);
    for verdict in verdicts {
        let Spread { median, min, max } = verdict.found;
        let found = if verdict.measure.contains("MiB") {
            format!("{median:.1}")
        } else if verdict.runs > 1 && min < max {
            format!("{median:.2} ({min:.2}–{max:.2})")
        } else {
            format!("{median:.2}")
        };
        let limit = if verdict.limit.fract() == 0.0 {
            format!("≤ {:.0}", verdict.limit)
        } else {
            format!("≤ {:.2}", verdict.limit)
        };
        table.row(vec![
            verdict.what.clone(),
            verdict.measure.clone(),
            found,
            verdict.runs.to_string(),
            limit,
            if verdict.reached { "yes" } else { "no" }.to_owned(),
        ]);
    }
    table
}

fn runs(contests: &[Contest]) -> Table {
    let head = ["command", "runs", "wall s", "CPU s", "peak MiB", "MB"];
    let mut table = Table::new(1, &head);
    for contest in contests {
        let side = |of: fn(&Pair) -> Sample| contest.pairs.iter().map(of).collect::<Vec<_>>();
        table.row(cells(contest.terms.ours, &side(|pair| pair.ours)));
        table.row(cells(contest.terms.peer, &side(|pair| pair.peer)));
    }
    table
}

fn cells(name: &str, samples: &[Sample]) -> Vec<String> {
    let median = |of: fn(&Sample) -> f64| {
        let spread = Spread::of(samples.iter().map(of));
        spread.map_or_else(String::new, |spread| format!("{:.2}", spread.median))
    };
    let peak = samples.iter().map(|sample| sample.cost.peak).max();
    let size = samples.last().and_then(|sample| sample.size);
    vec![
        name.to_owned(),
        samples.len().to_string(),
        median(|sample| sample.cost.wall),
        median(|sample| sample.cost.cpu),
        peak.map_or_else(String::new, mebibytes),
        size.map_or_else(String::new, megabytes),
    ]
}

fn growth(growth: &[Growth]) -> Table {
    let head = [
        "files",
        "runs",
        "extract s",
        "µs a file",
        "CPU µs a file",
        "extract MiB",
        "build MiB",
        "verify MiB",
        "MB",
    ];
    let mut table = Table::new(0, &head);
    for at in growth {
        let peak = |work| {
            at.peaks(work)
                .into_iter()
                .max()
                .map_or_else(String::new, mebibytes)
        };
        let seconds = Spread::of(at.extracts.iter().map(|cost| cost.wall));
        let figure = |spread: Option<Spread>, digits: usize| {
            spread.map_or_else(String::new, |spread| format!("{:.digits$}", spread.median))
        };
        table.row(vec![
            at.files.to_string(),
            at.extracts.len().to_string(),
            figure(seconds, 2),
            figure(at.time_per_file(), 1),
            figure(at.cpu_per_file(), 1),
            peak(Work::Extract),
            peak(Work::Build),
            peak(Work::Verify),
            megabytes(at.size),
        ]);
    }
    table
}

/// With one decimal.
fn mebibytes(bytes: u64) -> String {
    format!("{}.{}", bytes >> 20, (bytes % (1 << 20) * 10) >> 20)
}

/// With one decimal.
fn megabytes(bytes: u64) -> String {
    format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10)
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::bench::census::Census;
    use crate::bench::contest::{Contest, Match, Pair, Work};
    use crate::bench::goal::{Goal, Measure};
    use crate::bench::machine::Machine;
    use crate::bench::measure::Cost;
    use crate::bench::measure::Sample;

    const GOALS: &[Goal] = &[
        Goal::must(Measure::Wall, 0.95),
        Goal::must(Measure::Size, 0.98),
    ];

    fn report() -> Report {
        let sample = |wall, size| Sample {
            cost: Cost {
                wall,
                cpu: 3.0,
                peak: 40 << 20,
            },
            size: Some(size),
        };
        let pair = |ours, peer| Pair {
            ours: sample(ours, 467_900_000),
            peer: sample(peer, 480_300_000),
        };
        let contest = Contest {
            terms: Match {
                work: Work::Build,
                what: "build",
                ours: "jumpimg build",
                peer: "tar | zstd",
                goals: GOALS,
            },
            pairs: vec![pair(4.5, 5.0), pair(4.0, 4.0)],
        };
        let machine = Machine {
            cores: 2,
            cpu: "a CPU".to_owned(),
            memory: 8 << 30,
            kernel: "6.1".to_owned(),
            disk: "ext4".to_owned(),
            peers: vec!["tar 1".to_owned()],
        };
        let input = Some(Census::default());
        Report::new(
            "cargo xtask bench build".to_owned(),
            machine,
            input,
            vec![contest],
            vec![],
        )
    }

    #[test]
    fn every_target_stands_beside_what_was_found() {
        let text = report().text();
        let lines: Vec<&str> = text.lines().collect();
        let expected = [
            "what                of                      found  runs  target  reached",
            "build ÷ tar | zstd  wall         0.95 (0.90–1.00)     2  ≤ 0.95      yes",
            "build ÷ tar | zstd  size                     0.97     2  ≤ 0.98      yes",
            "peak of build       memory, MiB              40.0     2    ≤ 64      yes",
            "",
            "command        runs  wall s  CPU s  peak MiB     MB",
            "jumpimg build     2    4.25   3.00      40.0  467.9",
            "tar | zstd        2    4.50   3.00      40.0  480.3",
        ];
        assert_eq!(lines[..8], expected, "{text}");
    }

    #[test]
    fn the_markdown_names_command_machine_and_input() {
        let text = report().markdown();
        assert!(
            text.starts_with("`cargo xtask bench build` on 2 cores of a CPU, 8.0 GiB"),
            "{text}"
        );
        assert!(text.contains("Input: 0 files"), "{text}");
        assert!(
            text.contains("\n| build ÷ tar \\| zstd | wall | 0.95 (0.90–1.00) |"),
            "{text}"
        );
    }

    #[test]
    fn the_json_has_every_run() {
        let json = serde_json::to_value(report()).expect("JSON");
        assert_eq!(json["contests"][0]["pairs"][1]["peer"]["wall"], 4.0);
        assert_eq!(json["contests"][0]["what"], "build");
        assert_eq!(json["targets"][0]["reached"], true);
    }
}
