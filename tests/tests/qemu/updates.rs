//! The first days of the new system: what its distribution's next updates would do, and a reboot.

use anyhow::Result;
use jumplab::journey::BOOT;
use jumplab::vm::{Guest as _, Machine};

/// The maintainer scripts of the kernel, which make its initramfs and its menu entry, and those of
/// GRUB, which install it to the disk that debconf names. Fails with the first that does.
const UPDATES: &str = "export DEBIAN_FRONTEND=noninteractive; set -e; exec 2>&1; \
    dpkg-reconfigure \"linux-image-$(uname -r)\"; dpkg-reconfigure grub-pc; \
    dpkg --audit";
/// Which boot it is.
const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";
/// The connection may end first.
const REBOOT: &str = "systemctl --no-block reboot";

/// Has the distribution's own tools install kernel, initramfs and loader again, and reboots: by then
/// nothing of jump is left that could help.
pub(crate) fn install(machine: &mut Machine) -> Result<()> {
    let before = machine.ssh(BOOT_ID)?;
    print!("{}", machine.ssh(UPDATES)?);
    drop(machine.ssh(REBOOT));
    machine.wait_for("the new system has rebooted", BOOT, |machine| {
        Ok(machine.offers_ssh() && machine.ssh(BOOT_ID).is_ok_and(|now| now != before))
    })?;
    Ok(())
}
