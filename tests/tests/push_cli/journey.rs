//! Whole pushes to a node that is acted: the new system, the old one again, a jump system
//! that gives up, broken connections, and pushes that do not begin.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::arming::given;
use crate::bench::{Bench, Outcome};
use crate::node::Node;
use crate::sample::FIRST_BOOT;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    ("check_shows_the_plan_and_leaves_nothing", Need::Sshd, check),
    (
        "check_tells_every_refusal_with_its_code",
        Need::Sshd,
        refused,
    ),
    ("push_without_a_terminal_wants_yes", Need::Sshd, needs_yes),
    (
        "a_terminal_is_asked_for_the_host_name",
        Need::SshdAndScript,
        asks,
    ),
    ("a_dry_run_stops_after_the_plan", Need::Sshd, dry_run),
    (
        "a_push_follows_the_node_to_its_new_system",
        Need::Sshd,
        journey,
    ),
    (
        "an_upload_goes_on_after_a_broken_connection",
        Need::Sshd,
        resumes,
    ),
    (
        "a_node_that_is_rebooted_while_it_is_staged_is_told_so",
        Need::Sshd,
        rebooted_meanwhile,
    ),
    (
        "a_failed_step_leaves_the_node_as_it_was",
        Need::Sshd,
        step_fails,
    ),
    ("hooks_are_shown_sent_and_told_of", Need::Sshd, hooks),
    (
        "a_jumpinit_that_a_signal_ends_is_never_called_again_for_it",
        Need::Sshd,
        killed,
    ),
    (
        "a_node_that_asks_for_an_image_again_and_again_is_given_up",
        Need::Sshd,
        asks_again,
    ),
    (
        "the_old_system_that_comes_back_says_why",
        Need::Sshd,
        comes_back,
    ),
    ("a_jump_system_that_gives_up_is_reported", Need::Sshd, stuck),
];

pub(crate) fn start(bench: &Bench, arguments: &[&str]) -> Result<Child> {
    Ok(bench.command("push", arguments).spawn()?)
}

pub(crate) fn end(push: Child) -> Result<Outcome> {
    Ok(push.wait_with_output()?.into())
}

/// The private directory on the node is gone.
pub(crate) fn left_nothing(node: &Node<'_>) -> Result<()> {
    let work = fs::read_to_string(node.path("work"))?;
    ensure!(work.contains("/jump-"), "{work:?}");
    ensure!(
        !std::path::Path::new(work.trim()).exists(),
        "{work} is left"
    );
    Ok(())
}

fn events(told: &[Value], event: &str) -> usize {
    told.iter()
        .filter(|object| object["event"] == event)
        .count()
}

fn check() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    let outcome = bench.run("check", &["node07"])?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    ensure!(
        outcome.stdout.contains(
            "node07: Debian GNU/Linux 12 (bookworm) becomes Debian GNU/Linux 13 (trixie)"
        ),
        "{outcome:#?}"
    );
    ensure!(
        outcome.stdout.contains("borrowed, then swap again"),
        "{outcome:#?}"
    );
    left_nothing(&node)?;
    let told = bench.run("check", &["--json", "node07"])?.json()?;
    ensure!(told.len() == 1 && told[0]["node"] == "node07", "{told:?}");
    ensure!(told[0]["plan"]["hostname"] == "node07", "{told:?}");
    Ok(())
}

fn refused() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    let mut facts = crate::sample::facts();
    facts["architecture"] = json!("riscv64");
    facts["authorized_keys"] = json!(false);
    bench.write("facts.json", &facts.to_string())?;
    let outcome = bench.run("check", &["--json", "node07"])?;
    outcome.ended(3, "[architecture-mismatch]")?;
    outcome.ended(3, "[no-way-in]")?;
    let told = outcome.json()?;
    let codes: Vec<_> = told[0]["refusals"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|refusal| refusal["code"].clone())
        .collect();
    ensure!(codes.contains(&json!("no-way-in")), "{told:?}");
    left_nothing(&node)
}

fn needs_yes() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    let outcome = bench.run("push", &["node07"])?;
    outcome.ended(3, "[needs-yes]")?;
    ensure!(
        outcome.stdout.contains("on the jump system, unattended"),
        "{outcome:#?}"
    );
    left_nothing(&node)
}

