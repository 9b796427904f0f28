//! A node whose root is nobody's friend: what it says does nothing to the admin host, its
//! terminal or its memory.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::bench::{Bench, Outcome};
use crate::node::Node;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    (
        "what_a_node_says_does_nothing_to_the_terminal",
        Need::Sshd,
        terminal,
    ),
    (
        "an_answer_without_an_end_is_told_and_not_kept",
        Need::Sshd,
        endless,
    ),
    (
        "a_full_stdout_is_told_and_is_no_panic",
        Need::Sshd,
        full_stdout,
    ),
];

/// Clears the screen, sets the clipboard (OSC 52) and forges a line; C1 controls, too.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]52;c;eA==\u{7}\nhint: forged\u{9b}2J\u{202e}";

/// Colours of our own.
const OURS: [&str; 6] = ["[0m", "[1m", "[1;31m", "[31m", "[32m", "[33m"];

/// Nothing but colours of our own, and no line of the node's.
fn is_harmless(outcome: &Outcome) -> Result<()> {
    for said in [&outcome.stdout, &outcome.stderr] {
        let mut escapes = said.split('\u{1b}').skip(1);
        ensure!(
            escapes.all(|escape| OURS.iter().any(|ours| escape.starts_with(ours))),
            "{outcome:#?}"
        );
        ensure!(
            !said.contains(['\u{7}', '\u{9b}', '\u{202e}', '\r'])
                && !said.lines().any(|line| line.starts_with("hint: forged")),
            "{outcome:#?}"
        );
    }
    Ok(())
}

fn terminal() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::armed(&bench)?;
    node.change_status(|status| {
        for field in [
            "hostname",
            "os",
            "kernel",
            "origin",
            "failure",
            "selector_state",
        ] {
            status[field] = json!(HOSTILE);
        }
    })?;
    let told = json!({"uptime_ms": 1, "stage": "stage", "event": "note", "text": HOSTILE});
    bench.write("jump-events", &format!("{told}\n\u{1b}[2J\n"))?;
    for command in ["status", "logs"] {
        for more in [&["--color", "always"][..], &["--color", "always", "--json"]] {
            let outcome = bench.run(command, &[more, &["node07"]].concat())?;
            ensure!(outcome.code == Some(0), "{outcome:#?}");
            is_harmless(&outcome)?;
            if more.contains(&"--json") {
                ensure!(outcome.json()?.len() == 1, "{outcome:#?}");
                ensure!(
                    [&outcome.json()?[0]["os"], &outcome.json()?[0]["text"]]
                        .contains(&&json!(HOSTILE)),
                    "{outcome:#?}"
                );
            }
        }
    }
    node.change_status(|status| status["journal"]["stage"] = json!("prove"))?;
    let outcome = bench.run("resume", &["--color", "always", "node07"])?;
    outcome.ended(3, "[old-system-again]")?;
    is_harmless(&outcome)
}

fn endless() -> Result<()> {
    let bench = Bench::new()?;
    let _node = Node::old(&bench)?;
    for said in ["cat /dev/zero", "yes"] {
        bench.write(
            "jumpinit",
            &format!("#!/bin/sh\n[ \"$1\" = --version ] || exec {said}\n"),
        )?;
        let facts = bench.run("check", &["node07"])?;
        facts.ended(1, "it says more than 16 MiB at once")?;
        facts.ended(1, "[answer-too-long]")?;
    }
    Ok(())
}

fn full_stdout() -> Result<()> {
    let bench = Bench::new()?;
    let _node = Node::old(&bench)?;
    let full = || fs::File::options().write(true).open("/dev/full");
    for more in [&["node07"][..], &["--json", "node07"]] {
        let output = bench.command("status", more).stdout(full()?).output()?;
        Outcome::from(output).ended(1, "cannot write to stdout: No space left on device")?;
    }
    let mut completion = Command::new(jump_tests::bin("jumpimg"));
    let output = completion.args(["completion", "bash"]).stdout(full()?);
    Outcome::from(output.output()?).ended(1, "cannot write to stdout")
}
