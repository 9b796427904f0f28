//! `cargo xtask vm`: starts the victim for use by hand.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use jumplab::vm::{Firmware, Machine, NODE, Node};
use jumplab::{run, workspace};

use crate::machinery::Machinery;

/// Which victim, and on what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    machinery: Machinery,
    /// With the disk of an earlier start, as that left it
    #[arg(long)]
    again: bool,
}

/// Starts the victim, tells how to log in, and leaves it running.
pub(crate) fn by_hand(options: &Options) -> Result<()> {
    let mut machine = Machine::start(&node(options)?, &options.machinery.hardware())?;
    let waited = machine.wait_for_ssh(Duration::from_mins(10))?;
    eprintln!("vm: {NODE} answers SSH after {} s", waited.as_secs());
    say_how_to_log_in(machine);
    Ok(())
}

fn node(options: &Options) -> Result<Node> {
    let victim = options.machinery.victim()?;
    let secure = match victim.firmware {
        Firmware::SecureBoot => "-secure",
        Firmware::Bios | Firmware::Uefi => "",
    };
    let name = format!("hand-{}{secure}", victim.table.name());
    if !options.again {
        return victim.copy(&name);
    }
    let node = victim.reuse(&name);
    if !node.disk.exists() {
        bail!("there was no earlier start\nhint: leave --again out");
    }
    Ok(node)
}

/// Lets `machine` run on and prints how to reach and end it.
pub(crate) fn say_how_to_log_in(machine: Machine) {
    let mut ssh = run::command("ssh", ["-F"]);
    println!(
        "log in:     {}",
        run::line(ssh.arg(machine.ssh_config()).arg(NODE))
    );
    println!("serial log: {}", workspace::shown(machine.serial_log()));
    if let Some(id) = machine.leave_running() {
        println!("end it:     kill {id}");
    }
}
