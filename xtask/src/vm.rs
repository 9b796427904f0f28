//! `cargo xtask vm`: starts the victim for use by hand.

use std::time::Duration;

use anyhow::{Result, bail};
use jumplab::vm::{Hardware, Machine, NODE, Table, Victim};
use jumplab::{run, workspace};

/// Starts the victim, tells how to log in, and leaves it running.
pub(crate) fn by_hand(table: Table, again: bool) -> Result<()> {
    let victim = Victim::prepare(table)?;
    let name = format!("hand-{}", table.name());
    let node = if again {
        victim.reuse(&name)
    } else {
        victim.copy(&name)?
    };
    if !node.disk.exists() {
        bail!("there was no earlier start\nhint: leave --again out");
    }
    let mut machine = Machine::start(&node, &Hardware::default())?;
    let waited = machine.wait_for_ssh(Duration::from_mins(10))?;
    eprintln!("vm: {NODE} answers SSH after {} s", waited.as_secs());
    say_how_to_log_in(machine);
    Ok(())
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
