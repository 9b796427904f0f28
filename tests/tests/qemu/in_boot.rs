//! A node that boots by a BIOS and whose jump system lies in memory.

use anyhow::Result;
use jumplab::journey::Job;
use jumplab::vm::{Hardware, Table, Victim};

use crate::pushed::Pushed;

/// It is booted from /boot, which the layout leaves as it is; the power is cut when the old system is
/// gone, and the push that follows sends the image again.
pub(crate) fn journey() -> Result<()> {
    let node = Victim::prepare(Table::Mbr)?.copy("mbr-in-memory")?;
    let lands = |job: &Job| {
        job.leave("/boot")?;
        job.set("landing", "partition", "boot")
    };
    Pushed::begin(&node, &Hardware::default(), lands)?.end_after_cut()
}
