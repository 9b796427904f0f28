//! What is kept of a fleet that has been: nodes that differ by a seed, failures of several kinds, a rule
//! that stops it, and its being taken up again by somebody who has not waited for its end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use jumpspec::fleet::{Entry, Part, Rule, Time, What};
use jumpspec::job::FleetWish;
use jumpspec::words::digest::Digest;
use jumpspec::words::run_id::RunId;
use serde_json::json;

/// Its id.
pub(crate) const RUN: &str = "00f1ee7000f1ee70";
/// When it was begun: 2026-11-30 18:00 UTC.
const BEGUN: u64 = 1_796_061_600_000;
/// So many are staged at once.
const TRANSFERS: usize = 32;
/// So many are out of service at once.
const DOWN: usize = 50;
const SECOND: u64 = 1000;
const PLAN: &str = include_str!(
    "../../../crates/jumpspec/src/render/snapshots/jumpspec__render__tests__shows_the_disk_before_and_after_and_every_step.snap"
);

/// A state directory with it.
pub(crate) struct Sample(tempfile::TempDir);

impl Sample {
    /// One of so many nodes.
    pub(crate) fn write(count: usize) -> Result<Self> {
        let sample = Self(tempfile::Builder::new().prefix("fleet-page-").tempdir()?);
        write(sample.state(), count)?;
        Ok(sample)
    }

    /// Where it is.
    pub(crate) fn state(&self) -> &Path {
        self.0.path()
    }
}

/// Writes one of so many nodes into a state directory.
fn write(state: &Path, count: usize) -> Result<()> {
    let dir: PathBuf = state.join("fleets").join(RUN);
    fs::create_dir_all(&dir)?;
    let nodes: Vec<String> = (1..=count).map(|node| format!("node{node:04}")).collect();
    let image = |name: &str| Digest::of(name.as_bytes());
    let record = json!({
        "format": 1, "run": RUN, "job": "/root/job.toml", "begun": "2026-11-30T18:00:00Z",
        "origin": "root@admin1", "jump": image("jump"), "target": image("target"),
        "policy": FleetWish::default(), "nodes": nodes,
    });
    fs::write(dir.join("fleet.json"), record.to_string())?;
    let plan = PLAN.splitn(3, "---\n").last().unwrap_or_default();
    let large = count * 9 / 10;
    let groups = json!([
        { "shape": image("a"), "nodes": format!("node[0001-{large:04}]"), "count": large, "plan": plan, "notes": [["node[0003,0007]", "/dev/sdb holds a file system that is left alone"]] },
        { "shape": image("b"), "nodes": format!("node[{:04}-{count:04}]", large + 1), "count": count - large, "plan": plan.replace("/dev/vda", "/dev/nvme0n1"), "notes": [] },
    ]);
    fs::write(dir.join("groups.json"), groups.to_string())?;
    let mut lines = String::new();
    for entry in Play::new(nodes).entries() {
        lines += &(serde_json::to_string(&entry)? + "\n");
    }
    Ok(fs::write(dir.join("journal"), lines)?)
}

/// What happens, in order.
struct Play {
    nodes: Vec<String>,
    seed: u64,
    entries: Vec<Entry>,
}

impl Play {
    fn new(nodes: Vec<String>) -> Self {
        Self {
            nodes,
            seed: 7,
            entries: Vec::new(),
        }
    }

    /// A number between these two, seconds as milliseconds. splitmix64.
    fn between(&mut self, from: u64, to: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.seed;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (from * SECOND) + (bits ^ (bits >> 31)) % ((to - from) * SECOND)
    }

    fn note(&mut self, at: u64, what: What) {
        let at = BEGUN + at;
        self.entries.push(Entry { at, what });
    }

    fn fail(&mut self, at: u64, node: &str, code: &str, message: &str, apart: bool) {
        let failed = What::Failed {
            node: node.to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
            apart,
        };
        self.note(at, failed);
    }

    fn entries(mut self) -> Vec<Entry> {
        let (staged, end) = self.stage();
        let (canary, rest) = staged.split_at(1);
        let (first, second) = rest.split_at(self.nodes.len() / 10);
        let end = self.batch(end, 0, canary, &[]);
        let end = self.batch(end, 1, first, &["unreachable"]);
        let end = self.batch(
            end,
            2,
            &second[..second.len() / 2],
            &["filesystem-failed"; 3],
        );
        let message = "3 nodes have failed with filesystem-failed".to_owned();
        let rule = Rule::Same;
        self.note(end - 80 * SECOND, What::Stopped { rule, message });
        self.note(end, What::Over);
        let end = end + 7200 * SECOND;
        self.note(end, What::Resumed);
        let end = self.batch(
            end + 30 * SECOND,
            1,
            &second[second.len() / 2..],
            &["confirm-late", "filesystem-failed"],
        );
        self.note(
            end,
            What::Stopped {
                rule,
                message: "3 nodes have failed with filesystem-failed".to_owned(),
            },
        );
        self.entries.sort_by_key(|entry| entry.at);
        self.entries
    }

