//! A running node, whatever it runs on.

use anyhow::Result;

/// A node that root can log in to.
pub trait Guest {
    /// Runs a shell command on the node as root, with strict host-key checking; returns its stdout.
    fn ssh(&self, script: &str) -> Result<String>;
}

/// Asks a guest's systemd to power off, or the init of a guest of before.
pub(super) const POWER_OFF: &str = "systemctl --no-block poweroff || poweroff";
