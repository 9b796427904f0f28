//! Stages with their times, told as they pass and as a table at the end.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;

/// The stages so far.
#[derive(Debug)]
pub(crate) struct Timeline {
    task: &'static str,
    begun: Instant,
    stages: Vec<(String, Duration)>,
}

impl Timeline {
    /// A timeline of the task with that name.
    pub(crate) fn new(task: &'static str) -> Self {
        Self {
            task,
            begun: Instant::now(),
            stages: Vec::new(),
        }
    }

    /// Does a stage's work and takes its time, also where it fails.
    pub(crate) fn stage<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("{}: {name}", self.task);
        let started = Instant::now();
        let result = work();
        self.stages.push((name.to_owned(), started.elapsed()));
        result
    }

    /// The stages, a line each with the second it began at and the seconds it took.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{:>8} {:>8}  stage\n", "from s", "took s");
        let mut at = Duration::ZERO;
        for (name, took) in &self.stages {
            let _ = writeln!(
                text,
                "{:>8.1} {:>8.1}  {name}",
                at.as_secs_f64(),
                took.as_secs_f64()
            );
            at += *took;
        }
        let _ = writeln!(
            text,
            "{:>8} {:>8.1}  all",
            "",
            self.begun.elapsed().as_secs_f64()
        );
        text
    }
}