/// `script` (bsdutils) gives the program a terminal.
fn asks() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    let push = bench.command("push", &["node07"]);
    let words = std::iter::once(push.get_program()).chain(push.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let mut script = Command::new("script");
    script.args(["-qec", &words.join(" "), "/dev/null"]);
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = script.spawn()?;
    if let Some(mut answer) = running.stdin.take() {
        answer.write_all(b"node08\n")?;
    }
    let outcome: Outcome = running.wait_with_output()?.into();
    ensure!(outcome.code == Some(3), "{outcome:#?}");
    for text in [
        "Replace the operating system of node07? Type its host name to go on:",
        "[not-confirmed]",
    ] {
        ensure!(outcome.stdout.contains(text), "{outcome:#?}");
    }
    left_nothing(&node)
}

fn dry_run() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    let outcome = bench.run("push", &["--dry-run", "node07"])?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    ensure!(!bench.path("state/runs").exists() && !node.path("bundle.json").exists());
    left_nothing(&node)
}

fn journey() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    let push = start(&bench, &["--yes", "--json", "node07"])?;
    node.wait_for("reboot")?;
    node.boot_jump("prove", None)?;
    node.tell(
        1000,
        "prove",
        json!({"event": "begin", "step": "prove-disks"}),
    )?;
    node.tell(
        2000,
        "prove",
        json!({"event": "done", "step": "prove-disks", "millis": 1000}),
    )?;
    node.tell(
        3000,
        "replace",
        json!({"event": "begin", "step": "extract"}),
    )?;
    bench.wait_for_event("node07", "extract")?;
    let status = bench.run("status", &["node07"])?;
    ensure!(
        status.stdout.contains("jump system, the jump OS"),
        "{status:#?}"
    );
    node.break_connections()?;
    node.tell(
        9000,
        "replace",
        json!({"event": "done", "step": "extract", "millis": 6000}),
    )?;
    node.tell(9500, "try", json!({"event": "reboot", "into": "new"}))?;
    bench.wait_for_event("node07", "into")?;
    node.boot_other("new", "try", None)?;
    node.tell(1000, "finish", json!({"event": "complete"}))?;
    node.finish()?;
    let outcome = end(push)?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    let told = outcome.json()?;
    ensure!(
        told.iter().all(|object| object["node"] == "node07"),
        "{told:#?}"
    );
    // Staging: landing; jump: prove, unpack; each begun and done once, though the
    // connection broke and the log was read again at the end.
    ensure!(
        (events(&told, "begin"), events(&told, "done")) == (3, 3),
        "{told:#?}"
    );
    ensure!(
        events(&told, "reboot") == 1 && events(&told, "report") == 1,
        "{told:#?}"
    );
    let report = told.last().cloned().unwrap_or_default();
    let names: Vec<_> = report["times"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|span| span["name"].clone())
        .collect();
    ensure!(
        names
            == [
                "stage", "reboot", "prove", "replace", "reboot", "confirm", "total"
            ],
        "{report:#?}"
    );
    ensure!(
        outcome.stderr.contains("jump system is up: the jump OS"),
        "{outcome:#?}"
    );
    kept(&bench, &node)?;
    let logs = bench.run("logs", &["node07"])?;
    ensure!(
        logs.code == Some(0) && logs.stdout.contains("unpack the new system"),
        "{logs:#?}"
    );
    Ok(())
}

/// Images arrived whole; the run is kept; the private key is not.
fn kept(bench: &Bench, node: &Node<'_>) -> Result<()> {
    for image in ["jump", "target"] {
        ensure!(
            fs::read(node.path(image))? == fs::read(node.path(&format!("{image}.tar.zst")))?,
            "{image}"
        );
    }
    let run = bench.run_dir("node07")?;
    for file in ["plan.json", "events.jsonl", "known_hosts", "report.json"] {
        let text = fs::read_to_string(run.join(file))?;
        ensure!(
            !text.is_empty() && !text.contains("PRIVATE KEY"),
            "{file}: {text}"
        );
    }
    Ok(())
}

