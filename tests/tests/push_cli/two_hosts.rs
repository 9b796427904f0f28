//! Fault 42: two admin hosts at once, an order that comes twice or late; and a job done twice.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::bench::Bench;
use crate::journey::{end, left_nothing, start};
use crate::node::Node;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    (
        "fault_42_a_push_is_refused_by_run_id_while_another_is_under_way",
        Need::Sshd,
        under_way,
    ),
    (
        "fault_42_the_node_refuses_an_order_of_another_run",
        Need::Sshd,
        other_run,
    ),
    (
        "fault_42_a_push_to_a_jump_system_says_so",
        Need::Sshd,
        in_jump,
    ),
    (
        "a_jump_system_that_this_host_has_no_key_of_is_not_let_in",
        Need::Sshd,
        no_key,
    ),
    ("a_job_done_twice_is_told", Need::Sshd, twice),
    ("several_nodes_get_a_line_each", Need::Sshd, lines),
];

fn under_way() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    let mut facts = crate::sample::facts();
    facts["jump"] = json!({
        "run": "feedfeedfeedfeed", "stage": "stage", "live": true,
        "origin": "root@admin1, 2026-01-01T00:00:00Z",
    });
    bench.write("facts.json", &facts.to_string())?;
    let outcome = bench.run("push", &["--yes", "node07"])?;
    outcome.ended(
        3,
        "run feedfeedfeedfeed is under way on this node, by root@admin1, 2026-01-01T00:00:00Z [jump-in-progress]",
    )?;
    ensure!(!node.path("bundle.json").exists());
    left_nothing(&node)
}

/// Between the plan and its first step another host was faster.
fn other_run() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    bench.write("other-run", "")?;
    let outcome = bench.run("push", &["--yes", "node07"])?;
    outcome.ended(3, "run bb is under way on this node")?;
    outcome.ended(3, "[jump-in-progress]")?;
    ensure!(!node.path("taken-back").exists() && !node.path("begun").exists());
    Ok(())
}

/// A node whose jump system gave up, and a push that told so.
fn given_up(bench: &Bench) -> Result<Node<'_>> {
    let mut node = Node::old(bench)?;
    let push = start(bench, &["--yes", "node07"])?;
    node.wait_for("reboot")?;
    node.boot_jump("stuck", Some("no space left"))?;
    end(push)?.ended(1, "[stuck-in-jump]")?;
    Ok(node)
}

fn in_jump() -> Result<()> {
    let bench = Bench::new()?;
    let node = given_up(&bench)?;
    let outcome = bench.run("push", &["--yes", "node07"])?;
    outcome.ended(3, "[in-jump]")?;
    outcome.ended(3, &node.run_id()?)?;
    outcome.ended(3, "jumpimg resume")
}

fn no_key() -> Result<()> {
    let bench = Bench::new()?;
    let node = given_up(&bench)?;
    for command in ["status", "abort", "resume", "logs"] {
        let outcome = bench.run_elsewhere(command, &["node07"])?;
        outcome.ended(1, "[host-key]")?;
        outcome.ended(1, "HostKeyAlias")?;
    }
    let orders = fs::read_to_string(node.path("orders"))?;
    ensure!(
        !orders.contains("resume") && !orders.contains("turn-back"),
        "{orders}"
    );
    Ok(())
}

fn twice() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    let push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("reboot")?;
    node.boot_jump("replace", None)?;
    node.boot_other("none", "finish", None)?;
    node.finish()?;
    ensure!(end(push)?.code == Some(0));
    let told = bench.run("check", &["node07"])?;
    ensure!(
        told.stdout
            .contains("has made this node of this very image already"),
        "{told:#?}"
    );
    Ok(())
}

fn lines() -> Result<()> {
    let bench = Bench::new()?;
    let _node = given_up(&bench)?;
    let status = bench.run("status", &["node07", "node07"])?;
    ensure!(status.code == Some(0), "{status:#?}");
    let lines: Vec<_> = status.stdout.lines().collect();
    ensure!(lines.len() == 2, "{status:#?}");
    ensure!(
        lines[0].starts_with("node07: jump system, the jump OS; run ")
            && lines[0]
                .ends_with("waits: could not unpack the new system: no space left [no-room]"),
        "{status:#?}"
    );
    Ok(())
}
