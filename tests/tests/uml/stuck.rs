//! A failure after the commit: the jump system stays up with sshd and says why.

use anyhow::{Result, ensure};
use jumpspec::selector::State;
use xtask::run;
use xtask::vm::{Role, Uml};

use crate::staged::{Staged, WORK};
use jump_tests::machines::disk;

/// What the admin's hook says before it fails.
const COMPLAINT: &str = "the licence server is away";

/// The admin's hook fails in the new root.
pub(crate) fn failed_hook() -> Result<()> {
    let hook = tempfile::NamedTempFile::new()?;
    let script = format!("#!/bin/sh\necho '{COMPLAINT}' >&2\nexit 3\n");
    std::fs::write(&hook, script)?;
    let hooks = format!("[hooks]\nrestored = '{}'\n", hook.path().display());
    let mut staged = Staged::new("uml-stuck", &hooks)?;
    staged.select(State::Once)?;
    let jump = Uml::start(&staged.node, &staged.network, Role::Swap)?;
    let (ended, said) = staged.push.wait(WORK)?;
    ensure!(ended.code() == Some(1), "{ended}\n{said}");
    for wanted in ["stuck-in-jump", COMPLAINT, "log in with `ssh"] {
        ensure!(said.contains(wanted), "no {wanted:?} in:\n{said}");
    }
    let status = staged.job.status(jump.ssh_config());
    let status = run::capture(&mut staged.network.inside(&status))?;
    for wanted in [r#""system":"jump""#, r#""stage":"stuck""#, COMPLAINT] {
        ensure!(status.contains(wanted), "no {wanted:?} in:\n{status}");
    }
    jump.kill()?;
    staged.select(State::Jump)?;
    disk::with_mounted(&staged.node, Role::Swap, |landing| {
        let motd = std::fs::read_to_string(landing.join("etc/motd"))?;
        ensure!(motd.contains(COMPLAINT), "{motd}");
        Ok(())
    })?;
    staged.network.remove()
}
