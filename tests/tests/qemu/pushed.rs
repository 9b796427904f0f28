//! A push of a whole journey, which may be cut off.

use std::time::Duration;

use anyhow::{Result, ensure};
use jumplab::journey::{self, BOOT, Job, Portrait, Push};
use jumplab::vm::{Firmware, Hardware, Machine, Node, until};

/// From the start of a push to its end, on a busy machine.
const PUSH: Duration = Duration::from_mins(45);
/// What a push says when there is no way back any more; its plan has the bare words.
const REPLACING: &str = "ok  commit: jump is the default now";
/// What it says when a jump system did not take the image, as one may that lies in memory and loses power.
const NOT_SENT: &str = "the target image was not sent";

/// A push that is under way.
pub(crate) struct Pushed {
    node: Node,
    hardware: Hardware,
    machine: Machine,
    push: Push,
    before: Portrait,
}

impl Pushed {
    /// Starts the node and pushes its table's job to it, changed so.
    pub(crate) fn begin(
        node: &Node,
        hardware: &Hardware,
        change: impl FnOnce(&Job) -> Result<()>,
    ) -> Result<Self> {
        let mut machine = Machine::start(node, hardware)?;
        machine.wait_for_ssh(BOOT)?;
        let before = Portrait::take(&machine)?;
        let job = Job::write(&node.folder, node.table)?;
        change(&job)?;
        let push = job.push(machine.ssh_config(), &["--yes"]);
        let push = Push::start(push, &node.folder.join("push.log"))?;
        Ok(Self {
            node: node.clone(),
            hardware: hardware.clone(),
            machine,
            push,
            before,
        })
    }

    /// The power is cut when the old system is gone, and the push follows on.
    pub(crate) fn end_after_cut(mut self) -> Result<()> {
        self.wait_until_said(REPLACING)?;
        println!("power cut in the replacement");
        self.machine.kill()?;
        self.machine = Machine::start(&self.node, &self.hardware)?;
        self.finish().map(drop)
    }

    fn wait_until_said(&self, words: &str) -> Result<()> {
        let what = format!("the push says {words:?}");
        until(&what, PUSH, || Ok(self.push.said()?.contains(words))).map(drop)
    }

    /// The push ends well, and the new system is the node that it was.
    pub(crate) fn end(self) -> Result<()> {
        let said = self.finish()?;
        ensure!(!said.contains(NOT_SENT), "it was sent in vain");
        Ok(())
    }

    /// What the push has said.
    fn finish(mut self) -> Result<String> {
        let (ended, said) = self.push.wait(PUSH)?;
        println!("{said}");
        ensure!(ended.success(), "{ended}");
        self.machine.wait_for_ssh(BOOT)?;
        journey::check(&self.before, self.node.table, &self.machine)?;
        if self.node.firmware != Firmware::Bios {
            journey::check_firmware(&self.machine)?;
        }
        journey::check_reboots(&self.machine)?;
        self.machine.kill()?;
        Ok(said)
    }
}
