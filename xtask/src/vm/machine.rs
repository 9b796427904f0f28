//! A victim running in QEMU, reached by SSH.
//! The machine ends with the [`Machine`], unless [`Machine::leave_running`] lets it go.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{DISK_SERIAL, MAC_DHCP, MAC_STATIC, NODE, Node, until};
use crate::{run, workspace};

/// How much of the serial log an error shows.
const LOG_LINES: usize = 25;

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

/// A running virtual machine.
#[derive(Debug)]
pub struct Machine {
    qemu: Option<Child>,
    port: u16,
    ssh_config: PathBuf,
    serial_log: PathBuf,
}

impl Machine {
    /// Starts QEMU on the node's disk. The serial log goes on where an earlier start left it.
    pub fn start(node: &Node, hardware: &Hardware) -> Result<Self> {
        let port = free_port()?;
        let ssh_config = node.identity.write_ssh_config(&node.folder, port)?;
        let serial_log = node.folder.join("serial.log");
        let messages = File::create(node.folder.join("qemu.log"))?;
        let mut command = qemu(node, hardware, port, &serial_log);
        command
            .stdin(Stdio::piped())
            .stdout(messages.try_clone()?)
            .stderr(messages);
        let started = command.spawn();
        let qemu = started.with_context(|| format!("cannot start {}", run::line(&command)))?;
        let mut machine = Self {
            qemu: Some(qemu),
            port,
            ssh_config,
            serial_log,
        };
        machine.qmp(r#"{"execute":"qmp_capabilities"}"#)?;
        Ok(machine)
    }

    /// The port of this machine that leads to the guest's port 22.
    pub fn ssh_port(&self) -> u16 {
        self.port
    }

    /// An ssh_config that knows the node by its name and trusts its own host keys only.
    pub fn ssh_config(&self) -> &Path {
        &self.ssh_config
    }

    /// What the guest wrote to its serial console, over all starts.
    pub fn serial_log(&self) -> &Path {
        &self.serial_log
    }

    /// Waits until root can log in; returns how long that took.
    pub fn wait_for_ssh(&mut self, within: Duration) -> Result<Duration> {
        let port = self.port;
        self.wait_for(&format!("{NODE} answers SSH"), within, |machine| {
            Ok(offers_ssh(port) && machine.ssh("true").is_ok())
        })
    }

    /// Waits for a condition; fails as soon as QEMU ends. An error shows the serial log's end.
    pub fn wait_for(
        &mut self,
        what: &str,
        within: Duration,
        mut condition: impl FnMut(&mut Self) -> Result<bool>,
    ) -> Result<Duration> {
        let waited = until(what, within, || {
            if let Some(status) = self
                .qemu
                .as_mut()
                .map(Child::try_wait)
                .transpose()?
                .flatten()
            {
                bail!("{what}: QEMU ended: {status}");
            }
            condition(self)
        });
        waited.with_context(|| {
            let log = workspace::shown(&self.serial_log);
            format!("the serial log, {log}, ends in:\n{}\n", self.serial_tail())
        })
    }

    /// Runs a shell command on the node as root, with strict host-key checking; returns its stdout.
    pub fn ssh(&self, script: &str) -> Result<String> {
        run::capture(&mut self.ssh_command(script))
    }

    /// The command that [`Machine::ssh`] runs.
    pub fn ssh_command(&self, script: &str) -> Command {
        let mut ssh = run::command("ssh", ["-F"]);
        ssh.arg(&self.ssh_config).args([NODE, "--", script]);
        ssh
    }

    /// The last lines of the serial log.
    pub fn serial_tail(&self) -> String {
        let log = std::fs::read(&self.serial_log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Presses the reset button. The answer is in the node's `qemu.log`.
    pub fn reset(&mut self) -> Result<()> {
        self.qmp(r#"{"execute":"system_reset"}"#)
    }

    /// Sends a command, as JSON, to QEMU's monitor (QEMU's QMP reference).
    pub fn qmp(&mut self, command: &str) -> Result<()> {
        let monitor = self.qemu.as_mut().and_then(|qemu| qemu.stdin.as_mut());
        let monitor = monitor.context("QEMU is not running")?;
        writeln!(monitor, "{command}").context("QEMU's monitor is closed")?;
        Ok(())
    }

    /// Shuts the guest down, as its power button would, and waits for its end.
    pub fn power_off(mut self, within: Duration) -> Result<()> {
        self.ssh("systemctl --no-block poweroff")?;
        let Some(mut qemu) = self.qemu.take() else {
            return Ok(());
        };
        let ended = until("the guest powers off", within, || {
            Ok(qemu.try_wait()?.is_some())
        });
        if ended.is_err() {
            qemu.kill()?;
            qemu.wait()?;
        }
        ended.map(drop)
    }

    /// Ends QEMU at once. What the guest wrote stays in the host's cache: no power cut for the disk.
    pub fn kill(mut self) -> Result<()> {
        self.end()
    }

    /// Lets the machine outlive this process; returns QEMU's process id.
    pub fn leave_running(mut self) -> Option<u32> {
        self.qemu.take().map(|qemu| qemu.id())
    }

    fn end(&mut self) -> Result<()> {
        if let Some(mut qemu) = self.qemu.take() {
            qemu.kill()?;
            qemu.wait()?;
        }
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("warning: QEMU: {error:#}");
        }
    }
}

/// QEMU's command line. The PCI slots name the interfaces: ens3 and ens4.
fn qemu(node: &Node, hardware: &Hardware, port: u16, serial_log: &Path) -> Command {
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

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether an SSH server greets at `port`: cheaper than an ssh that has to time out.
fn offers_ssh(port: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let limit = Duration::from_secs(5);
    let Ok(mut stream) = TcpStream::connect_timeout(&address, limit) else {
        return false;
    };
    let mut banner = [0; 4];
    stream.set_read_timeout(Some(limit)).is_ok()
        && stream.read_exact(&mut banner).is_ok()
        && &banner == b"SSH-"
}
