//! The machine as QEMU's command line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use super::{DISK_SERIAL, MAC_DHCP, MAC_STATIC, NODE, Node};
use crate::run;

/// What the node's disk is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// `/dev/vda`.
    Virtio,
    /// `/dev/sda`. It knows no sectors but those of 512 bytes.
    Ide,
    /// `/dev/nvme0n1`.
    Nvme,
}

/// What the machine is made of, but for what belongs to the node: its disk and its firmware.
#[derive(Debug, Clone)]
pub struct Hardware {
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Processors.
    pub cpus: u32,
    /// An i6300esb watchdog that resets the machine.
    pub watchdog: bool,
    /// A file to record every write and flush of the disk in, for [`crate::experiments::write_order`].
    pub record: Option<PathBuf>,
    /// What its clock says when it starts, where that is not the time.
    pub clock: Option<SystemTime>,
    /// A guest that reboots stops where it stands, for [`super::Machine::wait_for_reboot`].
    pub stops_at_reboot: bool,
    /// What the disk is attached to. Only virtio's is ready to be recorded.
    pub bus: Bus,
    /// Further options for QEMU.
    pub more: Vec<String>,
}

impl Default for Hardware {
    fn default() -> Self {
        Self {
            memory_mib: 2048,
            cpus: 2,
            watchdog: false,
            record: None,
            clock: None,
            stops_at_reboot: false,
            bus: Bus::Virtio,
            more: Vec::new(),
        }
    }
}

/// QEMU's command line. The PCI slots name the interfaces, see [`super::Table::interfaces`].
pub(super) fn command_line(
    node: &Node,
    hardware: &Hardware,
    port: u16,
    serial_log: &Path,
) -> Command {
    let mut command = run::command("qemu-system-x86_64", ["-name", NODE]);
    command
        .args(node.firmware.options(&node.variables()))
        .args(node.accelerator.options())
        .args([
            "-m",
            &hardware.memory_mib.to_string(),
            "-smp",
            &node.firmware.processors(hardware.cpus).to_string(),
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
        .arg(drive(&node.disk, hardware.record.as_deref()))
        .args(["-device", &disk_device(node, hardware)])
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
    if let Some(clock) = hardware.clock {
        let clock = humantime::format_rfc3339_seconds(clock).to_string();
        command.args(["-rtc", &format!("base={}", clock.trim_end_matches('Z'))]);
    }
    if hardware.stops_at_reboot {
        command.args(["-action", "reboot=shutdown,shutdown=pause"]);
    }
    command.args(&hardware.more);
    command
}

/// A killed QEMU loses nothing of the host's cache: no need to wait for its disk. A recorded disk has
/// to hear of the guest's flushes all the same (QEMU's blklogwrites).
fn drive(disk: &Path, record: Option<&Path>) -> String {
    let (disk, common) = (disk.display(), "if=none,id=disk,discard=unmap");
    match record {
        None => format!("{common},format=raw,cache=unsafe,file={disk}"),
        Some(log) => format!(
            "{common},driver=blklogwrites,cache=writeback,\
             file.driver=file,file.filename={disk},file.cache.no-flush=on,\
             log.driver=file,log.filename={},log.cache.no-flush=on",
            log.display()
        ),
    }
}

/// A disk that is recorded takes writes and flushes only: until QEMU 9, a write of zeroes that overlaps
/// another spoils the log (QEMU's commit 23a512f4), and what a discard leaves is nobody's promise.
/// Requests that QEMU merged would not fit into the log with their description (IOV_MAX).
fn disk_device(node: &Node, hardware: &Hardware) -> String {
    let plain = if hardware.record.is_some() {
        ",write-zeroes=off,discard=off,request-merging=off"
    } else {
        ""
    };
    let sector = node.table.sector_bytes();
    let sectors = format!("logical_block_size={sector},physical_block_size={sector}");
    let common = format!("drive=disk,serial={DISK_SERIAL}");
    match hardware.bus {
        Bus::Virtio => format!("virtio-blk-pci,{common},{sectors},addr=0x5{plain}"),
        Bus::Ide => format!("ide-hd,{common}"),
        Bus::Nvme => format!("nvme,{common},{sectors},addr=0x5"),
    }
}

/// No boot ROM: a node without PXE.
fn nic(netdev: &str, mac: &str, slot: u8) -> String {
    format!("virtio-net-pci,netdev={netdev},mac={mac},addr={slot:#x},romfile=")
}
