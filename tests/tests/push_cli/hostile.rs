//! A node whose root is nobody's friend: what it says does nothing to the admin host, its
//! terminal or its memory.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

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
        "another_hosts_run_is_not_taken_over_unasked",
        Need::Sshd,
        not_unasked,
    ),
    (
        "a_run_id_is_no_path_and_a_host_key_one_key",
        Need::Sshd,
        identifiers,
    ),
    ("a_node_cannot_speak_for_another", Need::Sshd, for_another),
    (
        "a_state_directory_that_cannot_be_written_leaves_nothing_on_the_node",
        Need::Sshd,
        no_state,
    ),
    (
        "a_full_stdout_is_told_and_is_no_panic",
        Need::Sshd,
        full_stdout,
    ),
];

/// Clears the screen, sets the clipboard (OSC 52) and forges a line; C1 controls, too.
pub(crate) const HOSTILE: &str = "x\u{1b}[2J\u{1b}]52;c;eA==\u{7}\nhint: forged\u{9b}2J\u{202e}";

/// Colours of our own.
const OURS: [&str; 6] = ["[0m", "[1m", "[1;31m", "[31m", "[32m", "[33m"];

/// Nothing but colours of our own, and no line of the node's.
pub(crate) fn is_harmless(outcome: &Outcome) -> Result<()> {
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
        for field in ["hostname", "os", "kernel", "origin", "selector_state"] {
            status[field] = json!(HOSTILE);
        }
        status["failure"] = json!({
            "code": HOSTILE, "step": "label-root", "policy": HOSTILE, "image": HOSTILE,
            "context": HOSTILE, "error": HOSTILE,
        });
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
    // Lines of some length: the time for a question is over before millions of empty ones are heard.
    for said in ["cat /dev/zero", "yes \"$(printf %4000d 0)\""] {
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

/// What the other admin host has kept.
fn elsewhere(bench: &Bench) -> Vec<String> {
    let entries = fs::read_dir(bench.path("elsewhere/runs"))
        .into_iter()
        .flatten();
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

fn not_unasked() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::armed(&bench)?;
    node.change_status(|status| status["origin"] = json!("root@admin1"))?;
    for more in [&["node07"][..], &["--yes", "node07"]] {
        let outcome = bench.run_elsewhere("resume", more)?;
        outcome.ended(
            3,
            "was begun by another admin host: root@admin1 [not-begun-here]",
        )?;
        outcome.ended(3, "--take-over")?;
    }
    ensure!(elsewhere(&bench).is_empty() && !node.path("reboot").exists());
    Ok(())
}

fn identifiers() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::armed(&bench)?;
    let sound: Value = serde_json::from_str(&fs::read_to_string(node.path("kept.json"))?)?;
    let key = sound["host_key_public"].as_str().unwrap_or_default().trim();
    let mut kept = [sound.clone(), sound.clone(), sound.clone()];
    kept[0]["plan"]["run"] = json!("../../evil");
    kept[1]["host_key_public"] = json!(format!("{key}\n* {key}"));
    kept[2]["host_key_public"] = json!(format!("@cert-authority * {key}"));
    for kept in kept {
        bench.write("kept.json", &kept.to_string())?;
        let outcome = bench.run_elsewhere("resume", &["--take-over", "node07"])?;
        outcome.ended(1, "[jumpinit-answer]")?;
        ensure!(elsewhere(&bench).is_empty() && !bench.path("evil").exists());
    }
    Ok(())
}

/// Both names lead to one machine here, which only pretends to be two.
fn for_another() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::armed(&bench)?;
    let config = fs::read_to_string(bench.path("ssh_config"))?;
    bench.write("ssh_config", &config.replace("node07", "node07 node08"))?;
    let folder = bench.run_dir("node07")?;
    let read = |name: &str| fs::read(folder.join(name));
    let before = (read("plan.json")?, read("known_hosts")?);
    let mut kept: Value = serde_json::from_str(&fs::read_to_string(node.path("kept.json"))?)?;
    kept["plan"]["hostname"] = json!("evil");
    bench.write("kept.json", &kept.to_string())?;
    let outcome = bench.run("resume", &["--take-over", "node08"])?;
    outcome.ended(
        3,
        "which this host knows as one of node07 [another-nodes-run]",
    )?;
    ensure!(before == (read("plan.json")?, read("known_hosts")?));
    ensure!(!bench.path("state/nodes/node08").exists() && !node.path("reboot").exists());
    Ok(())
}

fn no_state() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    bench.write("state", "no directory")?;
    let outcome = bench.run("push", &["--yes", "node07"])?;
    outcome.ended(1, "cannot make the directory")?;
    ensure!(!node.path("bundle.json").exists(), "{outcome:#?}");
    crate::journey::left_nothing(&node)
}