fn resumes() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    bench.write("busy", "")?;
    bench.write("break", "")?;
    let push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("break-now")?;
    ensure!(fs::metadata(node.path("target"))?.len() == 100_000);
    node.break_connections()?;
    node.wait_for("reboot")?;
    node.boot_other("old", "prove", Some("no link"))?;
    let outcome = end(push)?;
    let pauses = outcome.stderr.matches("; again in 1 s").count();
    ensure!(pauses == 2, "once busy, once broken: {outcome:#?}");
    for image in ["jump", "target"] {
        ensure!(
            fs::read(node.path(image))? == fs::read(node.path(&format!("{image}.tar.zst")))?,
            "{image}"
        );
    }
    Ok(())
}
/// What was put there is gone with the reboot, and the admin is told that and not what a shell says.
fn rebooted_meanwhile() -> Result<()> {
    for (boot, told) in [
        ("another-boot", "the node was rebooted in the meantime"),
        (FIRST_BOOT, "it was not rebooted: somebody has removed it"),
    ] {
        let bench = Bench::new()?;
        let mut node = Node::old(&bench)?;
        bench.write("break", "")?;
        let push = start(&bench, &["--yes", "--json", "node07"])?;
        node.wait_for("break-now")?;
        let work = fs::read_to_string(node.path("work"))?;
        ensure!(work.contains("/jump-"), "{work:?}");
        fs::remove_dir_all(work.trim())?;
        bench.write("boot_id", boot)?;
        node.break_connections()?;
        let outcome = end(push)?;
        ensure!(outcome.code == Some(1), "{outcome:#?}");
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        ensure!(
            said.contains("work-directory-gone") && said.contains(told),
            "{said}"
        );
        ensure!(said.contains("jumpimg abort node07"), "{said}");
        ensure!(
            !said.contains("can't cd") && !said.contains("not found"),
            "{said}"
        );
    }
    Ok(())
}

fn step_fails() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    bench.write("fail", "")?;
    let outcome = bench.run("push", &["--yes", "node07"])?;
    outcome.ended(
        1,
        "could not make the landing file system: mkfs broke [mkfs-failed] [step-failed]",
    )?;
    outcome.ended(1, "the node is as it was")?;
    ensure!(node.path("taken-back").exists());
    left_nothing(&node)
}

/// They stand in the plan, an interpreter that is not there is refused, and what they say and why they
/// fail is told.
fn hooks() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    bench.write("drain", "#!/bin/sh\necho drained\n")?;
    let job = "[[hook]]\nat = 'prep'\nrun = 'drain'\n[variables]\nSITE = 'basement'\n";
    bench.write("job.toml", &format!("{}\n{job}", crate::sample::JOB))?;
    let outcome = bench.run("check", &["node07"])?;
    outcome.ended(3, "the hook drain (prep) is run by /bin/sh, which the old system does not have [hook-interpreter]")?;
    let mut facts = crate::sample::facts();
    facts["interpreters"] = json!(["/bin/sh"]);
    bench.write("facts.json", &facts.to_string())?;
    let outcome = bench.run("check", &["node07"])?;
    for words in [
        "1  run the hook drain (prep)\n        at most 10m; a failure ends the run in the old system",
        "a power cut in a hook runs it again",
    ] {
        ensure!(
            outcome.stdout.contains(words),
            "no {words:?} in {outcome:#?}"
        );
    }
    bench.write("fail-hook", "")?;
    let outcome = bench.run("push", &["--yes", "node07"])?;
    outcome.ended(
        1,
        "could not run the hook drain (prep): no luck [hook-failed]",
    )?;
    ensure!(
        outcome.stderr.contains("    drained") || outcome.stdout.contains("    drained"),
        "{outcome:#?}"
    );
    let bundle = node.bundle()?;
    ensure!(
        bundle["hooks"]["1"] == "#!/bin/sh\necho drained\n",
        "{bundle}"
    );
    ensure!(
        bundle["plan"]["variables"]["SITE"] == "basement",
        "{bundle}"
    );
    ensure!(
        !node.path("taken-back").exists(),
        "there was nothing to take back"
    );
    Ok(())
}

fn killed() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    bench.write("die", "")?;
    let outcome = bench.run("push", &["--yes", "node07"])?;
    outcome.ended(1, "SIGKILL has ended what was at work on the node")?;
    outcome.ended(1, "[remote-killed]")?;
    let given = given(&node)?;
    ensure!(given == ["stage", "take-back"], "{given:?}");
    Ok(())
}

fn asks_again() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::old(&bench)?;
    bench.write("swallow", "")?;
    let outcome = bench.run("push", &["--yes", "node07"])?;
    outcome.ended(1, "asks for it again [no-progress]")?;
    let given = given(&node)?;
    ensure!(
        given == ["stage", "receive", "stage", "take-back"],
        "{given:?}"
    );
    Ok(())
}

fn comes_back() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    let push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("reboot")?;
    node.boot_other("old", "prove", Some("no link"))?;
    end(push)?.ended(
        1,
        "error: node07: is its old system again: could not prove: the network is up: no link [no-network] [old-system-again]",
    )?;
    ensure!(node.path("taken-back").exists());
    left_nothing(&node)
}

fn stuck() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    let push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("reboot")?;
    node.boot_jump("stuck", Some("no space left"))?;
    let outcome = end(push)?;
    outcome.ended(1, "stays in the jump system: could not unpack the new system: no space left [no-room] [stuck-in-jump]")?;
    outcome.ended(1, "HostKeyAlias=jump-")
}
