//! The whole journey by `jumpimg push`, with the checks that the demo makes.

use anyhow::Result;
use xtask::journey::{self, BOOT, Job, Portrait};
use xtask::run;
use xtask::vm::{Hardware, Machine, Table, Victim};

use crate::dry_run;

/// p1 /boot, p2 swap, p3 /, p4 /data; the selector lies in the MBR gap.
pub(crate) fn mbr() -> Result<()> {
    journey(Table::Mbr, "journey-mbr")
}

/// The selector lies in the BIOS boot partition.
pub(crate) fn gpt() -> Result<()> {
    journey(Table::Gpt, "journey-gpt")
}

fn journey(table: Table, name: &str) -> Result<()> {
    let node = Victim::prepare(table)?.copy(name)?;
    let mut machine = Machine::start(&node, &Hardware::default())?;
    machine.wait_for_ssh(BOOT)?;
    let before = Portrait::take(&machine)?;
    let job = Job::write(&node.folder, table)?;
    dry_run::changes_nothing(&node, &machine, &job)?;
    run::show(&mut job.push(machine.ssh_config(), &["--yes"]))?;
    machine.wait_for_ssh(BOOT)?;
    journey::check(&before, &machine)?;
    machine.kill()
}
