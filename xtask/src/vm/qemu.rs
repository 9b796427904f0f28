//! The machine as QEMU's command line.

use std::path::Path;
use std::process::Command;

use super::{DISK_SERIAL, MAC_DHCP, MAC_STATIC, NODE, Node};
use crate::run;

/// What the machine is made of.
#[derive(Debug, Clone)]
pub struct Hardware {
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Processors.
    pub cpus: u32,
    /// An i6300esb watchdog that resets the machine.
    pub watchdog: bool,
    /// Further options for QEMU.
    pub more: Vec<String>,
}

impl Default for Hardware {
    fn default() -> Self {
        Self {
            memory_mib: 2048,
            cpus: 2,
            watchdog: false,
            more: Vec::new(),
        }
    }
}

/// QEMU's command line. The PCI slots name the interfaces: ens3 and ens4.
pub(super) fn command_line(
    node: &Node,
    hardware: &Hardware,
    port: u16,
    serial_log: &Path,
) -> Command {
    let mut command = run::command("qemu-system-x86_64", ["-name", NODE, "-machine", "pc"]);
    command
        .args(node.accelerator.options())
        .args([
            "-m",
            &hardware.memory_mib.to_string(),
            "-smp",
            &hardware.cpus.to_string(),
        ])
        .args([
            "-nodefaults",
            "-vga",
            "std",
            "-display",
            "none",
            "-qmp",
            "stdio",
        ])
        .args([
            "-chardev",
            &format!("file,id=serial,append=on,path={}", serial_log.display()),
        ])
        .args(["-serial", "chardev:serial"])
        .arg("-drive")
        .arg(format!(
            // A killed QEMU loses nothing of the host's cache: no need to wait for its disk.
            "if=none,id=disk,format=raw,cache=unsafe,discard=unmap,file={}",
            node.disk.display()
        ))
        .args([
            "-device",
            &format!("virtio-blk-pci,drive=disk,serial={DISK_SERIAL},addr=0x5"),
        ])
        .args([
            "-netdev",
            &format!("user,id=dhcp,ipv6=off,hostfwd=tcp:127.0.0.1:{port}-:22"),
        ])
        .args(["-device", &nic("dhcp", MAC_DHCP, 3)])
        .args([
            "-netdev",
            "user,id=static,ipv6=off,restrict=on,net=192.168.77.0/24,host=192.168.77.1",
        ])
        .args(["-device", &nic("static", MAC_STATIC, 4)])
        .args(["-device", "virtio-rng-pci"]);
    if hardware.watchdog {
        command.args(["-device", "i6300esb", "-action", "watchdog=reset"]);
    }
    command.args(&hardware.more);
    command
}

/// No boot ROM: a node without PXE.
fn nic(netdev: &str, mac: &str, slot: u8) -> String {
    format!("virtio-net-pci,netdev={netdev},mac={mac},addr={slot:#x},romfile=")
}
