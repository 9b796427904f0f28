//! Throws the switches of machinery that would make another node of this one at its first boot.

use anyhow::{Context as _, Result};
use jumpspec::node::first_boot::{Switch, with_setting};
use jumpsys::files::root::{Owner, Root};

use crate::run::context::Context;
use crate::run::new_root;

/// Where systemd looks first for a unit.
const UNITS: &str = "etc/systemd/system";

/// Throws those of the new system.
pub(crate) fn switch_off_in_new(cx: &mut Context) -> Result<()> {
    switch_off(&new_root::open(cx)?, &cx.plan.switches.target)
}

/// Throws `switches` below `root`.
pub(crate) fn switch_off(root: &Root, switches: &[Switch]) -> Result<()> {
    switches
        .iter()
        .try_for_each(|switch| throw(root, switch).with_context(|| format!("cannot set: {switch}")))
}

fn throw(root: &Root, switch: &Switch) -> Result<()> {
    match switch {
        Switch::Present { path } if root.is_there(path.as_str()) => Ok(()),
        Switch::Present { path } => Ok(root.write(path.as_str(), b"", Owner::root(0o644))?),
        Switch::Absent { path } => Ok(root.remove(path.as_str())?),
        Switch::Setting { path, key, value } => {
            let text = root.read_text(path.as_str())?.unwrap_or_default();
            let set = with_setting(&text, key, value);
            Ok(root.rewrite(path.as_str(), set.as_bytes(), Owner::root(0o644))?)
        }
        Switch::Mask { unit } => Ok(root.symlink(&format!("{UNITS}/{unit}"), "/dev/null")?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::node::first_boot::Machinery;

    #[test]
    fn all_switches_are_thrown_and_thrown_again() {
        let scratch = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = scratch.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("boot/ignition.firstboot", "");
        put(
            "etc/waagent.conf",
            "Provisioning.Agent=auto\nLogs.Verbose=n\n",
        );
        put("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        put("etc/systemd/system/rekey.service", "[Service]\n");
        let rekey = Machinery::Unit {
            unit: "rekey.service".to_owned(),
        };
        let root = Root::open(scratch.path()).unwrap();
        let found = [
            Machinery::CloudInit,
            Machinery::Waagent,
            Machinery::Ignition,
            Machinery::FirstBoot,
            rekey,
        ];
        for _ in 0..2 {
            for found in &found {
                switch_off(&root, &found.switches()).unwrap();
            }
            let text = |path: &str| root.read_text(path).unwrap();
            assert_eq!(text("etc/cloud/cloud-init.disabled").unwrap(), "");
            assert_eq!(
                text("etc/waagent.conf").unwrap(),
                "Logs.Verbose=n\nProvisioning.Agent=disabled\nProvisioning.Enabled=n\n"
            );
            assert!(!root.is_there("boot/ignition.firstboot"));
            assert!(text("etc/machine-id").unwrap().starts_with("0123"));
            let masked = root
                .link_target("etc/systemd/system/rekey.service")
                .unwrap();
            assert_eq!(masked.unwrap(), "/dev/null");
        }
    }
}
