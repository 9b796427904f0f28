//! A jump system that cannot boot, or hangs: the old system starts again, and jumpimg makes that as it
//! was. That a push which waits does so by itself is tried in user-mode Linux.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumplab::journey::{BOOT, Portrait, Push};
use jumplab::vm::{Hardware, Machine, Role};
use jumpspec::job::Wait;
use jumpspec::step::Step;

use jump_tests::machines::{disk, sabotage};

use crate::armed::Armed;
use crate::{one_processor, status};

/// What an abort may take.
const TAKE_BACK: Duration = Duration::from_mins(5);
/// The kernel's own watchdog, below a folder for its release.
const SOFTDOG: &str = "kernel/drivers/watchdog/softdog.ko";

/// Waits in shell until a watchdog of the machine runs.
const ARMED: &str = "until read -r state </sys/class/watchdog/watchdog0/state \
    && [ \"$state\" = active ]; do sleep 0.1; done";

/// The kernel goes while the node is between two boots.
pub(crate) fn kernel_missing() -> Result<()> {
    let armed = Armed::prepare("fallback")?;
    disk::with_mounted(&armed.node, Role::Swap, remove_kernel)?;
    comes_back(&armed, one_processor())
}

/// Row 9 of the fault matrix, with a watchdog of the machine's.
pub(crate) fn jumpinit_hangs() -> Result<()> {
    let armed = Armed::prepare("watchdog")?;
    disk::with_mounted(&armed.node, Role::Swap, |landing| {
        // It waits for an admin host that never comes, and longer than the watchdog does.
        sabotage::plan(landing, |plan| {
            plan.wait.prove = Wait(BOOT);
            plan.steps.prove.insert(0, Step::ProveAdmin);
        })?;
        remove_softdog(landing)?;
        sabotage::unit(landing, &format!("{ARMED}\n{}", sabotage::signal("STOP")))
    })?;
    let hardware = Hardware {
        watchdog: true,
        ..one_processor()
    };
    comes_back(&armed, hardware)
}

/// The next system that answers is the old one, and `jumpimg abort` makes it as it was.
fn comes_back(armed: &Armed, hardware: Hardware) -> Result<()> {
    let hardware = Hardware {
        clock: Some(armed.since),
        ..hardware
    };
    let mut machine = Machine::start(&armed.node, &hardware)?;
    machine.wait_for_ssh(BOOT)?;
    let status = status(&mut machine, &armed.job)?;
    ensure!(status.contains(r#""system":"old""#), "{status}");
    ensure!(status.contains(r#""selector_state":"old""#), "{status}");
    let abort = armed.job.command("abort", machine.ssh_config(), &["--yes"]);
    let abort = Push::start(abort, &armed.node.folder.join("abort.log"));
    let (ended, said) = abort?.wait(TAKE_BACK)?;
    ensure!(ended.success(), "{ended}\n{said}");

    let (before, after) = (&armed.before, &Portrait::take(&machine)?);
    ensure!(before == after, "it was {before:#?}\nit is {after:#?}");
    machine.power_off(BOOT)?;
    ensure!(
        disk::sectors(&armed.node, 0, 1)? == armed.old_sector,
        "the boot sector is not what it was"
    );
    Ok(())
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
