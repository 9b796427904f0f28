//! A new system that cannot be confirmed: the jump system comes back at once and says why.

use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use jumpspec::places;
use jumpspec::selector::{State, TRIES};
use xtask::run;
use xtask::vm::{Role, Uml};

use crate::staged::{PUSH, Staged, WORK};
use jump_tests::machines::disk;

/// The new system has this long; a boot that is sound takes less.
const HEALTH: &str = "[wait]\nhealth = \"60s\"\n";

/// `faults.md`, row 36: it is up, and nobody can log in.
pub(crate) fn row_36_without_sshd() -> Result<()> {
    let mask = |root: &Path| {
        for unit in ["ssh.service", "ssh.socket"] {
            let path = root.join("etc/systemd/system").join(unit);
            if path.symlink_metadata().is_ok() {
                std::fs::remove_file(&path)?;
            }
            symlink("/dev/null", path)?;
        }
        Ok(())
    };
    fails("uml-row-36", mask, "sshd does not answer")
}

/// `faults.md`, row 34: fstab names a file system that is not there.
pub(crate) fn row_34_emergency() -> Result<()> {
    let spoil = |root: &Path| {
        let path = root.join("etc/fstab");
        let mut fstab = std::fs::read_to_string(&path)?;
        fstab.push_str(
            "UUID=ffffffff-0000-4000-8000-000000000000 /srv ext4 x-systemd.device-timeout=5s 0 2\n",
        );
        Ok(std::fs::write(path, fstab)?)
    };
    fails("uml-row-34", spoil, "it was not confirmed when it had run")
}

fn fails(name: &str, spoil: impl FnOnce(&Path) -> Result<()>, reason: &str) -> Result<()> {
    let mut staged = Staged::new(name, HEALTH)?;
    staged.select(State::Once)?;
    staged.start(Role::Swap)?.wait_for_end(WORK)?;
    disk::with_mounted(&staged.node, Role::Root, spoil)?;
    staged.select(State::Try(TRIES))?;
    staged.start(Role::Root)?.wait_for_end(WORK)?;
    // It has not used up its tries: it gave them up.
    staged.select(State::Try(0))?;
    let jump = Uml::start(&staged.node, &staged.network, Role::Swap)?;
    let (ended, said) = staged.push.wait(PUSH)?;
    ensure!(ended.code() == Some(1), "{ended}\n{said}");
    let status = staged.job.status(jump.ssh_config());
    let status = run::capture(&mut staged.network.inside(&status))?;
    for wanted in [r#""system":"jump""#, r#""stage":"stuck""#, reason] {
        ensure!(status.contains(wanted), "no {wanted:?} in:\n{status}");
    }
    jump.kill()?;
    disk::with_mounted(&staged.node, Role::Swap, |landing| kept(landing, reason))?;
    staged.network.remove()
}

/// What tells why is among the jump system's logs.
fn kept(landing: &Path, reason: &str) -> Result<()> {
    let name = format!("{}1.log", places::FAILED_BOOT);
    let path = landing.join(places::LOG).join(&name);
    let log = std::fs::read_to_string(path).context(name)?;
    for wanted in [
        reason,
        "== units that failed",
        "== kernel log",
        "Linux version",
    ] {
        ensure!(log.contains(wanted), "no {wanted:?} in:\n{log}");
    }
    Ok(())
}
