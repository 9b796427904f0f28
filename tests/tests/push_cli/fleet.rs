//! Fleets: staged in the afternoon, told to jump later; left and taken up again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::bench::{Bench, Outcome};
use crate::journey::{end, start};
use crate::node::Node;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    (
        "what_is_staged_waits_in_its_old_system_until_it_is_to_go",
        Need::Sshd,
        staged,
    ),
    (
        "a_fleet_whose_admin_host_died_is_taken_up_where_it_stands",
        Need::Sshd,
        left,
    ),
    (
        "fleets_that_are_not_there_or_over_are_told_so",
        Need::Nothing,
        nothing,
    ),
];

/// A host that is not there.
const NOWHERE: &str = "nowhere.invalid";

/// The id of the one fleet that is kept.
fn id(bench: &Bench) -> Result<String> {
    let mut fleets = fs::read_dir(bench.path("state/fleets"))?;
    let name = fleets.next().context("no fleet is kept")??.file_name();
    name.into_string().ok().context("its name is no id")
}

/// `jumpimg fleet ORDER`.
fn order(bench: &Bench, order: &str, arguments: &[&str]) -> Command {
    let mut jumpimg = jump_tests::command("jumpimg");
    jumpimg
        .args(["fleet", order])
        .arg("--state-dir")
        .arg(bench.path("state"));
    jumpimg.arg("--ssh-config").arg(bench.path("ssh_config"));
    if order == "resume" {
        jumpimg
            .arg("--yes")
            .arg("--jumpinit")
            .arg(bench.path("jumpinit"));
    }
    jumpimg.args(arguments).env_remove("SSH_AUTH_SOCK");
    jumpimg
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    jumpimg
}

fn asked(bench: &Bench, what: &str, arguments: &[&str]) -> Result<Outcome> {
    Ok(order(bench, what, arguments).output()?.into())
}

fn set(bench: &Bench, name: &str) -> Result<String> {
    let path = format!("state/fleets/{}/{name}.nodes", id(bench)?);
    Ok(fs::read_to_string(bench.path(&path))?.trim().to_owned())
}

/// The node goes through its jump to the end.
fn jumps(node: &mut Node<'_>) -> Result<()> {
    node.wait_for("reboot")?;
    arrives(node)
}

fn arrives(node: &mut Node<'_>) -> Result<()> {
    node.boot_jump("prove", None)?;
    node.tell(9500, "try", json!({"event": "reboot", "into": "new"}))?;
    node.boot_other("new", "try", None)?;
    node.tell(1000, "finish", json!({"event": "complete"}))?;
    node.finish()
}

/// Programs that write down when they are run, and for whom.
fn drained_by_programs(bench: &Bench) -> Result<()> {
    let heard = bench.path("drained");
    for name in ["before", "after"] {
        let script = format!("#!/bin/sh\necho {name} $1 >>{}\n", heard.display());
        bench.write(name, &script)?;
        fs::set_permissions(bench.path(name), fs::Permissions::from_mode(0o755))?;
    }
    let job = fs::read_to_string(bench.path("job.toml"))?;
    bench.write(
        "job.toml",
        &format!("{job}\n[drain]\nbefore = 'before'\nafter = 'after'\n"),
    )
}

fn staged() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    drained_by_programs(&bench)?;
    let outcome = bench.run("push", &["--yes", "--stage-only", "node07"])?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    ensure!(
        outcome.stderr.contains("are staged and not armed"),
        "{outcome:#?}"
    );
    ensure!(!node.path("armed").exists() && !node.path("reboot").exists());
    ensure!(!bench.path("drained").exists());
    let fleet = id(&bench)?;
    let listed = asked(&bench, "list", &[])?;
    ensure!(
        listed.stdout.contains(&fleet) && listed.stdout.contains("staged"),
        "{listed:#?}"
    );
    let status = asked(&bench, "status", &["--json", &fleet])?;
    let told = status.json()?;
    ensure!(
        told[0]["staged"] == "node07" && told[0]["count"] == 1,
        "{status:#?}"
    );
    let others = bench.run("go", &["--yes", &fleet, "-w", "node07,node08"])?;
    others.ended(3, "these are not staged: node08")?;
    let go = bench
        .command("go", &["--yes", &fleet, "-w", "node07"])
        .spawn()?;
    jumps(&mut node)?;
    let outcome = end(go)?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    ensure!(set(&bench, "ok")? == "node07" && set(&bench, "staged")?.is_empty());
    let drained = fs::read_to_string(bench.path("drained"))?;
    ensure!(drained == "before node07\nafter node07\n", "{drained}");
    let again = asked(&bench, "resume", &[&fleet])?;
    again.ended(3, "[nothing-left]")
}

fn killed(mut push: Child) -> Result<()> {
    push.kill()?;
    push.wait()?;
    Ok(())
}

fn left() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    let push = start(&bench, &["--yes", "node07", NOWHERE])?;
    node.wait_for("reboot")?;
    killed(push)?;
    let fleet = id(&bench)?;
    let status = asked(&bench, "status", &["--json", &fleet])?.json()?;
    ensure!(status[0]["inflight"] == "node07", "{status:?}");
    let resume = order(&bench, "resume", &[&fleet]).spawn()?;
    arrives(&mut node)?;
    let outcome = end(resume)?;
    outcome.ended(4, "[unreachable]")?;
    ensure!(set(&bench, "ok")? == "node07", "{outcome:#?}");
    ensure!(set(&bench, "ko")? == NOWHERE && set(&bench, "inflight")?.is_empty());
    ensure!(
        !node.path("reboot").exists(),
        "it was told to reboot again: {outcome:#?}"
    );
    let from = bench.run("push", &["--dry-run", "--from", &fleet, "--only", "ko"])?;
    from.ended(1, NOWHERE)
}

fn nothing() -> Result<()> {
    let bench = Bench::new()?;
    asked(&bench, "list", &[])?.ended(0, "")?;
    let fleet = "00000000000000aa";
    asked(&bench, "status", &[fleet])?.ended(2, "[no-fleet]")?;
    asked(&bench, "status", &["../../etc"])?.ended(2, "run's id")
}
