//! One fleet run over a world of acted nodes, from its begin to its end, with all that is known of it
//! then.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::fleet::{Entry, What};
use nodeset::{IdRangeList, NodeSet, Parser};

use super::ground::{Ground, Layout, name};
use super::promises::Evidence;
use super::watched::{Cost, watched};
use crate::acted::Fault;

/// The sets of a fleet, by their files.
const SETS: [&str; 5] = ["ok", "ko", "untouched", "inflight", "staged"];

/// A fleet to push.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What is laid out.
    pub layout: Layout,
    /// `[fleet] down`, in nodes.
    pub down: usize,
    /// How many canaries there are: the first nodes.
    pub canaries: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Ended {
    /// What it took.
    pub cost: Cost,
    /// What is known of it.
    pub evidence: Evidence,
    /// Where its files are, for as long as this value is there.
    pub ground: Ground,
}

impl Trial {
    /// Pushes to the end.
    pub fn push(&self, jumpimg: &Path) -> Result<Ended> {
        let ground = Ground::lay(&self.layout)?;
        let cost = push(&ground, jumpimg, None)?;
        self.ended(ground, cost)
    }

    /// Checks all nodes.
    pub fn check(&self, jumpimg: &Path) -> Result<Ended> {
        let ground = Ground::lay(&self.layout)?;
        let command = ground.with_job(jumpimg, &["check", &ground.all()])?;
        let cost = watched(command, ground.world(), (&ground.path(""), "check"), None)?;
        self.ended(ground, cost)
    }

    /// Pushes, kills that after so much time, and has the fleet taken up again by whoever comes next. What it
    /// took is what the second took.
    pub fn push_killed(&self, jumpimg: &Path, after: Duration) -> Result<Ended> {
        let ground = Ground::lay(&self.layout)?;
        let first = push(&ground, jumpimg, Some(after))?;
        let cost = match ground.run()? {
            // It came to its end before that: nothing is left to take up.
            _ if first.code.is_some() => first,
            None => push(&ground, jumpimg, None)?,
            Some(run) => {
                let id = run
                    .file_name()
                    .context("a run has a name")?
                    .to_string_lossy();
                let resume = ground.command(jumpimg, &["fleet", "resume", &id, "--yes"])?;
                let files = (ground.path(""), "resume");
                watched(resume, ground.world(), (&files.0, files.1), None)?
            }
        };
        self.ended(ground, cost)
    }

    fn ended(&self, ground: Ground, cost: Cost) -> Result<Ended> {
        let states = ground.world().settle(ground.nodes())?;
        let run = ground.run()?;
        let settings = ground.world().settings();
        let faults = ground
            .nodes()
            .iter()
            .filter_map(|node| Some((node.clone(), settings.fault(node)?.clone())));
        let evidence = Evidence {
            nodes: ground.nodes().to_vec(),
            entries: run.as_deref().map(entries).transpose()?.unwrap_or_default(),
            sets: run.as_deref().map(sets).transpose()?.unwrap_or_default(),
            moments: ground.world().log()?,
            states,
            faults: faults.collect::<BTreeMap<String, Fault>>(),
            down: self.down,
            canaries: (1..=self.canaries).map(name).collect(),
            code: cost.code,
        };
        Ok(Ended {
            cost,
            evidence,
            ground,
        })
    }
}

fn push(ground: &Ground, jumpimg: &Path, kill_after: Option<Duration>) -> Result<Cost> {
    let command = ground.with_job(jumpimg, &["push", "--yes", &ground.all()])?;
    watched(
        command,
        ground.world(),
        (&ground.path(""), "push"),
        kill_after,
    )
}

/// What the journal of a run says. A line that whoever wrote it was killed at is cut off, and the next one
/// tells that the fleet was taken up again.
fn entries(run: &Path) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(run.join("journal"))?;
    let mut entries = Vec::new();
    let mut cut = None;
    for (number, line) in (1..).zip(text.lines()) {
        match serde_json::from_str::<Entry>(line) {
            Ok(entry) => {
                let goes_on = entry.what == What::Resumed;
                if let Some(cut) = cut.take_if(|_| !goes_on) {
                    bail!("line {cut} of the journal is cut off");
                }
                cut = None;
                entries.push(entry);
            }
            Err(_) => cut = Some(number),
        }
    }
    Ok(entries)
}

fn sets(run: &Path) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let read = |name: &str| {
        let file = run.join(format!("{name}.nodes"));
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok((name.to_owned(), unfolded(&text)?))
    };
    SETS.into_iter().map(read).collect()
}

fn unfolded(text: &str) -> Result<BTreeSet<String>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(BTreeSet::new());
    }
    let set: NodeSet<IdRangeList> = Parser::default().parse(text)?;
    let names: Vec<String> = set.iter().collect();
    let count = names.len();
    let names: BTreeSet<String> = names.into_iter().collect();
    ensure!(names.len() == count, "a node is twice in {text}");
    Ok(names)
}

impl Ended {
    /// What the command of that name has said, to people and of errors.
    pub fn said(&self, command: &str) -> Result<String> {
        let read = |end: &str| fs::read_to_string(self.ground.path(&format!("{command}.{end}")));
        Ok(format!("{}{}", read("out")?, read("err")?))
    }

    /// Fails if a node has anything of jump's.
    pub fn left_nothing(&self) -> Result<()> {
        let left = self.ground.world().left(self.ground.nodes())?;
        ensure!(left.is_empty(), "something is left on {}", left.join(", "));
        Ok(())
    }

    /// Every promise that was broken, in words; where its files are kept then.
    pub fn verdict(self) -> (Vec<String>, Option<PathBuf>) {
        let broken = self.evidence.broken();
        let kept = (!broken.is_empty()).then(|| self.ground.keep());
        (broken, kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_its_names() {
        let names = unfolded("node[0001-0003,0007]\n").unwrap();
        assert!(
            names
                .iter()
                .eq(["node0001", "node0002", "node0003", "node0007"])
        );
        assert!(unfolded("\n").unwrap().is_empty());
    }
}
