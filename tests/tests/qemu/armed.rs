//! A node between two boots: a push has armed it, it has gone down, and the next boot is the jump
//! system's. The journey passes by there; others begin with a copy.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use anyhow::{Result, ensure};
use jumplab::journey::{BOOT, Job, Portrait, Push};
use jumplab::vm::{Hardware, Machine, Node, Table, Victim};

use jump_tests::machines::disk;

/// From the first look at the node to its reboot, on a busy machine.
const STAGE: Duration = Duration::from_mins(15);

/// The copy that a journey has left, if one was under way in this run.
static LEFT: Mutex<Option<Armed>> = Mutex::new(None);

/// The node, and what the admin's host keeps of the run.
#[derive(Clone)]
pub(crate) struct Armed {
    pub(crate) node: Node,
    pub(crate) job: Job,
    /// The node as it was.
    pub(crate) before: Portrait,
    pub(crate) old_sector: Vec<u8>,
    /// When it went down: its clock goes on from there.
    pub(crate) since: SystemTime,
}

/// A machine that stands still between the two boots, with the push that waits for it.
pub(crate) struct Down {
    pub(crate) machine: Machine,
    pub(crate) push: Push,
    pub(crate) armed: Armed,
}

impl Down {
    /// Starts the node, pushes to it, and waits until it has gone down; `look` looks at it first.
    pub(crate) fn reach(
        node: &Node,
        hardware: Hardware,
        look: impl FnOnce(&Machine, &Job) -> Result<()>,
    ) -> Result<Self> {
        let old_sector = disk::sectors(node, 0, 1)?;
        let stops = Hardware {
            stops_at_reboot: true,
            ..hardware
        };
        let mut machine = Machine::start(node, &stops)?;
        machine.wait_for_ssh(BOOT)?;
        let before = Portrait::take(&machine)?;
        let job = Job::write(&node.folder, node.table)?;
        look(&machine, &job)?;
        let push = job.push(machine.ssh_config(), &["--yes"]);
        let push = Push::start(push, &node.folder.join("push.log"))?;
        machine.wait_for_reboot(STAGE)?;
        ensure!(
            disk::sectors(node, 0, 1)? != old_sector,
            "the node went down without being armed: {}",
            push.said()?
        );
        let armed = Armed {
            node: node.clone(),
            job,
            before,
            old_sector,
            since: SystemTime::now(),
        };
        Ok(Self {
            machine,
            push,
            armed,
        })
    }

    /// Leaves a copy for others.
    pub(crate) fn leave_copy(&self) -> Result<()> {
        let copy = self.armed.copy("armed")?;
        *LEFT.lock().expect("no test panics with it") = Some(copy);
        Ok(())
    }
}

impl Armed {
    /// A copy of the one that was left, or else of one that is made for it.
    pub(crate) fn prepare(name: &str) -> Result<Self> {
        let mut left = LEFT.lock().expect("no test panics with it");
        let armed = if let Some(armed) = left.take() {
            armed
        } else {
            let node = Victim::prepare(Table::Mbr)?.copy("armed")?;
            let down = Down::reach(&node, Hardware::default(), |_, _| Ok(()))?;
            // The admin's host hears no more of it.
            down.push.end()?;
            down.machine.kill()?;
            down.armed
        };
        left.insert(armed).copy(name)
    }

    fn copy(&self, name: &str) -> Result<Self> {
        let node = self.node.copy(name)?;
        let job = Job::write(&node.folder, node.table)?;
        self.job.tell(&job)?;
        Ok(Self {
            node,
            job,
            ..self.clone()
        })
    }
}
