//! A victim running in QEMU, reached by SSH.
//! The machine ends with the [`Machine`], unless [`Machine::leave_running`] lets it go.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::unistd::Pid;

use super::guest::POWER_OFF;
use super::log::tail;
use super::qemu::{Hardware, command_line};
use super::{Frozen, Guest, NODE, Node, port, until};
use crate::{run, workspace};

/// How much of the serial log an error shows.
const LOG_LINES: usize = 25;
/// How long sshd may take to greet.
const GREETING: Duration = Duration::from_secs(5);
/// How long QEMU may take to a reset.
const RESET: Duration = Duration::from_mins(1);

/// A running virtual machine.
#[derive(Debug)]
pub struct Machine {
    qemu: Option<Child>,
    port: u16,
    ssh_config: PathBuf,
    serial_log: PathBuf,
    /// QEMU's messages, and what its monitor says.
    messages: PathBuf,
}

impl Machine {
    /// Starts QEMU on the node's disk. The serial log goes on where an earlier start left it.
    pub fn start(node: &Node, hardware: &Hardware) -> Result<Self> {
        let port = port::free()?;
        let ssh_config = node
            .identity
            .write_ssh_config(&node.folder, "127.0.0.1", port)?;
        let serial_log = node.folder.join("serial.log");
        let messages = node.folder.join("qemu.log");
        let said = File::create(&messages)?;
        let mut command = command_line(node, hardware, port, &serial_log);
        command
            .stdin(Stdio::piped())
            .stdout(said.try_clone()?)
            .stderr(said);
        let started = command.spawn();
        let qemu = started.with_context(|| format!("cannot start {}", run::line(&command)))?;
        let mut machine = Self {
            qemu: Some(qemu),
            port,
            ssh_config,
            serial_log,
            messages,
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
        self.wait_for(&format!("{NODE} answers SSH"), within, |machine| {
            Ok(machine.offers_ssh() && machine.ssh("true").is_ok())
        })
    }

    /// Whether an SSH server greets: cheaper than an ssh that has to time out.
    pub fn offers_ssh(&self) -> bool {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        port::offers_ssh(address, GREETING)
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
            format!(
                "the serial log, {log}, ends in:\n{}\n",
                tail(&self.serial_log, LOG_LINES)
            )
        })
    }

    /// The command that [`Guest::ssh`] runs.
    fn ssh_command(&self, script: &str) -> Command {
        let mut ssh = run::command("ssh", ["-F"]);
        ssh.arg(&self.ssh_config).args([NODE, "--", script]);
        ssh
    }

    /// Waits until a guest that [`Hardware::stops_at_reboot`] has gone down. Its disk can be looked at and
    /// copied until [`Machine::go_on`].
    pub fn wait_for_reboot(&mut self, within: Duration) -> Result<Duration> {
        self.wait_for_event("SHUTDOWN", within)
    }

    /// Lets it boot, and reboot from now on.
    pub fn go_on(&mut self) -> Result<()> {
        self.qmp(
            r#"{"execute":"set-action","arguments":{"reboot":"reset","shutdown":"poweroff"}}"#,
        )?;
        self.reset()?;
        self.wait_for_event("RESET", RESET)?;
        self.qmp(r#"{"execute":"cont"}"#)
    }

    /// Waits until QEMU's monitor has told of an event, at any time since its start.
    fn wait_for_event(&mut self, event: &str, within: Duration) -> Result<Duration> {
        let told = format!(r#""event": "{event}""#);
        let what = format!("QEMU tells of {event}");
        self.wait_for(&what, within, |machine| {
            Ok(std::fs::read_to_string(&machine.messages)?.contains(&told))
        })
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
        // One that stops at a reboot would stop here, too.
        self.qmp(r#"{"execute":"set-action","arguments":{"shutdown":"poweroff"}}"#)?;
        // The connection may end before ssh does: what counts is the guest's end.
        drop(self.ssh(POWER_OFF));
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

    /// QEMU stands still; what it has written by then is what its end would leave.
    pub fn freeze(&self) -> Result<Frozen> {
        let qemu = self.qemu.as_ref().context("QEMU is not running")?;
        Frozen::process(Pid::from_raw(qemu.id().try_into()?))
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

impl Guest for Machine {
    fn ssh(&self, script: &str) -> Result<String> {
        run::capture(&mut self.ssh_command(script))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("warning: QEMU: {error:#}");
        }
    }
}
