//! Rehearsals in memory: kexec starts the jump system, the machine is reset, and the disk is what it was.

use std::time::Duration;

use anyhow::{Result, ensure};
use jumplab::journey::{BOOT, Job, Portrait, Push};
use jumplab::run;
use jumplab::vm::{Guest as _, Hardware, Machine, Node, Role, Table, Victim};
use jumpspec::words::digest::Digest;

use jump_tests::machines::disk;

/// From the first look at the node until it is back, on a busy machine.
const REHEARSAL: Duration = Duration::from_mins(30);
/// Sectors in front of the first partition: the table, and GRUB's core image.
const BOOT_AREA: u64 = 2048;
/// Sectors of a swap area's first page, which has its signature.
const PAGE: u64 = 8;

/// It proves itself, comes back, and nothing outside of file systems has changed.
pub(crate) fn rehearse() -> Result<()> {
    let node = Victim::prepare(Table::Mbr)?.copy("in-memory")?;
    let mut lab = Lab::start(&node, &Hardware::default())?;
    lab.ensure_refused_without_a_word_on_watchdogs()?;
    let (ended, said) = lab.rehearse(&["--without-watchdog"])?;
    ensure!(ended, "{said}");
    for proved in [
        "the disks are the planned ones",
        "the network is up",
        "sshd answers",
        "the admin host logs in",
    ] {
        ensure!(said.contains(proved), "{proved:?} was not proved: {said}");
    }
    ensure!(said.contains("firmware, loader and boot order"), "{said}");
    lab.ensure_as_before()
}

/// A node, its job, and what is to be the same afterwards.
struct Lab {
    node: Node,
    job: Job,
    machine: Machine,
    before: Portrait,
    sectors: Vec<Digest>,
}

impl Lab {
    fn start(node: &Node, hardware: &Hardware) -> Result<Self> {
        let sectors = sectors(node)?;
        let mut machine = Machine::start(node, hardware)?;
        machine.wait_for_ssh(BOOT)?;
        let before = Portrait::take(&machine)?;
        let job = Job::write(&node.folder, node.table)?;
        Ok(Self {
            node: node.clone(),
            job,
            machine,
            before,
            sectors,
        })
    }

    /// QEMU's machine has no watchdog unless it is asked for.
    fn ensure_refused_without_a_word_on_watchdogs(&self) -> Result<()> {
        let mut push = self
            .job
            .push(self.machine.ssh_config(), &["--yes", "--rehearse=ram"]);
        let refused = push.output()?;
        let said = String::from_utf8_lossy(&refused.stderr);
        ensure!(
            refused.status.code() == Some(3),
            "{}: {said}",
            refused.status
        );
        ensure!(said.contains("[watchdog-missing]"), "{said}");
        Ok(())
    }

    /// Whether it ended well, and what was said.
    fn rehearse(&mut self, more: &[&str]) -> Result<(bool, String)> {
        let mut options = vec!["--yes", "--rehearse=ram"];
        options.extend(more);
        let push = self.job.push(self.machine.ssh_config(), &options);
        let mut push = Push::start(push, &self.node.folder.join("push.log"))?;
        let (ended, said) = push.wait(REHEARSAL)?;
        println!("{said}");
        Ok((ended.success(), said))
    }

    /// The old system runs, knows of no run, and its disk is what it was.
    fn ensure_as_before(mut self) -> Result<()> {
        self.machine.wait_for_ssh(BOOT)?;
        let after = Portrait::take(&self.machine)?;
        ensure!(
            self.before == after,
            "it was {:#?}\nit is {after:#?}",
            self.before
        );
        let status = run::capture(&mut self.job.status(self.machine.ssh_config()))?;
        ensure!(status.contains(r#""system":"none""#), "{status}");
        let left = self
            .machine
            .ssh("ls -d /dev/shm/jump-* /run/jump-* 2>/dev/null; true")?;
        ensure!(left.trim().is_empty(), "it has left {left}");
        let node = self.node.clone();
        self.machine.power_off(BOOT)?;
        ensure!(
            sectors(&node)? == self.sectors,
            "what lies outside of file systems has changed"
        );
        Ok(())
    }
}

/// What no file system writes to: table and loader, and the swap's signature.
fn sectors(node: &Node) -> Result<Vec<Digest>> {
    let swap = disk::place(node, Role::Swap)?.start / 512;
    [(0, BOOT_AREA), (swap, PAGE)]
        .into_iter()
        .map(|(first, count)| Ok(Digest::of(&disk::sectors(node, first, count)?)))
        .collect()
}
