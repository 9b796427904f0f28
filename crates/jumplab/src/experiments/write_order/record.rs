//! Records a journey: every write and flush of the node's disk, from the start of the old system to
//! the end of the new one's first boot.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Result;

use crate::dist;
use crate::images;
use crate::journey::{self, BOOT, Job, Portrait};
use crate::run;
use crate::vm::{Hardware, Machine, Node, Table, Victim};

/// The log's name beside the node's disk.
const LOG: &str = "writes.log";

/// A journey's writes, and the disk that they were made to.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The disk as it was at the start.
    pub start: PathBuf,
    /// The writes: QEMU's blklogwrites.
    pub log: PathBuf,
    /// The node, whose disk is as the journey left it.
    pub node: Node,
}

impl Recording {
    /// A copy of the victim that is to be recorded; [`Recording::hardware`] does.
    pub fn prepare(victim: &Victim, name: &str) -> Result<Self> {
        let recording = Self::of(victim, victim.copy(name)?);
        File::create(&recording.log)?;
        Ok(recording)
    }

    /// The one that an earlier [`Recording::prepare`] made.
    pub fn reuse(victim: &Victim, name: &str) -> Self {
        Self::of(victim, victim.reuse(name))
    }

    /// Removes the log, which is large.
    pub fn remove(self) -> Result<()> {
        Ok(std::fs::remove_file(&self.log)?)
    }

    fn of(victim: &Victim, node: Node) -> Self {
        Self {
            start: victim.disk.clone(),
            log: node.folder.join(LOG),
            node,
        }
    }

    /// The machine that records.
    pub fn hardware(&self) -> Hardware {
        Hardware {
            record: Some(self.log.clone()),
            ..Hardware::default()
        }
    }
}

/// Replaces a Debian 12 by a Debian 13, and records it.
pub(super) fn journey(name: &str) -> Result<Recording> {
    images::build_all(&dist::build()?)?;
    let recording = Recording::prepare(&Victim::prepare(Table::Mbr)?, name)?;
    let mut machine = Machine::start(&recording.node, &recording.hardware())?;
    machine.wait_for_ssh(BOOT)?;
    let before = Portrait::take(&machine)?;
    let job = Job::write(&recording.node.folder, Table::Mbr)?;
    run::show(&mut job.push(machine.ssh_config(), &["--yes"]))?;
    machine.wait_for_ssh(BOOT)?;
    journey::check(&before, recording.node.table, &machine)?;
    machine.kill()?;
    Ok(recording)
}
