//! The first boot of a victim with UEFI: its own programs install its loader, from within. GRUB goes to
//! the EFI system partition and gets an entry in the firmware's variables, as Debian's installer leaves
//! them. The entry is given to the store with Secure Boot as well.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::{Firmware, Guest as _, Hardware, Machine, Node, ROOT_UUID, Variables};

/// From power-on to SSH, and to power-off, under translation on a busy machine.
const BOOT: Duration = Duration::from_mins(10);
/// grub-install takes the platform that it runs on, and shim and the signed GRUB where they are there.
const INSTALL: &str = "grub-install && efibootmgr";
/// What efibootmgr says of the entry that grub-install made.
const ENTRY: &str = "* debian";

/// Starts `node`, whose disk has no loader yet, with the `kernel` of its root, and installs the loader.
/// Its variables begin as they leave the factory.
pub(super) fn install_loader(node: &Node, kernel: &Path) -> Result<()> {
    let store = node.firmware.store().context("a BIOS has no variables")?;
    std::fs::copy(store, node.variables())?;
    let hardware = Hardware {
        more: direct(kernel),
        ..Hardware::default()
    };
    let mut machine = Machine::start(node, &hardware)?;
    machine.wait_for_ssh(BOOT)?;
    let said = machine.ssh(INSTALL)?;
    ensure!(said.contains(ENTRY), "grub-install left no entry: {said}");
    machine.power_off(BOOT)
}

/// QEMU's options to start `kernel` without a loader.
fn direct(kernel: &Path) -> Vec<String> {
    let name = kernel.display().to_string();
    let arguments = format!("root=UUID={ROOT_UUID} ro console=ttyS0,115200 panic=10");
    let initrd = name.replace("vmlinuz-", "initrd.img-");
    ["-kernel", &name, "-initrd", &initrd, "-append", &arguments]
        .map(str::to_owned)
        .into()
}

/// Makes the store `to` for Secure Boot, with the boot entries of the store `from`.
pub(super) fn secure(from: &Path, to: &Path) -> Result<()> {
    let keys = Firmware::SecureBoot.store();
    std::fs::copy(keys.context("a BIOS has no keys")?, to)?;
    let mut variables = Variables::open(to)?;
    for (name, data) in Variables::open(from)?.global()? {
        if is_boot_entry(&name) || name == "BootOrder" {
            variables.set(&name, &data)?;
        }
    }
    variables.write()
}

/// `Boot0003`.
fn is_boot_entry(name: &str) -> bool {
    let number = name.strip_prefix("Boot").unwrap_or_default();
    number.len() == 4 && u16::from_str_radix(number, 16).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_boot_entry;

    #[test]
    fn only_numbered_entries_are_boot_entries() {
        assert!(is_boot_entry("Boot0003") && is_boot_entry("Boot00AF"));
        assert!(!is_boot_entry("BootNext") && !is_boot_entry("BootOrder"));
        assert!(!is_boot_entry("Boot003"));
    }
}