    /// Has all looked at and staged; those that are, and when all are.
    fn stage(&mut self) -> (Vec<String>, u64) {
        let mut slots: BinaryHeap<Reverse<u64>> =
            (0..TRANSFERS).map(|_| Reverse(20 * SECOND)).collect();
        let mut staged = Vec::new();
        for (number, node) in self.nodes.clone().into_iter().enumerate() {
            if number % 211 == 5 {
                let (code, message) = match number % 3 {
                    0 => (
                        "landing-too-small",
                        "the landing partition /dev/vda2 has 512.0 MiB; 1.0 GiB are needed",
                    ),
                    _ => ("unreachable", "ssh: connect to host: No route to host"),
                };
                let (code, message) = (code.to_owned(), message.to_owned());
                self.note(
                    15 * SECOND,
                    What::LeftOut {
                        node,
                        code,
                        message,
                    },
                );
                continue;
            }
            self.note(15 * SECOND, What::Planned { node: node.clone() });
            let from = slots.pop().map_or(0, |Reverse(at)| at);
            let run = RunId::new(0xabcd_0000 + number as u64);
            self.note(
                from,
                What::Staging {
                    node: node.clone(),
                    run,
                },
            );
            let to = from + self.between(9, 16);
            slots.push(Reverse(to));
            if number % 301 == 50 {
                self.fail(to, &node, "unreachable", "Connection timed out", true);
            } else {
                self.note(to, What::Staged { node: node.clone() });
                staged.push(node);
            }
        }
        let end = slots.into_iter().map(|Reverse(at)| at).max();
        (staged, end.unwrap_or_default())
    }

    /// Has nodes jump, at most so many at once, of which as many fail as there are codes; when all are there.
    fn batch(&mut self, begun: u64, number: usize, nodes: &[String], codes: &[&str]) -> u64 {
        let count = nodes.len();
        self.note(begun, What::Batch { number, count });
        let mut slots: BinaryHeap<Reverse<u64>> = (0..DOWN).map(|_| Reverse(begun)).collect();
        let (mut next, mut last) = (begun, begun);
        for (place, node) in nodes.iter().enumerate() {
            let from = slots.pop().map_or(0, |Reverse(at)| at).max(next);
            next = from + 200;
            let failure = codes
                .iter()
                .enumerate()
                .find(|(it, _)| place == count * (it + 1) / (codes.len() + 1));
            let to = self.jump(from, node, failure.map(|(_, code)| *code), place % 97 == 13);
            slots.push(Reverse(to));
            last = last.max(to);
        }
        last
    }

    fn jump(&mut self, from: u64, node: &str, failure: Option<&str>, is_slow: bool) -> u64 {
        let name = || node.to_owned();
        self.note(from, What::Jumping { node: name() });
        let replace = self.between(50, 70) * if is_slow { 4 } else { 1 };
        let parts = [
            ("stage", self.between(10, 20)),
            ("reboot", self.between(55, 80)),
            ("prove", self.between(4, 7)),
            ("replace", replace),
            ("reboot", self.between(60, 75)),
            ("confirm", self.between(5, 9)),
        ];
        let [_, (_, left), (_, prove), _, (_, came), (_, confirm)] = parts;
        let jump = from + left + self.between(0, 10);
        if failure == Some("unreachable") {
            self.fail(
                from + 900 * SECOND,
                node,
                "unreachable",
                "it does not answer since it was told to reboot",
                false,
            );
            return from + 900 * SECOND;
        }
        self.note(
            jump,
            What::Stage {
                node: name(),
                stage: Part::Jump,
            },
        );
        if let Some(code) = failure {
            let message = format!(
                "mkfs.ext4 of /dev/vda3 on {node} ended with 1: <i>Device or resource busy</i> & no more"
            );
            self.fail(jump + 20 * SECOND, node, code, &message, false);
            return jump + 20 * SECOND;
        }
        let new = from + left + prove + replace + came + self.between(0, 5);
        let end = (from + left + prove + replace + came + confirm).max(new) + self.between(1, 4);
        self.note(
            new,
            What::Stage {
                node: name(),
                stage: Part::New,
            },
        );
        let total = ("total", end - from);
        let times = parts.into_iter().chain([total]).map(|(name, millis)| Time {
            name: name.to_owned(),
            millis,
        });
        self.note(
            end,
            What::Done {
                node: name(),
                times: times.collect(),
            },
        );
        end
    }
}
