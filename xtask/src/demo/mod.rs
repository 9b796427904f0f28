//! The whole journey on a virtual machine: Debian 12 becomes Debian 13, and is still itself.

mod checks;
mod portrait;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::dist::{self, Dist};
use crate::timeline::Timeline;
use crate::vm::{self, Hardware, Machine, NODE, Table, Victim};
use crate::{images, packages, run, workspace};
use portrait::Portrait;

/// How long the old system may take from power-on to SSH, under translation on a busy machine.
const BOOT: Duration = Duration::from_mins(10);
/// The job that is pushed.
const JOB: &str = include_str!("../demo_job.toml");
/// The last line of a demo that went well.
const VERDICT: &str = "demo: Debian 12 -> Debian 13, same host name, same host keys, same accounts, /data untouched, swap back: ok";

/// Runs the demo. With `keep` the machine stays up, also after a failure.
pub fn demo(keep: bool) -> Result<()> {
    let mut timeline = Timeline::new("demo");
    let result = prepare(&mut timeline).and_then(|(dist, mut machine)| {
        let outcome = journey(&mut timeline, &dist, &mut machine);
        let log = workspace::shown(machine.serial_log());
        if keep {
            vm::say_how_to_log_in(machine);
        } else {
            machine.kill()?;
        }
        println!("serial log: {log}");
        outcome
    });
    println!("\n{}", timeline.table());
    result?;
    println!("{VERDICT}");
    Ok(())
}

/// Everything up to a running Debian 12.
fn prepare(timeline: &mut Timeline) -> Result<(Dist, Machine)> {
    timeline.stage("install what is missing", || {
        let needed = [packages::VM, packages::GOLDEN, packages::MUSL].concat();
        packages::ensure(&needed)
    })?;
    let dist = timeline.stage("build jumpimg and jumpinit", dist::build)?;
    timeline.stage("build the jump system's image", || {
        images::build(images::JUMP, &dist)
    })?;
    timeline.stage("build the new system's image", || {
        images::build(images::NODE, &dist)
    })?;
    let victim = timeline.stage("make the old system's disk", || Victim::prepare(Table::Mbr))?;
    let machine = timeline.stage("start the old system", || {
        let mut machine = Machine::start(&victim.copy("demo")?, &Hardware::default())?;
        machine.wait_for_ssh(BOOT)?;
        Ok(machine)
    })?;
    Ok((dist, machine))
}

/// The jump itself, and what is left of the node afterwards.
fn journey(timeline: &mut Timeline, dist: &Dist, machine: &mut Machine) -> Result<()> {
    let before = timeline.stage("look at the old system", || Portrait::take(machine))?;
    let job = write_job()?;
    timeline.stage("jumpimg push", || push(dist, &job, machine))?;
    timeline.stage("log in to the new system", || machine.wait_for_ssh(BOOT))?;
    timeline.stage("check the new system", || checks::check(&before, machine))
}

fn push(dist: &Dist, job: &Path, machine: &Machine) -> Result<()> {
    let mut push = run::command(&dist.jumpimg, ["push", "--job"]);
    push.arg(job)
        .arg("--ssh-config")
        .arg(machine.ssh_config())
        .args(["--yes", NODE]);
    run::show(&mut push)
}

fn write_job() -> Result<PathBuf> {
    let folder = workspace::target("demo");
    std::fs::create_dir_all(&folder)?;
    let job = folder.join("job.toml");
    std::fs::write(&job, JOB).with_context(|| format!("cannot write {}", job.display()))?;
    Ok(job)
}
