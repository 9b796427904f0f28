//! Going on with a run that stands still: after jump gave up, and after the admin host went away.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::bench::{Bench, wait_for};
use crate::journey::{end, start};
use crate::node::Node;
use crate::sample::{JOB, write_image};
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[
    (
        "resume_begins_anew_after_jump_gave_up_and_follows_to_the_end",
        Need::Sshd,
        stuck,
    ),
    (
        "resume_with_another_job_sends_its_image_and_plan",
        Need::Sshd,
        other_image,
    ),
    ("resume_refuses_another_jump_image", Need::Sshd, other_jump),
    (
        "resume_of_a_node_that_is_not_stuck_is_refused",
        Need::Sshd,
        not_stuck,
    ),
    (
        "fault_39_an_armed_node_goes_on_from_another_admin_host",
        Need::Sshd,
        armed,
    ),
    (
        "what_was_staged_before_a_reboot_of_the_old_system_is_not_gone_on_with",
        Need::Sshd,
        rebooted,
    ),
    (
        "fault_39_a_half_staged_node_goes_on_with_its_job",
        Need::Sshd,
        half_staged,
    ),
    (
        "resume_elsewhere_is_refused_when_the_run_waits_for_its_own_host",
        Need::Sshd,
        no_secret,
    ),
    (
        "logs_show_what_is_known_of_a_failed_boot",
        Need::Sshd,
        failed_boot,
    ),
];

/// A node that was pushed to; then its jump system gave up.
fn given_up(bench: &Bench) -> Result<Node<'_>> {
    let mut node = Node::armed(bench)?;
    node.boot_jump("stuck", Some("no space left"))?;
    node.tell(900, "replace", json!({"event": "note", "text": "old news"}))?;
    Ok(node)
}

fn stuck() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = given_up(&bench)?;
    let resume = bench.command("resume", &["--json", "node07"]).spawn()?;
    node.wait_for("resumed")?;
    node.reboot_jump("replace", "jump-boot-2")?;
    let done = json!({"event": "done", "step": "extract", "millis": 6000});
    node.tell(9000, "replace", done)?;
    bench.wait_for_event("node07", "extract")?;
    node.boot_other("new", "try", None)?;
    node.finish()?;
    let outcome = end(resume)?;
    ensure!(outcome.code == Some(0), "{outcome:#?}");
    let told = outcome.json()?;
    ensure!(
        told.last().context("nothing was told")?["event"] == "report",
        "{told:#?}"
    );
    ensure!(!outcome.stdout.contains("old news"), "{outcome:#?}");
    ensure!(
        outcome.stdout.contains(r#""step":"extract""#)
            && outcome.stderr.contains("unpack the new system"),
        "{outcome:#?}"
    );
    let orders = fs::read_to_string(node.path("orders"))?;
    ensure!(
        orders.contains(&format!("resume --run {}", node.run_id()?)),
        "{orders}"
    );
    ensure!(bench.run_dir("node07")?.join("report.json").exists());
    Ok(())
}

fn other_image() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = given_up(&bench)?;
    write_image(&bench.path("other.tar.zst"), "target", 400_000)?;
    bench.write("job.toml", &JOB.replace("target.tar.zst", "other.tar.zst"))?;
    let job = bench.job();
    let dry = bench.run("resume", &["--job", &job, "--dry-run", "node07"])?;
    ensure!(
        dry.code == Some(0) && !node.path("next").exists(),
        "{dry:#?}"
    );
    bench
        .run("resume", &["--job", &job, "node07"])?
        .ended(3, "[needs-yes]")?;
    let resume = bench.command("resume", &["--job", &job, "--yes", "node07"]);
    let resume = { resume }.spawn()?;
    node.wait_for("resumed")?;
    let sent = fs::read(node.path("next"))?;
    ensure!(
        sent == fs::read(node.path("other.tar.zst"))?,
        "not what was to be sent"
    );
    let next: Value = serde_json::from_str(&fs::read_to_string(node.path("next-bundle.json"))?)?;
    ensure!(next["plan"]["run"] == json!(node.run_id()?), "another run");
    ensure!(next["plan"]["admin_mark"] == node.bundle()?["plan"]["admin_mark"]);
    ensure!(next["plan"]["images"]["target"]["size"] == json!(sent.len()));
    node.reboot_jump("stuck", "jump-boot-2")?;
    end(resume)?.ended(1, "[stuck-in-jump]")?;
    let kept = fs::read_to_string(bench.run_dir("node07")?.join("plan.json"))?;
    let kept: Value = serde_json::from_str(&kept)?;
    ensure!(
        kept["images"] == next["plan"]["images"],
        "the old plan was kept"
    );
    Ok(())
}

