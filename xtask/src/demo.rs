//! The whole journey on a virtual machine: Debian 12 becomes Debian 13, and is still itself.

use anyhow::Result;
use jumplab::dist;
use jumplab::journey::{self, BOOT, Job, Portrait};
use jumplab::vm::{Hardware, Machine, Table, Victim};
use jumplab::{images, packages, run, workspace};

use crate::timeline::Timeline;
use crate::vm;

/// The last line of a demo that went well.
const VERDICT: &str = "demo: Debian 12 -> Debian 13, same host name, same host keys, same accounts, /data untouched, swap back: ok";

/// Runs the demo. With `keep` the machine stays up, also after a failure.
pub(crate) fn demo(keep: bool) -> Result<()> {
    let mut timeline = Timeline::new("demo");
    let result = prepare(&mut timeline).and_then(|mut machine| {
        let outcome = journey(&mut timeline, &mut machine);
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
fn prepare(timeline: &mut Timeline) -> Result<Machine> {
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
    timeline.stage("start the old system", || {
        let mut machine = Machine::start(&victim.copy("demo")?, &Hardware::default())?;
        machine.wait_for_ssh(BOOT)?;
        Ok(machine)
    })
}

/// The jump itself, and what is left of the node afterwards.
fn journey(timeline: &mut Timeline, machine: &mut Machine) -> Result<()> {
    let before = timeline.stage("look at the old system", || Portrait::take(machine))?;
    let job = Job::write(&workspace::target("demo"), Table::Mbr)?;
    timeline.stage("jumpimg push", || {
        run::show(&mut job.push(machine.ssh_config(), &["--yes"]))
    })?;
    timeline.stage("log in to the new system", || machine.wait_for_ssh(BOOT))?;
    timeline.stage("check the new system", || {
        journey::check(&before, machine)?;
        journey::check_reboots(machine)
    })
}
