//! A fleet run over nodes that are acted: all promises held, each stop rule stops, and whoever takes up
//! what was killed finds every node, as `cargo xtask fleet` does it by the thousand.

use std::path::Path;

use anyhow::{Result, ensure};
use jumplab::acted::{self, Fault};
use jumplab::experiments::fleet::{self, Common, Kills};
use libtest_mimic::{Arguments, Failed, Trial};

/// The worlds are the same every time, as far as timing allows.
const SEED: u64 = 2026;
const TRANSFER: usize = 16;
/// They wait more than they work.
const AT_ONCE: usize = 4;

type Case = (&'static str, fn(&Path) -> Result<()>);

const CASES: [Case; 4] = [
    ("one_node_and_a_check_of_many", one_and_many),
    (
        "a_fleet_in_which_everything_fails_keeps_its_promises",
        mixed,
    ),
    ("each_stop_rule_stops", stops),
    ("whoever_takes_up_a_killed_fleet_finds_every_node", killed),
];

fn main() {
    acted::act_if_called();
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let trials = CASES.map(|(name, run)| {
        let run = move || {
            let jumpimg = jump_tests::bin("jumpimg");
            run(&jumpimg).map_err(|error| Failed::from(format!("{error:#}")))
        };
        Trial::test(name, run)
    });
    libtest_mimic::run(&arguments, trials.into()).exit();
}

fn common() -> Common {
    Common {
        seed: SEED,
        times: fleet::quick(),
        wait: fleet::QUICK_WAIT,
        are_lost: false,
        transfer: TRANSFER,
        jumpinit: b"#!/bin/sh\n".to_vec(),
        bytes: (1 << 16, 1 << 17),
    }
}

fn one_and_many(jumpimg: &Path) -> Result<()> {
    let one = common().sound(1).trial.push(jumpimg)?;
    ensure!(one.cost.code == Some(0), "{}", one.said("push")?);
    let mut many = common().sound(60);
    let exact = [
        ("node0007".to_owned(), Some(Fault::Refused)),
        ("node0009".to_owned(), Some(Fault::Dead)),
    ];
    many.trial.layout.settings.exact = exact.into();
    let checked = many.trial.check(jumpimg)?;
    let said = checked.said("check")?;
    ensure!(checked.cost.code == Some(4), "{said}");
    for text in [
        "node0007: ",
        "[landing-too-small]",
        "node0009: ",
        "[unreachable]",
    ] {
        ensure!(said.contains(text), "{text} is not in {said}");
    }
    checked.left_nothing()
}

fn kept(scenario: &fleet::Scenario, jumpimg: &Path) -> Result<()> {
    let outcome = fleet::outcome(scenario, TRANSFER, jumpimg)?;
    let broken = outcome.broken();
    ensure!(
        broken.is_empty(),
        "{}: {}",
        scenario.name,
        broken.join("; ")
    );
    Ok(())
}

fn mixed(jumpimg: &Path) -> Result<()> {
    kept(&common().mixed(60, 15), jumpimg)
}

fn stops(jumpimg: &Path) -> Result<()> {
    let mut scenarios = common().stopping(20).into_iter();
    scenarios.try_for_each(|scenario| kept(&scenario, jumpimg))
}

fn killed(jumpimg: &Path) -> Result<()> {
    let kills = Kills {
        nodes: 40,
        count: 5,
        jobs: 5,
    };
    fleet::killed(&common(), jumpimg, kills, false)
}
