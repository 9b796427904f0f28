//! Fault 42: two admin hosts at once, an order that comes twice or late; and a job done twice.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::bench::{Bench, Outcome};
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
    (
        "many_nodes_are_looked_at_at_once_and_told_in_order",
        Need::Sshd,
        lines,
    ),
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

/// Names, sets and what is left out; many at once, in order, and what all come to.
fn lines() -> Result<()> {
    let bench = Bench::new()?;
    let _node = Node::old(&bench)?;
    let config = fs::read_to_string(bench.path("ssh_config"))?;
    bench.write("ssh_config", &config.replace("node07", "node0? gone"))?;
    bench.write("list", "node[07-08] # the first\nnode09\n")?;
    let list = format!("@{}", bench.path("list").display());
    let status = bench.run("status", &["-w", &list, "-x", "node09", "node[01-06]"])?;
    ensure!(status.code == Some(0), "{status:#?}");
    let lines: Vec<_> = status.stdout.lines().collect();
    ensure!(lines.len() == 8, "{status:#?}");
    for (at, line) in lines.iter().enumerate() {
        let begins = format!("node0{}: system without a run, ", at + 1);
        ensure!(line.starts_with(&begins), "{status:#?}");
    }
    let all = "done: 8 of 8 nodes: node[01-08]";
    ensure!(status.stderr.contains(all), "{status:#?}");
    groups(&bench)?;
    let json = bench.run("status", &["--json", "node[7-8],-oX"])?;
    json.ended(2, "[bad-node-set]")?;
    bench.write("ssh_config", &config.replace("node07", "node07 node08"))?;
    let json = bench.run("status", &["--json", "node07", "nowhere.invalid", "node08"])?;
    ensure!(json.code == Some(4), "{json:#?}");
    let told = json.stdout.lines().next_back().unwrap_or_default();
    let sum: serde_json::Value = serde_json::from_str(told)?;
    ensure!(
        sum["done"] == "node[07-08]" && sum["others"][0]["nodes"] == "nowhere.invalid",
        "{json:#?}"
    );
    Ok(())
}

/// Groups of ClusterShell; one that is not there is told, and one that is empty is empty.
fn groups(bench: &Bench) -> Result<()> {
    fs::create_dir_all(bench.path("clustershell/groups.d"))?;
    bench.write(
        "clustershell/groups.conf",
        "[Main]\ndefault: site\nautodir: $CFGDIR/groups.d\n",
    )?;
    bench.write(
        "clustershell/groups.d/site.yaml",
        "site:\n  rack: 'node[01-03]'\n  broken: ''\n",
    )?;
    let status = |arguments: &[&str]| -> Result<Outcome> {
        let mut status = bench.command("status", arguments);
        status.env("XDG_CONFIG_HOME", bench.path(""));
        Ok(status.output()?.into())
    };
    let rack = status(&["@rack", "-x", "@broken", "-x", "@site:broken"])?;
    let all = "done: 3 of 3 nodes: node[01-03]";
    ensure!(rack.stderr.contains(all), "{rack:#?}");
    for typed in ["@brokn", "@site:brokn", "@nowhere:rack"] {
        status(&["@rack", "-x", typed])?.ended(2, "no such group")?;
    }
    Ok(())
}
