//! How the stages of a test run ended, and the table of it.

use std::time::Duration;

/// Tests that are named at the end for the time that they take.
const SLOWEST: usize = 10;

/// How a stage ended.
pub(super) struct Outcome {
    pub(super) stage: String,
    pub(super) passed: bool,
    pub(super) took: Duration,
    /// What it had of the processors, building included, where that is known.
    pub(super) processor: Option<Duration>,
    pub(super) counts: Counts,
    pub(super) skipped: Vec<String>,
    pub(super) failures: Failures,
    /// Tests that tell how long they took, with their seconds.
    pub(super) seconds: Vec<(String, f64)>,
}

impl Outcome {
    /// One that was not to run, or could not.
    pub(super) fn left_out(stage: &str, why: &str) -> Self {
        let skipped = vec![format!("skipped: {stage}: {why}")];
        Self {
            stage: stage.to_owned(),
            passed: true,
            took: Duration::ZERO,
            processor: None,
            counts: Counts::default(),
            skipped,
            failures: Failures::default(),
            seconds: Vec::new(),
        }
    }
}

/// Reads `row_01_…: 49.9 s`, which a machine's test says at its end.
pub(super) fn seconds(line: &str) -> Option<(String, f64)> {
    let (name, seconds) = line.strip_suffix(" s")?.split_once(": ")?;
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name.to_owned(), seconds.parse().ok()?))
}

/// What libtest's and libtest-mimic's `test result:` lines add up to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Counts {
    /// That many tests passed and failed.
    pub(super) fn new(passed: u32, failed: u32) -> Self {
        Self {
            passed,
            failed,
            ignored: 0,
        }
    }

    /// Adds `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(super) fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in result.split(['.', ';']).map(str::trim) {
            let Some((number, what)) = part.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// What libtest and libtest-mimic say of the tests that failed, between `failures:` and the
/// `test result:` of each binary.
#[derive(Debug, Default)]
pub(super) struct Failures {
    lines: Vec<String>,
    inside: bool,
}

impl Failures {
    /// Takes the next line of the output.
    pub(super) fn add(&mut self, line: &str) {
        match line {
            "failures:" => self.inside = true,
            _ if line.starts_with("test result: ") => self.inside = false,
            _ if self.inside => self.lines.push(line.to_owned()),
            _ => {}
        }
    }

    /// Adds what no test said itself.
    pub(super) fn note(&mut self, why: Option<String>) {
        self.lines.extend(why);
    }
}

/// The table, each test that could not run, and once more why tests failed: what they said is far up
/// by now, and a log may be kept by its end alone. `took` is the time of all that, preparing included.
pub(super) fn summary(outcomes: &[Outcome], took: Duration) -> String {
    let mut lines = vec![
        String::new(),
        "stage             result  passed failed ignored  seconds processor".to_owned(),
    ];
    for Outcome {
        stage,
        passed,
        took,
        processor,
        counts,
        ..
    } in outcomes
    {
        // A stage of which nothing ran has not passed.
        let result = match (*passed, counts.passed) {
            (false, _) => "FAILED",
            (true, 0) => "none",
            (true, _) => "ok",
        };
        let Counts {
            passed,
            failed,
            ignored,
        } = counts;
        let seconds = took.as_secs_f64();
        let processor =
            processor.map_or_else(|| "-".to_owned(), |it| format!("{:.0}", it.as_secs_f64()));
        lines.push(format!(
            "{stage:<17} {result:<6} {passed:>7} {failed:>6} {ignored:>7} {seconds:>8.1} {processor:>9}"
        ));
    }
    lines.extend(outcomes.iter().flat_map(|outcome| outcome.skipped.clone()));
    for Outcome {
        stage, failures, ..
    } in outcomes
    {
        if !failures.lines.is_empty() {
            lines.push(format!("\nfailures of {stage}:"));
            lines.extend(failures.lines.iter().cloned());
        }
    }
    let mut slowest: Vec<&(String, f64)> = outcomes.iter().flat_map(|it| &it.seconds).collect();
    slowest.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    if !slowest.is_empty() {
        lines.push("\nthe slowest tests of machines, seconds:".to_owned());
    }
    let shown = |(name, seconds): &(String, f64)| format!("{seconds:>8.1} {name}");
    lines.extend(slowest.into_iter().take(SLOWEST).map(shown));
    lines.push(format!("in all {:.0} s\n", took.as_secs_f64()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Counts, Failures, seconds};

    #[test]
    fn a_tests_seconds_are_read_and_nothing_else() {
        let read = seconds("row_01_power_cut: 49.9 s");
        assert_eq!(read, Some(("row_01_power_cut".to_owned(), 49.9)));
        for other in ["  took       70.1 s", "bench: build: 3 s", "row_01: long s"] {
            assert_eq!(seconds(other), None, "{other}");
        }
    }

    #[test]
    fn results_of_several_binaries_add_up() {
        let mut counts = Counts::default();
        counts.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        counts.add("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured");
        counts.add("test a::b ... ok");
        assert_eq!(
            counts,
            Counts {
                passed: 4,
                failed: 2,
                ignored: 1
            }
        );
    }

    #[test]
    fn what_a_failed_test_said_is_kept() {
        let said = "test a ... FAILED\n\nfailures:\n\n---- a ----\nno SSH\n\nfailures:\n    a\n\n\
            test result: FAILED. 0 passed; 1 failed\n\nrunning 1 test";
        let mut failures = Failures::default();
        said.lines().for_each(|line| failures.add(line));
        assert_eq!(
            failures.lines,
            ["", "---- a ----", "no SSH", "", "    a", ""]
        );
    }
}