fn other_jump() -> Result<()> {
    let bench = Bench::new()?;
    let node = given_up(&bench)?;
    write_image(&bench.path("jump.tar.zst"), "jump", 300_000)?;
    let outcome = bench.run("resume", &["--job", &bench.job(), "--yes", "node07"])?;
    outcome.ended(3, "[other-jump-image]")?;
    ensure!(!node.path("next-bundle.json").exists() && !node.path("resumed").exists());
    Ok(())
}

fn not_stuck() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::armed(&bench)?;
    node.boot_jump("replace", None)?;
    bench
        .run("resume", &["node07"])?
        .ended(3, "the jump system is at work [not-stuck]")?;
    node.boot_other("old", "prove", Some("no link"))?;
    bench
        .run("resume", &["node07"])?
        .ended(3, "is its old system again: could not prove: the network is up: no link [no-network] [old-system-again]")?;
    bench.write("status.json", &crate::sample::status("none").to_string())?;
    bench.run("resume", &["node07"])?.ended(3, "[no-run]")?;
    ensure!(!node.path("resumed").exists() && !node.path("reboot").exists());
    Ok(())
}

fn armed() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::armed(&bench)?;
    let resume = bench
        .command_at("elsewhere", "resume", &["--take-over", "node07"])
        .spawn()?;
    node.wait_for("reboot")?;
    // What was saved for the first arm is saved anew before the second.
    let orders = fs::read_to_string(node.path("orders"))?;
    let resumed = orders.rsplit("kept").next().unwrap_or_default();
    let at = |order: &str| resumed.find(&format!("\n{order} --work"));
    ensure!(
        at("stage") < at("arm") && at("arm") < at("reboot") && at("stage").is_some(),
        "{orders}"
    );
    // Its host key was never seen by this host but in what the node keeps.
    node.boot_jump("stuck", Some("no space left"))?;
    end(resume)?.ended(1, "stays in the jump system: could not unpack the new system: no space left [no-room] [stuck-in-jump]")
}

fn rebooted() -> Result<()> {
    let bench = Bench::new()?;
    let node = Node::armed(&bench)?;
    let mut kept: Value = serde_json::from_str(&fs::read_to_string(node.path("kept.json"))?)?;
    kept["can_stage"] = json!(false);
    bench.write("kept.json", &kept.to_string())?;
    let outcome = bench.run("resume", &["node07"])?;
    outcome.ended(3, "was rebooted since run ")?;
    outcome.ended(3, "[cannot-stage]")?;
    ensure!(!node.path("reboot").exists());
    Ok(())
}

fn half_staged() -> Result<()> {
    let bench = Bench::new()?;
    let mut node = Node::old(&bench)?;
    bench.write("break", "")?;
    let mut push = start(&bench, &["--yes", "node07"])?;
    node.wait_for("break-now")?;
    push.kill()?;
    push.wait()?;
    node.break_connections()?;
    node.stand_at("stage")?;
    bench
        .run_elsewhere("resume", &["node07"])?
        .ended(3, "[needs-job]")?;
    let job = bench.job();
    let resume = bench
        .command_at(
            "elsewhere",
            "resume",
            &["--take-over", "--job", &job, "node07"],
        )
        .spawn()?;
    wait_for(&node.path("reboot"))?;
    ensure!(
        fs::read(node.path("target"))? == fs::read(node.path("target.tar.zst"))?,
        "the image did not arrive whole"
    );
    let bundles = fs::read_to_string(node.path("orders"))?;
    ensure!(
        bundles.contains("receive --image target --offset 100000"),
        "{bundles}"
    );
    node.boot_other("old", "prove", Some("no link"))?;
    end(resume)?.ended(1, "[old-system-again]")
}

fn no_secret() -> Result<()> {
    let bench = Bench::new()?;
    bench.write(
        "job.toml",
        &format!("{JOB}\n[health]\nadmin_login = true\n"),
    )?;
    let node = Node::armed(&bench)?;
    bench
        .run_elsewhere("resume", &["node07"])?
        .ended(3, "[no-secret]")?;
    ensure!(!node.path("reboot").exists());
    Ok(())
}

fn failed_boot() -> Result<()> {
    let bench = Bench::new()?;
    let node = given_up(&bench)?;
    let logs = || bench.run("logs", &["--failed-boot", "node07"]);
    logs()?.ended(1, "[no-failed-boot]")?;
    bench.write("failed-boot-1.log", "systemd: emergency shell\n")?;
    let shown = logs()?;
    ensure!(shown.code == Some(0), "{shown:#?}");
    ensure!(shown.stdout.contains("emergency shell"), "{shown:#?}");
    drop(node);
    Ok(())
}
