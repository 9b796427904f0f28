//! The fleets that are tried: what goes wrong in each, and what has to stop it.

use std::collections::BTreeMap;

use jumpspec::fleet::Rule;
use jumpspec::run::failure::Code;

use super::ground::{Layout, name};
use super::trial::Trial;
use crate::acted::{Fault, Rate, Settings, Times};

/// A fleet, and what has to come of it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// The fleet.
    pub trial: Trial,
    /// What has to stop it.
    pub stops: Option<Rule>,
    /// Whether it is refused before any node is begun.
    pub refused: bool,
    /// How many nodes may have been armed at the most.
    pub armed: usize,
}

/// What all fleets of an experiment have in common.
#[derive(Debug, Clone)]
pub struct Common {
    /// Draws times and faults.
    pub seed: u64,
    /// How long things take.
    pub times: Times,
    /// Whether some are never heard of again, which are waited for long.
    pub are_lost: bool,
    /// How long they may: `[wait]` of the job.
    pub wait: &'static str,
    /// At once.
    pub transfer: usize,
    /// The program that goes to the nodes.
    pub jumpinit: Vec<u8>,
    /// Bytes of the toolbox and of the target image.
    pub bytes: (usize, usize),
}

/// Never a stop but by a canary.
const NEVER: &str =
    "stop = { count = 100000, percent = 100, same = 100000 }\nunreachable = { percent = 100 }\n";

impl Common {
    /// Nodes on which nothing goes wrong, all at once, without a canary.
    pub fn sound(&self, count: usize) -> Scenario {
        self.scenario("sound", count, count, "canary = 0\n", BTreeMap::new())
    }

    /// Everything that can go wrong does, on some nodes, and nothing stops but a canary.
    pub fn mixed(&self, count: usize, down: usize) -> Scenario {
        let mut mixed = self.scenario(
            "everything fails",
            count,
            down,
            NEVER,
            [(name(1), None)].into(),
        );
        mixed.trial.layout.settings.rates = vec![
            rate(Fault::Slow, 20),
            rate(Fault::Dead, 20),
            rate(Fault::Refused, 20),
            rate(Fault::BreaksInStaging, 40),
            rate(Fault::FailsInStaging(Code::MkfsFailed), 10),
            rate(Fault::Lost, if self.are_lost { 10 } else { 0 }),
            rate(Fault::BackAsOld(Code::NoNetwork), 20),
            rate(Fault::Stuck(Code::NoRoom), 20),
        ];
        mixed
    }

    /// What each stop rule is for.
    pub fn stopping(&self, count: usize) -> Vec<Scenario> {
        let down = count.div_ceil(4).max(2);
        let stuck = || Some(Fault::Stuck(Code::NoRoom));
        let first = count.div_ceil(10);
        // The first batch behind the canary.
        let batch = |number: usize, fault: Option<Fault>| (name(number), fault);
        vec![
            Scenario {
                stops: Some(Rule::Canary),
                armed: 1,
                ..self.scenario("canary fails", count, down, "", [batch(1, stuck())].into())
            },
            Scenario {
                stops: Some(Rule::Same),
                armed: 1 + first,
                ..self.scenario(
                    "two of a kind",
                    count,
                    down,
                    "batches = ['10%', '100%']\nstop = { percent = 100, same = 2 }\n",
                    [batch(2, stuck()), batch(3, stuck())].into(),
                )
            },
            Scenario {
                stops: Some(Rule::Percent),
                armed: 1 + first,
                ..self.scenario(
                    "too many",
                    count,
                    down,
                    "batches = ['10%', '100%']\nstop = { percent = 10, same = 1000 }\n",
                    [
                        batch(2, stuck()),
                        batch(3, Some(Fault::BackAsOld(Code::NoNetwork))),
                    ]
                    .into(),
                )
            },
            Scenario {
                refused: true,
                armed: 0,
                ..self.scenario(
                    "too many are dead",
                    count,
                    down,
                    "unreachable = { percent = 10 }\n",
                    (2..2 + count.div_ceil(5))
                        .map(|number| batch(number, Some(Fault::Dead)))
                        .collect(),
                )
            },
            self.scenario(
                "a few are dead",
                count,
                down,
                "unreachable = { percent = 20 }\nstop = { count = 1, percent = 1, same = 1 }\n",
                [batch(2, Some(Fault::Dead)), batch(5, Some(Fault::Dead))].into(),
            ),
        ]
    }

    fn scenario(
        &self,
        name: &'static str,
        count: usize,
        down: usize,
        fleet: &str,
        exact: BTreeMap<String, Option<Fault>>,
    ) -> Scenario {
        let stagger = "stagger = \"0s\"";
        let batches = if fleet.contains("batches") {
            ""
        } else {
            "batches = ['100%']\n"
        };
        let canary = usize::from(!fleet.contains("canary"));
        let first = if canary == 1 { "canary = 1\n" } else { "" };
        let layout = Layout {
            settings: Settings {
                seed: self.seed,
                times: self.times,
                exact,
                ..Settings::default()
            },
            count,
            wait: self.wait.to_owned(),
            fleet: format!(
                "transfer = {}\ndown = {down}\n{stagger}\n{first}{batches}{fleet}",
                self.transfer
            ),
            jumpinit: self.jumpinit.clone(),
            bytes: self.bytes,
        };
        Scenario {
            name,
            trial: Trial {
                layout,
                down,
                canaries: canary,
            },
            stops: None,
            refused: false,
            armed: count,
        }
    }
}

fn rate(fault: Fault, permille: u64) -> Rate {
    Rate { fault, permille }
}
