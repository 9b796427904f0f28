//! A jump that cannot boot: the selector sees it and starts the old system, and jumpimg makes that
//! as it was.

use std::time::Duration;

use anyhow::{Result, ensure};
use xtask::journey::{BOOT, Job, Portrait};
use xtask::run;
use xtask::vm::{Hardware, Machine, Node, Role, Table, Victim};

use jump_tests::machines::{Push, disk};

/// From the first look at the node to its reboot, on a busy machine.
const STAGE: Duration = Duration::from_mins(15);
/// From the old system's return to the end of the take-back.
const TAKE_BACK: Duration = Duration::from_mins(5);

/// The kernel goes while the node is between two boots.
pub(crate) fn kernel_missing() -> Result<()> {
    let node = Victim::prepare(Table::Mbr)?.copy("fallback")?;
    let stops_at_reboot = Hardware {
        more: vec!["-no-reboot".to_owned()],
        ..Hardware::default()
    };
    let mut machine = Machine::start(&node, &stops_at_reboot)?;
    machine.wait_for_ssh(BOOT)?;
    let before = Portrait::take(&machine)?;
    let old_sector = disk::sectors(&node, 0, 1)?;
    let job = Job::write(&node.folder, Table::Mbr)?;
    let push = job.push(machine.ssh_config(), &["--yes"]);
    let mut push = Push::start(push, &node.folder.join("push.log"))?;
    machine.wait_for_end(STAGE)?;
    ensure!(
        disk::sectors(&node, 0, 1)? != old_sector,
        "the node went down without being armed: {}",
        push.said()?
    );
    // Held, it cannot take back what is to be looked at first.
    push.hold(true)?;
    remove_kernel(&node)?;

    let mut machine = Machine::start(&node, &Hardware::default())?;
    machine.wait_for_ssh(BOOT)?;
    let status = run::capture(&mut job.status(machine.ssh_config()))?;
    ensure!(status.contains(r#""system":"old""#), "{status}");
    ensure!(status.contains(r#""selector_state":"old""#), "{status}");
    push.hold(false)?;
    let (ended, said) = push.wait(TAKE_BACK)?;
    ensure!(ended.code() == Some(1), "{ended}\n{said}");
    ensure!(said.contains("is its old system again"), "{said}");

    let after = Portrait::take(&machine)?;
    ensure!(before == after, "it was {before:#?}\nit is {after:#?}");
    machine.power_off(BOOT)?;
    ensure!(
        disk::sectors(&node, 0, 1)? == old_sector,
        "the boot sector is not what it was"
    );
    Ok(())
}

fn remove_kernel(node: &Node) -> Result<()> {
    disk::with_mounted(node, Role::Swap, |landing| {
        for entry in std::fs::read_dir(landing.join("boot"))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("vmlinuz") {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    })
}
