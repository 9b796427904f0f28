//! Rehearsals in memory: what is heard before the jump system is let go, and what came back.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::bench::{Bench, wait_for};
use crate::journey::{end, left_nothing, start};
use crate::node::Node;
use crate::sample;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    (
        "a_rehearsal_in_memory_is_heard_let_go_and_held_against_what_was",
        Need::Sshd,
        proved,
    ),
    (
        "a_rehearsal_in_memory_that_fails_is_let_go_as_well",
        Need::Sshd,
        failed,
    ),
    (
        "a_rehearsal_in_memory_that_nobody_heard_says_so",
        Need::Sshd,
        unheard,
    ),
    (
        "an_old_system_that_comes_back_as_another_is_told",
        Need::Sshd,
        changed,
    ),
    (
        "a_rehearsal_in_memory_is_shown_or_refused_by_check",
        Need::Sshd,
        checked,
    ),
    ("abort_ends_a_rehearsal_in_memory", Need::Sshd, aborted),
    ("a_rehearsal_is_one_of_two", Need::Nothing, usage),
];

const RAM: [&str; 3] = ["--rehearse=ram", "--without-watchdog", "--yes"];

/// A node whose kernel takes another one.
fn node(bench: &Bench) -> Result<Node<'_>> {
    let node = Node::old(bench)?;
    bench.write("facts.json", &facts().to_string())?;
    Ok(node)
}

fn facts() -> Value {
    let mut facts = sample::facts();
    facts["memory"] = json!(2u64 << 30);
    facts["starting"] = json!({"kernel": "takes", "locked_down": false, "systemd": true});
    facts
}

/// The jump system answers and tells this last.
fn tell_the_end(node: &mut Node<'_>, what: Value) -> Result<()> {
    node.wait_for("reboot")?;
    ensure!(!node.path("armed").exists(), "it was armed");
    node.boot_jump("prove", None)?;
    let done = json!({"event": "done", "step": "prove-network", "millis": 1500});
    node.tell(2000, "prove", done)?;
    node.tell(3000, "prove", what)?;
    wait_for(&node.path("turned-back"))
}

fn proved() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = node(&bench)?;
    let push = start(&bench, &[&RAM[..], &["--json", "node07"]].concat())?;
    tell_the_end(&mut node, json!({"event": "complete"}))?;
    ensure!(node.bundle()?["plan"]["landing"]["kind"] == "volatile");
    node.boot_other("none", "prove", None)?;
    let outcome = end(push)?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    let told = outcome.json()?;
    let report = told.last().context("nothing was told")?;
    ensure!(report["event"] == "rehearsal", "{report:#?}");
    let proved = report["report"]["proved"].as_array().context("no list")?;
    ensure!(
        proved.contains(&json!({"step": "prove-network", "millis": 1500})),
        "{report:#?}"
    );
    let not = report["report"]["not_proved"].to_string();
    ensure!(not.contains("firmware, loader and boot order"), "{not}");
    ensure!(
        !node.path("taken-back").exists(),
        "nothing was to be taken back"
    );
    left_nothing(&node)
}

fn failed() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = node(&bench)?;
    let push = start(&bench, &[&RAM[..], &["node07"]].concat())?;
    let failure = json!({"event": "failed", "code": "no-network", "step": "prove-network", "error": "no link", "next": "old-returns"});
    tell_the_end(&mut node, failure)?;
    node.boot_other("none", "prove", None)?;
    end(push)?.ended(1, "is its old system again: could not prove: the network is up: no link [no-network] [old-system-again]")?;
    left_nothing(&node)
}

fn unheard() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = node(&bench)?;
    let push = start(&bench, &[&RAM[..], &["node07"]].concat())?;
    node.wait_for("reboot")?;
    node.boot_other("none", "prove", None)?;
    end(push)?.ended(1, "nothing was heard of the jump system")?;
    left_nothing(&node)
}

fn changed() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = node(&bench)?;
    let push = start(&bench, &[&RAM[..], &["node07"]].concat())?;
    tell_the_end(&mut node, json!({"event": "complete"}))?;
    let mut other = facts();
    other["disks"][0]["partitions"][1]["content"] = Value::Null;
    bench.write("facts.json", &other.to_string())?;
    node.boot_other("none", "prove", None)?;
    end(push)?.ended(1, "/dev/vda2 is not what it was [old-system-changed]")?;
    left_nothing(&node)
}

fn checked() -> Result<()> {
    let bench = Bench::new()?;
    let node = node(&bench)?;
    let refused = bench.run("check", &["--rehearse=ram", "node07"])?;
    refused.ended(3, "[watchdog-missing]")?;
    let shown = bench.run("check", &["--rehearse=ram", "--without-watchdog", "node07"])?;
    ensure!(shown.code == Some(0), "{shown:#?}");
    for words in [
        "a rehearsal in memory: kexec",
        "load the jump system for kexec",
        "turn the power off and on",
    ] {
        ensure!(shown.stdout.contains(words), "{words}: {shown:#?}");
    }
    left_nothing(&node)
}

fn aborted() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = node(&bench)?;
    let mut push = start(&bench, &[&RAM[..], &["node07"]].concat())?;
    node.wait_for("reboot")?;
    push.kill()?;
    push.wait()?;
    node.boot_jump("prove", None)?;
    let abort = bench.command("abort", &["--yes", "node07"]).spawn()?;
    wait_for(&node.path("turned-back"))?;
    node.boot_other("none", "prove", None)?;
    let outcome = end(abort)?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    ensure!(outcome.stderr.contains("end the rehearsal"), "{outcome:#?}");
    ensure!(
        outcome.stdout.contains("the rehearsal is over"),
        "{outcome:#?}"
    );
    ensure!(
        !node.path("taken-back").exists(),
        "nothing was to be taken back"
    );
    Ok(())
}

fn usage() -> Result<()> {
    let bench = Bench::new()?;
    bench
        .run("push", &["--rehearse=disk", "node07"])?
        .ended(2, "[possible values: firmware, ram]")?;
    bench
        .run("push", &["--without-watchdog", "node07"])?
        .ended(2, "--rehearse")
}
