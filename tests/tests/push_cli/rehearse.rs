//! Rehearsals: the node proves itself, comes back, and is told of. Fault 39: a step waits for the
//! admin host, which says hello by a secret.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use jumpspec::words::digest::Digest;
use serde_json::json;

use crate::bench::Bench;
use crate::journey::{end, left_nothing, start};
use crate::node::Node;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    (
        "a_rehearsal_proves_the_node_and_ends_in_its_old_system",
        Need::Sshd,
        proved,
    ),
    ("a_rehearsal_that_fails_says_why", Need::Sshd, failed),
    (
        "a_rehearsal_shows_that_the_node_comes_back",
        Need::Sshd,
        shown,
    ),
    (
        "fault_39_the_admin_host_says_hello_once_a_boot",
        Need::Sshd,
        hello,
    ),
];

fn proved() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    let push = start(&bench, &["--rehearse", "--yes", "--json", "node07"])?;
    node.wait_for("reboot")?;
    ensure!(node.bundle()?["plan"]["rehearsal"] == true);
    node.boot_jump("prove", None)?;
    let network = "prove-network";
    node.tell(
        2000,
        "prove",
        json!({"event": "done", "step": network, "millis": 1500}),
    )?;
    node.boot_other("old", "prove", None)?;
    node.change_status(|status| {
        status["journal"]["step"] = json!(3);
        status["journal"]["done"] = json!(true);
    })?;
    let outcome = end(push)?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    let told = outcome.json()?;
    let report = told.last().context("nothing was told")?;
    ensure!(report["event"] == "rehearsal", "{report:#?}");
    let proved = report["report"]["proved"].as_array().context("no list")?;
    ensure!(proved.len() == 4, "{report:#?}");
    ensure!(
        proved[1] == json!({"step": network, "millis": 1500}),
        "{report:#?}"
    );
    let not = report["report"]["not_proved"].to_string();
    ensure!(not.contains("the replacement itself"), "{not}");
    ensure!(outcome.stderr.contains("not proved"), "{outcome:#?}");
    ensure!(bench.run_dir("node07")?.join("rehearsal.json").exists());
    ensure!(node.path("taken-back").exists());
    left_nothing(&node)
}

fn failed() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    let push = start(&bench, &["--rehearse", "--yes", "node07"])?;
    node.wait_for("reboot")?;
    node.boot_other("old", "prove", Some("no link"))?;
    end(push)?.ended(1, "is its old system again: could not prove: the network is up: no link [no-network] [old-system-again]")?;
    ensure!(node.path("taken-back").exists());
    left_nothing(&node)
}

fn shown() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    let outcome = bench.run("push", &["--rehearse", "node07"])?;
    outcome.ended(3, "[needs-yes]")?;
    ensure!(
        outcome.stdout.contains("a rehearsal") && !outcome.stdout.contains("unattended"),
        "{outcome:#?}"
    );
    ensure!(
        outcome
            .stdout
            .contains("not promised\n  - a way back from a kernel that hangs"),
        "{outcome:#?}"
    );
    left_nothing(&node)
}

fn hello() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    let job = format!(
        "{}\n[prove]\nadmin_login = true\n[health]\nadmin_login = true\n",
        crate::sample::JOB
    );
    bench.write("job.toml", &job)?;
    let push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("reboot")?;
    let mark = &node.bundle()?["plan"]["admin_mark"];
    let expected = |said: &[u8]| json!(Digest::of(said)) == *mark;
    node.boot_jump("prove", None)?;
    crate::bench::wait_for(&node.path("hello"))?;
    let said = fs::read(node.path("hello"))?;
    ensure!(expected(&said), "that is no secret of the run");
    fs::remove_file(node.path("hello"))?;
    fs::copy(node.path("rc.local"), node.path("new-jumpinit"))?;
    node.boot_other("new", "try", None)?;
    crate::bench::wait_for(&node.path("hello"))?;
    node.finish()?;
    let outcome = end(push)?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    let secret = String::from_utf8(said)?;
    let orders = fs::read_to_string(node.path("orders"))?;
    ensure!(
        orders.lines().filter(|order| *order == "hello").count() == 2,
        "{orders}"
    );
    let told = format!("{orders}{}{}", outcome.stdout, outcome.stderr);
    ensure!(!told.contains(&secret), "the secret was told");
    let kept = bench.run_dir("node07")?.join("mark");
    ensure!(fs::read_to_string(kept)? == secret);
    Ok(())
}
