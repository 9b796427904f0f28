//! What came of the cuts: a line for each, a table by stage, the verdict. Pure.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::draw::Draw;
use super::life::Cut;
use super::settle::Settled;
use super::stage::{End, Stage};
use crate::statistics::Spread;
use crate::table::Table;

/// What came of one cut.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Outcome {
    number: usize,
    /// The stage that it was drawn for; with it and the seed it is drawn again.
    drawn: Stage,
    seed: u64,
    /// The stage that it hit.
    stage: Stage,
    /// When it was.
    when: String,
    /// By SIGKILL, not by a copy of a frozen guest's disk.
    by_kill: bool,
    settled: Option<Settled>,
    /// Why the node is lost.
    lost: Option<String>,
    /// Where its disk and its logs are.
    pub(super) kept: Option<String>,
}

impl Outcome {
    /// Of a cut that settled or did not.
    pub(super) fn new(cut: &Cut<'_>, settled: Result<Settled>) -> Self {
        let (settled, lost) = match settled {
            Ok(settled) => (Some(settled), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        Self {
            number: cut.draw.number,
            drawn: cut.draw.stage,
            seed: cut.draw.seed,
            stage: cut.stage(),
            when: cut.when(),
            by_kill: cut.by_kill,
            settled,
            lost,
            kept: None,
        }
    }

    /// Of a cut that was never made, for its life failed.
    pub(super) fn unlived(draw: &Draw, error: &anyhow::Error) -> Self {
        Self {
            number: draw.number,
            drawn: draw.stage,
            seed: draw.seed,
            stage: draw.stage,
            when: "never".to_owned(),
            by_kill: false,
            settled: None,
            lost: Some(format!("the life before any cut failed: {error:#}")),
            kept: None,
        }
    }

    /// Whether the node is lost.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// A line of progress.
    pub(super) fn line(&self) -> String {
        let what = self.settled.map_or_else(
            || "LOST".to_owned(),
            |settled| {
                let (end, boots) = (settled.end.letter(), settled.boots);
                let (ssh, whole) = (settled.ssh, settled.whole);
                format!("{end}, boots {boots}, SSH after {ssh:.1} s, settled after {whole:.1} s")
            },
        );
        let how = if self.by_kill { "kill" } else { "copy" };
        format!("{} {how} {}: {what}", self.stage.name(), self.when)
    }

    /// How to see a lost node again, of the nodes that `options` name.
    fn lament(&self, options: &str) -> Option<String> {
        let why = self.lost.as_ref()?;
        let mut text = format!(
            "lost: {}, {}: {why}\n  again: cargo xtask power-cuts{options} --count 1 --stage {} --seed {}\n",
            self.stage.name(),
            self.when,
            self.drawn.name(),
            self.seed
        );
        if let Some(kept) = &self.kept {
            let _ = writeln!(text, "  disk and logs: {kept}");
        }
        Some(text)
    }
}

/// What the cuts cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Cost {
    /// Of the clock.
    pub(super) seconds: f64,
    /// Of processors, the guests' processes included that ended by themselves.
    pub(super) processor: f64,
}

/// What came of all.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The options of the command that name these nodes.
    nodes: String,
    seed: u64,
    cost: Cost,
    cuts: Vec<Outcome>,
}

impl Report {
    /// Of cuts that cost this altogether.
    pub(super) fn new(nodes: String, seed: u64, cost: Cost, mut cuts: Vec<Outcome>) -> Self {
        cuts.sort_by_key(|cut| cut.number);
        Self {
            nodes,
            seed,
            cost,
            cuts,
        }
    }

    /// How many there were.
    pub(super) fn cuts(&self) -> usize {
        self.cuts.len()
    }

    /// How many nodes are lost.
    pub(super) fn lost(&self) -> usize {
        self.cuts.iter().filter(|cut| cut.is_lost()).count()
    }

    /// Laments, table and verdict, for people.
    pub(super) fn text(&self) -> String {
        let mut text: String = (self.cuts.iter())
            .filter_map(|cut| cut.lament(&self.nodes))
            .collect();
        let head = [
            "stage",
            "cuts",
            "O",
            "J",
            "N",
            "lost",
            "boots",
            "SSH s",
            "max",
            "settled s",
            "max",
        ];
        let mut table = Table::new(1, &head);
        for stage in Stage::ALL {
            let cuts: Vec<&Outcome> = self.cuts.iter().filter(|cut| cut.stage == stage).collect();
            if !cuts.is_empty() {
                table.row(row(stage.words(), &cuts));
            }
        }
        table.row(row("all", &self.cuts.iter().collect::<Vec<_>>()));
        text += &table.text();
        let each = f64::from(u32::try_from(self.cuts().max(1)).unwrap_or(u32::MAX));
        let Cost { seconds, processor } = self.cost;
        let _ = writeln!(
            text,
            "seed {}, {seconds:.0} s; a cut: {:.1} s of the clock, {:.1} s of a processor",
            self.seed,
            seconds / each,
            processor / each
        );
        let _ = writeln!(text, "power cuts: {}, lost: {}", self.cuts(), self.lost());
        text
    }
}

fn row(words: &str, cuts: &[&Outcome]) -> Vec<String> {
    let settled = || cuts.iter().filter_map(|cut| cut.settled);
    let ended = |end| settled().filter(|settled| settled.end == end).count();
    let boots = settled().map(|settled| settled.boots).max().unwrap_or(0);
    let mut row = vec![words.to_owned(), cuts.len().to_string()];
    row.extend([End::Old, End::Jump, End::New].map(|end| ended(end).to_string()));
    row.push(cuts.iter().filter(|cut| cut.is_lost()).count().to_string());
    row.push(boots.to_string());
    for spread in [
        Spread::of(settled().map(|settled| settled.ssh)),
        Spread::of(settled().map(|settled| settled.whole)),
    ] {
        let figure =
            |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
        row.push(figure(spread.map(|spread| spread.median)));
        row.push(figure(spread.map(|spread| spread.max)));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::{Cost, End, Outcome, Report, Settled, Stage};

    fn outcome(number: usize, lost: Option<&str>) -> Outcome {
        let settled = Settled {
            end: End::New,
            boots: 2,
            ssh: 3.0,
            whole: 9.5,
        };
        Outcome {
            number,
            drawn: Stage::S5,
            seed: 99,
            stage: Stage::S5,
            when: "unpack the new system +12 ms".to_owned(),
            by_kill: false,
            settled: lost.is_none().then_some(settled),
            lost: lost.map(str::to_owned),
            kept: lost.map(|_| "target/power-cuts/S5-99".to_owned()),
        }
    }

    #[test]
    fn a_lost_node_is_named_with_the_command_that_repeats_it_and_the_verdict_is_last() {
        let cost = Cost {
            seconds: 20.0,
            processor: 30.0,
        };
        let cuts = vec![outcome(2, None), outcome(1, Some("no SSH"))];
        let text = Report::new(" --firmware uefi".to_owned(), 7, cost, cuts).text();
        let again = "cargo xtask power-cuts --firmware uefi --count 1 --stage S5 --seed 99\n";
        assert!(text.contains(again), "{text}");
        assert_eq!(text.lines().last(), Some("power cuts: 2, lost: 1"));
    }
}
