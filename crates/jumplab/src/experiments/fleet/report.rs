//! What came of the fleets: a line for each, and every promise that was broken. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jumpspec::fleet::{Rule, What};
use serde::Serialize;

use super::promises::Evidence;
use super::scenario::Scenario;
use super::service;
use super::watched::Cost;
use crate::acted::Change;
use crate::table::Table;

/// The most memory, and the most open files.
const MEMORY: u64 = 256 << 20;
const FILES: usize = 1024;
/// Calls of ssh while nodes are looked at, 32 at once: a master and one through it each.
const SURVEY: usize = 64;

/// What came of one fleet.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    name: String,
    nodes: usize,
    /// Its time from the first order to arm on, in seconds; the canary's and the others'.
    jump_seconds: f64,
    cost: Cost,
    /// The most nodes that were out of service at once, and how many might be.
    out: usize,
    down: usize,
    ok: usize,
    ko: usize,
    untouched: usize,
    stopped: Option<Rule>,
    /// Every promise that was broken.
    broken: Vec<String>,
}

impl Outcome {
    /// Of a scenario that came to its end.
    pub fn of(scenario: &Scenario, transfer: usize, cost: &Cost, evidence: &Evidence) -> Self {
        let mut broken = if evidence.nodes.len() == 1 {
            // One node alone is no fleet, and has no journal of one.
            let failed = cost.code != Some(0);
            failed
                .then(|| format!("it ended with {:?}, not 0", cost.code))
                .into_iter()
                .collect()
        } else if scenario.refused {
            evidence.broken_refusal()
        } else {
            evidence.broken()
        };
        let stopped = evidence.stopped();
        if stopped != scenario.stops {
            broken.push(format!(
                "stopped by {stopped:?}, not by {:?}",
                scenario.stops
            ));
        }
        let armed: BTreeSet<&str> = (evidence.moments.iter())
            .filter(|moment| moment.change == Change::Armed)
            .map(|moment| moment.node.as_str())
            .collect();
        if armed.len() > scenario.armed {
            broken.push(format!(
                "{} nodes were armed, not {}",
                armed.len(),
                scenario.armed
            ));
        }
        let down = scenario.trial.down;
        if cost.memory > MEMORY {
            broken.push(format!("it had {} MiB of memory", cost.memory >> 20));
        }
        let most = (transfer + down).max(SURVEY);
        if cost.ssh > most {
            broken.push(format!("{} calls of ssh were alive, not {most}", cost.ssh));
        }
        if cost.files >= FILES {
            broken.push(format!("it had {} files open", cost.files));
        }
        let count = |set: &str| evidence.set(set).count();
        Self {
            name: scenario.name.to_owned(),
            nodes: evidence.nodes.len(),
            jump_seconds: jump_seconds(evidence),
            cost: cost.clone(),
            out: service::most_out(&evidence.moments, &evidence.entries),
            down,
            ok: count("ok"),
            ko: count("ko"),
            untouched: count("untouched"),
            stopped,
            broken,
        }
    }

    /// The most of it in one line.
    pub(super) fn line(&self) -> String {
        format!(
            "{}, {} nodes: {:.1} s, {} ok, {} promises broken",
            self.name,
            self.nodes,
            self.cost.seconds,
            self.ok,
            self.broken.len()
        )
    }

    /// Every promise that was broken, in words.
    pub fn broken(&self) -> &[String] {
        &self.broken
    }
}

/// From the first order to arm to the last end, in seconds.
fn jump_seconds(evidence: &Evidence) -> f64 {
    let entries = &evidence.entries;
    let first = entries
        .iter()
        .find(|it| matches!(it.what, What::Jumping { .. }));
    let last = entries
        .iter()
        .rev()
        .find(|it| matches!(it.what, What::Done { .. } | What::Failed { .. }));
    let millis = first
        .zip(last)
        .map_or(0, |(first, last)| last.at.saturating_sub(first.at));
    std::time::Duration::from_millis(millis).as_secs_f64()
}

/// All of them.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// What draws times and faults.
    pub(super) seed: u64,
    /// Seconds that one node takes, alone, pushed without a fleet.
    pub(super) one: f64,
    /// The fleets.
    pub(super) fleets: Vec<Outcome>,
}

impl Report {
    /// As a table, and what was broken below it.
    pub(super) fn text(&self) -> String {
        let mut table = Table::new(
            1,
            &[
                "fleet",
                "nodes",
                "s",
                "÷ one",
                "jump s",
                "÷ one",
                "MiB",
                "CPU s",
                "files",
                "threads",
                "ssh",
                "calls",
                "out",
                "of",
                "ok",
                "ko",
                "untouched",
                "stopped",
            ],
        );
        for it in &self.fleets {
            let figure = |value: f64| format!("{value:.1}");
            table.row(vec![
                it.name.clone(),
                it.nodes.to_string(),
                figure(it.cost.seconds),
                format!("{:.2}", it.cost.seconds / self.one),
                figure(it.jump_seconds),
                format!("{:.2}", it.jump_seconds / self.one),
                (it.cost.memory >> 20).to_string(),
                figure(it.cost.processor),
                it.cost.files.to_string(),
                it.cost.threads.to_string(),
                it.cost.ssh.to_string(),
                it.cost.calls.to_string(),
                it.out.to_string(),
                it.down.to_string(),
                it.ok.to_string(),
                it.ko.to_string(),
                it.untouched.to_string(),
                it.stopped
                    .map_or_else(|| "-".to_owned(), |rule| format!("{rule:?}")),
            ]);
        }
        let mut text = format!(
            "seed {}; one node alone takes {:.1} s\n",
            self.seed, self.one
        );
        text += &table.text();
        for it in &self.fleets {
            for broken in &it.broken {
                // Writing to a string cannot fail.
                writeln!(text, "broken: {}, {} nodes: {broken}", it.name, it.nodes).ok();
            }
        }
        text
    }

    /// How many promises were broken.
    pub(super) fn broken(&self) -> usize {
        self.fleets.iter().map(|it| it.broken.len()).sum()
    }
}
