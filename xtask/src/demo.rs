//! The whole journey on a virtual machine: Debian 12 becomes Debian 13, and is still itself.

use anyhow::Result;
use clap::Args;
use jumplab::dist;
use jumplab::journey::{self, BOOT, Job, Portrait};
use jumplab::vm::{Firmware, Machine, Node, Role};
use jumplab::{images, packages, run, workspace};

use crate::machinery::Machinery;
use crate::timeline::Timeline;
use crate::vm;

/// The last line of a demo that went well, on a node that lent its swap, or room, or nothing.
fn verdict(has_swap: bool, landing: Option<&str>) -> String {
    let borrowed = match landing {
        Some("esp") => "nothing borrowed",
        _ if has_swap => "swap back",
        _ => "free room free again",
    };
    format!(
        "demo: Debian 12 -> Debian 13, same host name, same host keys, same accounts, /data untouched, {borrowed}: ok"
    )
}

/// On what the demo runs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    machinery: Machinery,
    /// What the jump system lands on, as in a job
    #[arg(long, value_name = "PARTITION", value_parser = ["auto", "swap", "free", "esp"])]
    landing: Option<String>,
    /// Leave the machine up and tell how to log in
    #[arg(long)]
    keep: bool,
}

/// Runs the demo.
pub(crate) fn demo(options: &Options) -> Result<()> {
    let mut timeline = Timeline::new("demo");
    let result = prepare(&mut timeline, &options.machinery).and_then(|(node, mut machine)| {
        let landing = options.landing.as_deref();
        let outcome = journey(&mut timeline, &node, &mut machine, landing);
        let has_swap = node.table.partition(Role::Swap).is_some();
        let log = workspace::shown(machine.serial_log());
        if options.keep {
            vm::say_how_to_log_in(machine);
        } else {
            machine.kill()?;
        }
        println!("serial log: {log}");
        outcome.map(|()| verdict(has_swap, landing))
    });
    println!("\n{}", timeline.table());
    println!("{}", result?);
    Ok(())
}

/// Everything up to a running Debian 12.
fn prepare(timeline: &mut Timeline, machinery: &Machinery) -> Result<(Node, Machine)> {
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
    let victim = timeline.stage("make the old system's disk", || machinery.victim())?;
    timeline.stage("start the old system", || {
        let node = victim.copy("demo")?;
        let mut machine = Machine::start(&node, &machinery.hardware())?;
        machine.wait_for_ssh(BOOT)?;
        Ok((node, machine))
    })
}

/// The jump itself, and what is left of the node afterwards.
fn journey(
    timeline: &mut Timeline,
    node: &Node,
    machine: &mut Machine,
    landing: Option<&str>,
) -> Result<()> {
    let before = timeline.stage("look at the old system", || Portrait::take(machine))?;
    let job = Job::write(&workspace::target("demo"), node.table)?;
    if let Some(landing) = landing {
        job.set("landing", "partition", landing)?;
    }
    timeline.stage("jumpimg push", || {
        run::show(&mut job.push(machine.ssh_config(), &["--yes"]))
    })?;
    timeline.stage("log in to the new system", || machine.wait_for_ssh(BOOT))?;
    timeline.stage("check the new system", || {
        journey::check(&before, node.table, machine)?;
        if node.firmware != Firmware::Bios {
            journey::check_firmware(machine)?;
        }
        journey::check_reboots(machine)
    })
}
