//! Taking a jump back: from every stage where nothing is destroyed, and from no other.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::bench::{Bench, Outcome};
use crate::journey::{end, left_nothing};
use crate::node::Node;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    ("abort_with_nothing_under_way_says_so", Need::Sshd, nothing),
    (
        "abort_takes_an_armed_node_back_from_any_admin_host",
        Need::Sshd,
        armed,
    ),
    (
        "abort_hands_the_plan_to_a_node_that_lost_it",
        Need::Sshd,
        half_staged,
    ),
    (
        "abort_makes_a_jump_system_go_back_before_its_commit",
        Need::Sshd,
        proving,
    ),
    ("abort_is_refused_after_the_commit", Need::Sshd, committed),
    ("abort_asks_or_wants_yes", Need::Sshd, asks),
    (
        "fault_42_abort_is_refused_while_another_call_is_at_work",
        Need::Sshd,
        live,
    ),
];

fn is_taken_back(outcome: &Outcome, node: &Node<'_>) -> Result<()> {
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    ensure!(node.path("taken-back").exists(), "{outcome:#?}");
    ensure!(
        outcome.stdout.contains("loader and swap are as they were"),
        "{outcome:#?}"
    );
    Ok(())
}

fn nothing() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    let outcome = bench.run("abort", &["--yes", "--json", "node07"])?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    ensure!(outcome.json()?[0]["outcome"] == "nothing", "{outcome:#?}");
    ensure!(!node.path("taken-back").exists());
    Ok(())
}

fn armed() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::armed(&bench)?;
    let dry = bench.run("abort", &["--dry-run", "node07"])?;
    ensure!(dry.code == Some(0), "{dry:#?}");
    ensure!(
        dry.stderr.contains("abort will restore the loader") && !node.path("taken-back").exists(),
        "{dry:#?}"
    );
    is_taken_back(&bench.run_elsewhere("abort", &["--yes", "node07"])?, &node)?;
    let order = format!("take-back --run {} --work", node.run_id()?);
    let orders = fs::read_to_string(node.path("orders"))?;
    ensure!(orders.contains(&order), "{orders}");
    ensure!(!node.path("handed-plan.json").exists());
    Ok(())
}

/// Before the landing file system is made the node tells of no run; this host knows better.
fn half_staged() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::armed(&bench)?;
    bench.write("status.json", &crate::sample::status("none").to_string())?;
    is_taken_back(&bench.run("abort", &["--yes", "node07"])?, &node)?;
    let handed = fs::read_to_string(node.path("handed-plan.json"))?;
    ensure!(handed.contains(&node.run_id()?), "{handed}");
    left_nothing(&node)?;
    fs::remove_file(node.path("taken-back"))?;
    let again = bench.run("abort", &["--yes", "--json", "node07"])?;
    ensure!(again.json()?[0]["outcome"] == "nothing", "{again:#?}");
    ensure!(!node.path("taken-back").exists());
    Ok(())
}

fn proving() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::armed(&bench)?;
    node.boot_jump("prove", None)?;
    let abort = bench.command("abort", &["--yes", "node07"]).spawn()?;
    node.wait_for("turned-back")?;
    ensure!(!node.path("taken-back").exists());
    node.boot_other("old", "prove", None)?;
    is_taken_back(&end(abort)?, &node)?;
    let orders = fs::read_to_string(node.path("orders"))?;
    ensure!(
        orders.contains(&format!("turn-back --run {}", node.run_id()?)),
        "{orders}"
    );
    Ok(())
}

fn committed() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::armed(&bench)?;
    let refused = |node: &Node<'_>| -> Result<()> {
        let outcome = bench.run("abort", &["--yes", "node07"])?;
        outcome.ended(3, "[committed]")?;
        ensure!(
            !node.path("turned-back").exists() && !node.path("taken-back").exists(),
            "{outcome:#?}"
        );
        Ok(())
    };
    node.boot_jump("stuck", Some("no space"))?;
    refused(&node)?;
    node.boot_jump("replace", None)?;
    refused(&node)?;
    // The environment says it before the journal does.
    node.boot_jump("prove", None)?;
    node.change_status(|status| status["selector_state"] = json!("jump"))?;
    refused(&node)?;
    fs::copy(node.path("rc.local"), node.path("new-jumpinit"))?;
    node.boot_other("new", "try", None)?;
    refused(&node)
}

fn asks() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::armed(&bench)?;
    bench.run("abort", &["node07"])?.ended(3, "[needs-yes]")?;
    ensure!(!node.path("taken-back").exists());
    Ok(())
}

fn live() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::armed(&bench)?;
    node.change_status(|status| {
        status["live"] = json!(true);
        status["origin"] = json!("root@admin1, 2026-01-01T00:00:00Z");
    })?;
    for command in ["abort", "resume"] {
        let outcome = bench.run_elsewhere(command, &["--yes", "node07"])?;
        outcome.ended(3, "[jump-in-progress]")?;
        outcome.ended(3, &node.run_id()?)?;
        outcome.ended(3, "by root@admin1")?;
    }
    ensure!(!node.path("taken-back").exists());
    Ok(())
}
