//! Nodes that boot by a UEFI, by the whole journey: its firmware is OVMF.

use std::time::Duration;

use anyhow::{Result, ensure};
use jumplab::journey::{self, BOOT, Job, Portrait, Push};
use jumplab::vm::{Bus, Hardware, Machine, Node, Table, Victim, until};

/// From the start of a push to its end, on a busy machine.
const PUSH: Duration = Duration::from_mins(45);
/// What a push says when the old system is gone.
const REPLACING: &str = "unpack the new system";
/// What it says when a jump system did not take the image.
const NOT_SENT: &str = "the target image was not sent";

/// On an NVMe disk.
pub(crate) fn nvme() -> Result<()> {
    let node = Victim::prepare(Table::Efi)?.copy("uefi-nvme")?;
    let hardware = Hardware {
        bus: Bus::Nvme,
        ..Hardware::default()
    };
    Journey::begin(&node, &hardware, None)?.end()
}

/// Nothing starts that nobody signed.
pub(crate) fn secure_boot() -> Result<()> {
    let node = Victim::prepare(Table::Efi)?.secured();
    let node = node.copy("uefi-secure-boot")?;
    Journey::begin(&node, &Hardware::default(), None)?.end()
}

/// On a disk with sectors of 4096 bytes.
pub(crate) fn large_sectors() -> Result<()> {
    let node = Victim::prepare(Table::Efi4k)?.copy("uefi-4k")?;
    Journey::begin(&node, &Hardware::default(), None)?.end()
}

/// With a jump system in memory, and a power cut when the old one is gone: the push that follows sends the
/// image again.
pub(crate) fn in_memory() -> Result<()> {
    let node = Victim::prepare(Table::EfiWithoutSwap)?.copy("uefi-in-memory")?;
    let hardware = Hardware::default();
    let mut journey = Journey::begin(&node, &hardware, Some("esp"))?;
    journey.wait_until_said(REPLACING)?;
    println!("power cut in the replacement");
    journey.machine.kill()?;
    journey.machine = Machine::start(&node, &hardware)?;
    journey.end()
}

/// A push that is under way.
struct Journey {
    node: Node,
    machine: Machine,
    push: Push,
    before: Portrait,
    /// The image is sent to the jump system, and a power cut may be in between.
    is_in_memory: bool,
}

impl Journey {
    /// Starts the node and pushes to it.
    fn begin(node: &Node, hardware: &Hardware, landing: Option<&str>) -> Result<Self> {
        let mut machine = Machine::start(node, hardware)?;
        machine.wait_for_ssh(BOOT)?;
        let before = Portrait::take(&machine)?;
        let job = Job::write(&node.folder, node.table)?;
        if let Some(landing) = landing {
            job.set("landing", "partition", landing)?;
        }
        let push = job.push(machine.ssh_config(), &["--yes"]);
        let push = Push::start(push, &node.folder.join("push.log"))?;
        Ok(Self {
            node: node.clone(),
            machine,
            push,
            before,
            is_in_memory: landing.is_some(),
        })
    }

    fn wait_until_said(&self, words: &str) -> Result<()> {
        let what = format!("the push says {words:?}");
        until(&what, PUSH, || Ok(self.push.said()?.contains(words))).map(drop)
    }

    /// The push ends well, and the new system is the node that it was.
    fn end(mut self) -> Result<()> {
        let (ended, said) = self.push.wait(PUSH)?;
        println!("{said}");
        ensure!(ended.success(), "{ended}");
        let is_staged = !self.is_in_memory;
        ensure!(!(is_staged && said.contains(NOT_SENT)), "it lay staged");
        self.machine.wait_for_ssh(BOOT)?;
        journey::check(&self.before, self.node.table, &self.machine)?;
        journey::check_firmware(&self.machine)?;
        journey::check_reboots(&self.machine)?;
        self.machine.kill()
    }
}
