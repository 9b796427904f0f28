//! Staging, arming and the reboot are orders of their own: what a node does, and is told to be,
//! when its admin leaves or the connection breaks between them.

use std::fs;
use std::process::{Child, Command};

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::journey::{end, start};
use crate::node::Node;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    (
        "ctrl_c_says_what_state_the_node_is_in",
        Need::Sshd,
        interrupted,
    ),
    (
        "staging_arming_and_the_reboot_are_orders_of_their_own",
        Need::Sshd,
        orders,
    ),
    (
        "fault_39_what_is_staged_when_its_admin_leaves_is_never_armed",
        Need::Sshd,
        left,
    ),
    (
        "ctrl_c_while_arming_says_that_the_arm_ends",
        Need::Sshd,
        interrupted_arming,
    ),
    (
        "a_connection_that_breaks_while_arming_is_made_again",
        Need::Sshd,
        breaks_arming,
    ),
];

fn interrupted() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    bench.write("slow", "")?;
    let push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("slow-now")?;
    interrupt(&push)?;
    let outcome = end(push)?;
    outcome.ended(130, "interrupted; its old system runs and is untouched")?;
    outcome.ended(130, "it is not armed, so a reboot boots it again")
}

/// Presses Ctrl-C.
fn interrupt(push: &Child) -> Result<()> {
    let sent = Command::new("kill")
        .args(["-INT", &push.id().to_string()])
        .status()?;
    ensure!(sent.success());
    Ok(())
}

/// The first words of the orders that the node got, without questions.
pub(crate) fn given(node: &Node<'_>) -> Result<Vec<String>> {
    let orders = fs::read_to_string(node.path("orders"))?;
    let words = orders.lines().filter_map(|line| line.split(' ').next());
    let question = |word: &&str| matches!(*word, "--version" | "facts" | "status" | "kept");
    Ok(words
        .filter(|word| !question(word))
        .map(str::to_owned)
        .collect())
}

fn orders() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    let push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("reboot")?;
    let given = given(&node)?;
    ensure!(
        given.ends_with(&["stage", "arm", "reboot"].map(str::to_owned)),
        "{given:?}"
    );
    node.boot_other("old", "prove", Some("no link"))?;
    end(push)?.ended(1, "[old-system-again]")
}

/// The admin host is gone while the node is at work, which goes on to its end.
fn left() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    bench.write("slow", "2")?;
    let mut push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("slow-now")?;
    push.kill()?;
    push.wait()?;
    crate::bench::wait_for(&node.path("begun"))?;
    // Whatever would come next had time to come.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let given = given(&node)?;
    ensure!(given == ["stage"], "{given:?}");
    ensure!(!node.path("armed").exists() && !node.path("reboot").exists());
    Ok(())
}

fn interrupted_arming() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    bench.write("slow-arm", "")?;
    let push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("slow-arm-now")?;
    interrupt(&push)?;
    let outcome = end(push)?;
    outcome.ended(130, "may be armed: that ends by itself within 20s")?;
    ensure!(!node.path("reboot").exists() && !node.path("taken-back").exists());
    Ok(())
}

fn breaks_arming() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    bench.write("break-arm", "")?;
    let push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("break-arm-now")?;
    node.break_connections()?;
    node.wait_for("reboot")?;
    let given = given(&node)?;
    ensure!(
        given.ends_with(&["stage", "arm", "arm", "reboot"].map(str::to_owned)),
        "{given:?}"
    );
    node.boot_other("old", "prove", Some("no link"))?;
    end(push)?.ended(1, "[old-system-again]")
}
