//! A jump system that cannot prove itself: the old system comes back, says why, and is made as it
//! was.

use std::path::Path;

use anyhow::{Result, ensure};
use jumpspec::selector::State;
use xtask::journey::{BOOT, Portrait};
use xtask::run;
use xtask::vm::{Role, STATIC_ADDRESS, Uml};

use crate::staged::{HEAD, PUSH, Staged, WORK};
use jump_tests::machines::disk;

/// The jump system comes up with another network than the node's.
pub(crate) fn no_network() -> Result<()> {
    let mut staged = Staged::new("uml-fallback", "[wait]\nprove = \"15s\"\n")?;
    staged.select(State::Once)?;
    disk::with_mounted(&staged.node, Role::Swap, forget_network)?;
    staged.start(Role::Swap)?.wait_for_end(WORK)?;
    staged.select(State::Old)?;

    // Held, it cannot take back what is to be looked at first.
    staged.push.hold(true)?;
    let mut old = Uml::start(&staged.node, &staged.network, Role::Root)?;
    old.wait_for_ssh(BOOT)?;
    let status = staged.job.status(old.ssh_config());
    let status = run::capture(&mut staged.network.inside(&status))?;
    let (address, _) = STATIC_ADDRESS.split_once('/').unwrap_or_default();
    for wanted in [r#""system":"old""#, address] {
        ensure!(status.contains(wanted), "no {wanted} in {status}");
    }
    staged.push.hold(false)?;
    let (ended, said) = staged.push.wait(PUSH)?;
    ensure!(ended.code() == Some(1), "{ended}\n{said}");
    for wanted in ["is its old system again", address] {
        ensure!(said.contains(wanted), "no {wanted} in:\n{said}");
    }
    let (before, after) = (&staged.before, Portrait::take(&old)?);
    ensure!(before == &after, "it was {before:#?}\nit is {after:#?}");
    old.power_off(BOOT)?;
    let head = disk::sectors(&staged.node, 0, HEAD)?;
    ensure!(
        head == staged.head,
        "the sectors before the first partition are not what they were"
    );
    staged.network.remove()
}

/// Leaves the image's own settings: DHCP, which nobody answers here.
fn forget_network(landing: &Path) -> Result<()> {
    for entry in std::fs::read_dir(landing.join("etc/systemd/network"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("10-") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
