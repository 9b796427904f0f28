//! A jump system that cannot boot, or hangs: the old system starts again, and jumpimg makes that as it
//! was.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumplab::journey::{BOOT, Job, Portrait, Push};
use jumplab::run;
use jumplab::vm::{Hardware, Machine, Node, Role, Table, Victim};
use jumpspec::job::Wait;
use jumpspec::step::Step;

use jump_tests::machines::{disk, sabotage};

/// From the first look at the node to its reboot, on a busy machine.
const STAGE: Duration = Duration::from_mins(15);
/// From the old system's return to the end of the take-back.
const TAKE_BACK: Duration = Duration::from_mins(5);
/// The kernel's own watchdog, below a folder for its release.
const SOFTDOG: &str = "kernel/drivers/watchdog/softdog.ko";

/// Waits in shell until a watchdog of the machine runs.
const ARMED: &str = "until read -r state </sys/class/watchdog/watchdog0/state \
    && [ \"$state\" = active ]; do sleep 0.1; done";

/// A node that has gone down for its jump, with the push that waits for it.
struct Armed {
    node: Node,
    hardware: Hardware,
    job: Job,
    push: Push,
    before: Portrait,
    old_sector: Vec<u8>,
}

/// The kernel goes while the node is between two boots.
pub(crate) fn kernel_missing() -> Result<()> {
    let armed = Armed::prepare("fallback", Hardware::default())?;
    disk::with_mounted(&armed.node, Role::Swap, remove_kernel)?;
    armed.comes_back()
}

/// Row 9 of the fault matrix, with a watchdog of the machine's.
pub(crate) fn jumpinit_hangs() -> Result<()> {
    let hardware = Hardware {
        watchdog: true,
        ..Hardware::default()
    };
    let armed = Armed::prepare("watchdog", hardware)?;
    disk::with_mounted(&armed.node, Role::Swap, |landing| {
        // It waits for an admin host that never comes, and longer than the watchdog does.
        sabotage::plan(landing, |plan| {
            plan.wait.prove = Wait(BOOT);
            plan.steps.prove.insert(0, Step::ProveAdmin);
        })?;
        remove_softdog(landing)?;
        sabotage::unit(landing, &format!("{ARMED}\n{}", sabotage::signal("STOP")))
    })?;
    armed.comes_back()
}

impl Armed {
    fn prepare(name: &str, hardware: Hardware) -> Result<Self> {
        let node = Victim::prepare(Table::Mbr)?.copy(name)?;
        let mut stops_at_reboot = hardware.clone();
        stops_at_reboot.more.push("-no-reboot".to_owned());
        let mut machine = Machine::start(&node, &stops_at_reboot)?;
        machine.wait_for_ssh(BOOT)?;
        let before = Portrait::take(&machine)?;
        let old_sector = disk::sectors(&node, 0, 1)?;
        let job = Job::write(&node.folder, Table::Mbr)?;
        let push = job.push(machine.ssh_config(), &["--yes"]);
        let push = Push::start(push, &node.folder.join("push.log"))?;
        machine.wait_for_end(STAGE)?;
        ensure!(
            disk::sectors(&node, 0, 1)? != old_sector,
            "the node went down without being armed: {}",
            push.said()?
        );
        // Held, it cannot take back what is to be looked at first.
        push.hold(true)?;
        Ok(Self {
            node,
            hardware,
            job,
            push,
            before,
            old_sector,
        })
    }

    /// The next system that answers is the old one, and the push makes it as it was.
    fn comes_back(mut self) -> Result<()> {
        let mut machine = Machine::start(&self.node, &self.hardware)?;
        machine.wait_for_ssh(BOOT)?;
        // A machine that is translated may still be too busy with its boot for a whole conversation.
        let mut status = String::new();
        machine.wait_for("jumpimg status answers", BOOT, |machine| {
            let said = run::capture(&mut self.job.status(machine.ssh_config()));
            status = said.unwrap_or_default();
            Ok(!status.is_empty())
        })?;
        ensure!(status.contains(r#""system":"old""#), "{status}");
        ensure!(status.contains(r#""selector_state":"old""#), "{status}");
        self.push.hold(false)?;
        let (ended, said) = self.push.wait(TAKE_BACK)?;
        ensure!(ended.code() == Some(1), "{ended}\n{said}");
        ensure!(said.contains("is its old system again"), "{said}");

        let (before, after) = (&self.before, &Portrait::take(&machine)?);
        ensure!(before == after, "it was {before:#?}\nit is {after:#?}");
        machine.power_off(BOOT)?;
        ensure!(
            disk::sectors(&self.node, 0, 1)? == self.old_sector,
            "the boot sector is not what it was"
        );
        Ok(())
    }
}

fn remove_kernel(landing: &Path) -> Result<()> {
    for entry in std::fs::read_dir(landing.join("boot"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("vmlinuz") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// So that only the machine's own watchdog is left.
fn remove_softdog(landing: &Path) -> Result<()> {
    for entry in std::fs::read_dir(landing.join("usr/lib/modules"))? {
        let module = entry?.path().join(SOFTDOG);
        std::fs::remove_file(&module)
            .with_context(|| format!("cannot remove {}", module.display()))?;
    }
    Ok(())
}
