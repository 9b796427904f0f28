//! What an admin does besides pushing: rehearse, take back, go on after jump gave up.

use anyhow::{Result, ensure};
use jumplab::journey::{self, BOOT};
use jumplab::vm::{NODE, Role, Uml, until};
use jumpspec::boot::environment::{State, TRIES};
use jumpspec::places;
use jumpspec::run::exit::NodeExit;

use crate::staged::{PUSH, Staged, WORK};

/// The jump system's console says that it waits for the admin host.
const WAITING: &str = "prove: the admin host logs in";
/// What the admin's hook says before it fails.
const COMPLAINT: &str = "the licence server is away";

pub(crate) fn rehearsal() -> Result<()> {
    let more = "[prove]\nadmin_login = true\n";
    let mut staged = Staged::with("uml-rehearsal", more, &["--yes", "--json", "--rehearse"])?;
    staged.select(State::Once)?;
    staged.start(Role::Swap)?.wait_for_end(WORK)?;
    staged.select(State::Old)?;
    let mut old = Uml::start(&staged.node, &staged.network, Role::Root)?;
    old.wait_for_ssh(BOOT)?;
    let (ended, said) = staged.push.wait(PUSH)?;
    ensure!(ended.success(), "{ended}\n{said}");
    for wanted in [
        "\"event\":\"rehearsal\"",
        "\"step\":\"prove-network\"",
        "\"step\":\"prove-admin\"",
        "the replacement itself",
    ] {
        ensure!(said.contains(wanted), "no {wanted:?} in:\n{said}");
    }
    staged.is_as_before(old)?;
    staged.network.remove()
}

/// The admin host that began the run is gone for good.
pub(crate) fn abort_armed() -> Result<()> {
    let staged = Staged::new("uml-abort", "")?;
    staged.push.hold(true)?;
    let mut old = Uml::start(&staged.node, &staged.network, Role::Root)?;
    old.wait_for_ssh(BOOT)?;
    let elsewhere = staged.job.elsewhere();
    let (_, said) = staged.order(&elsewhere, "status", &[])?.wait(PUSH)?;
    ensure!(said.contains("armed: the next boot jumps"), "{said}");
    let job = staged.job.file().display().to_string();
    let push = staged.order(&elsewhere, "push", &["--yes", "--job", &job]);
    let (ended, said) = push?.wait(PUSH)?;
    ensure!(ended.code() == Some(3), "fault 42: {ended}\n{said}");
    for wanted in [
        "[jump-in-progress]",
        &staged.plan.run,
        "under way on this node, by ",
    ] {
        ensure!(said.contains(wanted), "fault 42: no {wanted:?} in:\n{said}");
    }
    let (ended, said) = staged.order(&elsewhere, "abort", &["--yes"])?.wait(PUSH)?;
    ensure!(ended.success(), "{ended}\n{said}");
    let (ended, said) = staged.order(&elsewhere, "abort", &["--yes"])?.wait(PUSH)?;
    ensure!(
        ended.success() && said.contains("no run is under way"),
        "{said}"
    );
    staged.is_as_before(old)?;
    staged.network.remove()
}

pub(crate) fn abort_proving() -> Result<()> {
    let more = "[prove]\nadmin_login = true\n[wait]\nprove = \"10min\"\n";
    let staged = Staged::new("uml-turn-back", more)?;
    staged.push.hold(true)?;
    staged.select(State::Once)?;
    let jump = staged.start(Role::Swap)?;
    until("the jump system waits for its admin", WORK, || {
        Ok(std::fs::read_to_string(jump.console_log())?.contains(WAITING))
    })?;
    refuses_what_is_not_meant_for_it(&staged)?;
    let mut abort = staged.order(&staged.job, "abort", &["--yes"])?;
    jump.wait_for_end(WORK)?;
    staged.select(State::Old)?;
    let mut old = Uml::start(&staged.node, &staged.network, Role::Root)?;
    old.wait_for_ssh(BOOT)?;
    let (ended, said) = abort.wait(PUSH)?;
    ensure!(ended.success(), "{ended}\n{said}");
    staged.is_as_before(old)?;
    staged.network.remove()
}

/// Faults 40 and 42: a login without the secret confirms nothing, and orders of another run or at
/// the wrong stage change nothing.
fn refuses_what_is_not_meant_for_it(staged: &Staged) -> Result<()> {
    let run = &staged.plan.run;
    let orders = [
        (
            "echo wrong | /etc/rc.local hello".to_owned(),
            NodeExit::Failed,
        ),
        (
            "/etc/rc.local resume --run ffff".to_owned(),
            NodeExit::OtherRun,
        ),
        (
            "/etc/rc.local turn-back --run ffff".to_owned(),
            NodeExit::OtherRun,
        ),
        (
            format!("/etc/rc.local resume --run {run}"),
            NodeExit::WrongStage,
        ),
        (format!("[ -e /{} ]", places::ADMIN), NodeExit::Failed),
    ];
    for (order, expected) in orders {
        let mut ssh = staged.network.command("ssh");
        let keys = staged.job.run_dir(run).join("known_hosts");
        ssh.arg("-F")
            .arg(staged.node.folder.join("ssh_config"))
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", keys.display()))
            .args(["-o", &format!("HostKeyAlias=jump-{run}"), NODE, "--"])
            .arg(&order);
        let output = ssh.output()?;
        ensure!(
            output.status.code().and_then(NodeExit::of) == Some(expected),
            "{order}: not {expected:?}: {output:?}"
        );
    }
    Ok(())
}

/// The admin's hook fails; first the same plan is tried again, then a job without the hook.
pub(crate) fn resume_by_another_job() -> Result<()> {
    let hook = tempfile::NamedTempFile::new()?;
    std::fs::write(
        &hook,
        format!("#!/bin/sh\necho '{COMPLAINT}' >&2\nexit 3\n"),
    )?;
    let hooks = format!("[hooks]\nrestored = '{}'\n", hook.path().display());
    let mut staged = Staged::new("uml-resume", &hooks)?;
    staged.select(State::Once)?;
    let jump = Uml::start(&staged.node, &staged.network, Role::Swap)?;
    let (ended, said) = staged.push.wait(WORK)?;
    ensure!(
        ended.code() == Some(1) && said.contains("stuck-in-jump"),
        "{said}"
    );
    let mut again = staged.order(&staged.job, "resume", &[])?;
    jump.wait_for_end(WORK)?;
    staged.select(State::Jump)?;
    let jump = Uml::start(&staged.node, &staged.network, Role::Swap)?;
    let (ended, said) = again.wait(WORK)?;
    ensure!(
        ended.code() == Some(1) && said.contains(COMPLAINT),
        "{said}"
    );

    let job = std::fs::read_to_string(staged.job.file())?;
    std::fs::write(staged.job.file(), job.replace(&hooks, ""))?;
    let file = staged.job.file().display().to_string();
    let mut resume = staged.order(&staged.job, "resume", &["--yes", "--job", &file])?;
    jump.wait_for_end(WORK)?;
    staged.select(State::Jump)?;
    staged.start(Role::Swap)?.wait_for_end(WORK)?;
    staged.select(State::Try(TRIES))?;
    let mut new = Uml::start(&staged.node, &staged.network, Role::Root)?;
    new.wait_for_ssh(BOOT)?;
    let (ended, said) = resume.wait(PUSH)?;
    ensure!(ended.success(), "{ended}\n{said}");
    journey::check(&staged.before, staged.node.table, &new)?;
    new.power_off(BOOT)?;
    staged.network.remove()
}
