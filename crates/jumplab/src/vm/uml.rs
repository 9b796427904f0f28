//! A victim running in user-mode Linux: a real kernel as a process, near native speed, no firmware
//! and no loader. Whoever starts it says which root it boots, as a loader would decide.
//!
//! A guest that reboots or powers off ends the process: [`Uml::wait_for_end`].

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::board::{Board, Root};
use super::freeze::{Frozen, members};
use super::guest::POWER_OFF;
use super::log::tail;
use super::seat::Seat;
use super::{
    Guest, LoopDevice, Mount, NODE, Network, Node, Role, STATIC_ADDRESS, STATIC_ROUTE, UmlKernel,
    until, with_own_mounts,
};
use crate::{run, workspace};

/// At a reboot the kernel executes its own name again, with the same root. It finds nothing by this
/// one and ends (arch/um/os-Linux/main.c).
const NO_SUCH_PROGRAM: &str = "/nonexistent/linux.uml";
/// What bash does with that name and the kernel's. The signal is of [`Uml::fail_writes_from`].
const EXEC: &str = "trap '' XFSZ; exec -a \"$0\" \"$@\"";
/// How much of the console log an error shows.
const LOG_LINES: usize = 25;

/// A running user-mode Linux.
#[derive(Debug)]
pub struct Uml<'a> {
    kernel: Option<Child>,
    network: &'a Network,
    ssh_config: PathBuf,
    console_log: PathBuf,
    /// Where in the console log this boot begins.
    begun_at: u64,
    _seat: Seat,
}

impl<'a> Uml<'a> {
    /// Gives the old system on the node's disk the one interface that it has here.
    pub fn adapt(node: &Node) -> Result<()> {
        with_own_mounts(|| {
            let disk = LoopDevice::attach(&node.disk, node.table.sector_bytes())?;
            let root = disk.partition(number(node, Role::Root)?);
            let mount = Mount::new(&root, &node.folder.join("root"), &["-t", "ext4"])?;
            std::fs::write(mount.path().join("etc/network/interfaces"), interfaces())?;
            mount.unmount()?;
            disk.detach()
        })
    }

    /// Boots the partition with that role: `Root` for the old or the new system, `Swap` for the jump
    /// system, wherever it lies. The console log goes on where an earlier start left it.
    pub fn start(node: &Node, network: &'a Network, root: Role) -> Result<Self> {
        Self::start_on(node, network, root, &Board::of(node))
    }

    /// The same on other hardware than the node's own.
    pub fn start_on(node: &Node, network: &'a Network, root: Role, board: &Board) -> Result<Self> {
        let ssh_config = node
            .identity
            .write_ssh_config(&node.folder, address(), 22)?;
        let console_log = node.folder.join("console.log");
        let console = File::options()
            .create(true)
            .append(true)
            .open(&console_log)?;
        let begun_at = console.metadata()?.len();
        let (seat, kernel) = (Seat::take()?, UmlKernel::choose()?);
        let mut command = network.command("taskset");
        command
            .args(["--cpu-list", &seat.processor(), "bash"])
            .args(["-c", EXEC, NO_SUCH_PROGRAM])
            .arg(&kernel.program)
            .args(&kernel.arguments)
            .args(board.arguments(node, &boots_from(node, root)?))
            // A group of its own, with the processes that the kernel makes for its guest's.
            .process_group(0)
            .stdout(console.try_clone()?)
            .stderr(console);
        let started = command.spawn();
        let kernel = started.with_context(|| format!("cannot start {}", run::line(&command)))?;
        Ok(Self {
            kernel: Some(kernel),
            network,
            ssh_config,
            console_log,
            begun_at,
            _seat: seat,
        })
    }

    /// An ssh_config that knows the node by its name, for programs started by
    /// [`Network::command`].
    pub fn ssh_config(&self) -> &Path {
        &self.ssh_config
    }

    /// The network that it is in.
    pub fn network(&self) -> &Network {
        self.network
    }

    /// What the guest wrote to its console, over all starts.
    pub fn console_log(&self) -> &Path {
        &self.console_log
    }

    /// What this boot has written to its console from the byte `from` on.
    pub fn said(&self, from: u64) -> Result<Vec<u8>> {
        let mut log = File::open(&self.console_log)?;
        log.seek(SeekFrom::Start(self.begun_at + from))?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Whether the guest has rebooted or powered off.
    pub fn has_ended(&mut self) -> Result<bool> {
        let ended = self.kernel.as_mut().map(Child::try_wait).transpose()?;
        Ok(ended.is_none_or(|status| status.is_some()))
    }

    /// Whether an SSH server greets at the node's address: cheaper than an ssh that has to time out.
    pub fn offers_ssh(&self) -> Result<bool> {
        self.network.offers_ssh(address().parse()?)
    }

    /// Stops the guest where it stands, so that its disk can be copied.
    pub fn freeze(&self) -> Result<Frozen> {
        let kernel = self.kernel.as_ref().context("the kernel has ended")?;
        Frozen::group(group(kernel)?)
    }

    /// From now on all writes from this byte of a disk on fail: the kernel's processes may not write a
    /// file that is longer (setrlimit(2)).
    pub fn fail_writes_from(&self, byte: u64) -> Result<()> {
        let kernel = self.kernel.as_ref().context("the kernel has ended")?;
        for process in members(group(kernel)?)? {
            let (process, limit) = (process.to_string(), format!("--fsize={byte}"));
            run::quiet(&mut run::command("prlimit", ["--pid", &process, &limit]))?;
        }
        Ok(())
    }

    /// Waits until root can log in; returns how long that took.
    pub fn wait_for_ssh(&mut self, within: Duration) -> Result<Duration> {
        let what = format!("{NODE} answers SSH");
        let waited = until(&what, within, || {
            if let Some(status) = self
                .kernel
                .as_mut()
                .map(Child::try_wait)
                .transpose()?
                .flatten()
            {
                bail!("{what}: the kernel ended: {status}");
            }
            Ok(self.ssh("true").is_ok())
        });
        waited.with_context(|| self.console())
    }

    /// Shuts the guest down and waits for its end.
    pub fn power_off(self, within: Duration) -> Result<Duration> {
        // The connection may end before ssh does: what counts is the guest's end.
        drop(self.ssh(POWER_OFF));
        self.wait_for_end(within)
    }

    /// Waits until the guest has rebooted or powered off; its disk can be looked at then.
    pub fn wait_for_end(mut self, within: Duration) -> Result<Duration> {
        let Some(kernel) = &mut self.kernel else {
            return Ok(Duration::ZERO);
        };
        let waited = until("the guest reboots", within, || {
            Ok(kernel.try_wait()?.is_some())
        });
        waited.with_context(|| self.console())
    }

    /// Cuts the power: what the guest had not written is lost.
    pub fn kill(mut self) -> Result<()> {
        self.cut_power()
    }

    /// The same, for who wants to know what it said last.
    pub fn cut_power(&mut self) -> Result<()> {
        let Some(mut kernel) = self.kernel.take() else {
            return Ok(());
        };
        if kernel.try_wait()?.is_none() {
            killpg(group(&kernel)?, Signal::SIGKILL).context("cannot kill the kernel")?;
            kernel.wait()?;
        }
        Ok(())
    }

    /// What the guest said last, for an error.
    pub fn console(&self) -> String {
        let log = workspace::shown(&self.console_log);
        format!(
            "the console log, {log}, ends in:\n{}\n",
            tail(&self.console_log, LOG_LINES)
        )
    }
}

impl Guest for Uml<'_> {
    fn ssh(&self, script: &str) -> Result<String> {
        let mut ssh = self.network.command("ssh");
        ssh.arg("-F")
            .arg(&self.ssh_config)
            .args([NODE, "--", script]);
        run::capture(&mut ssh)
    }
}

impl Drop for Uml<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.cut_power() {
            eprintln!("warning: user-mode Linux: {error:#}");
        }
    }
}

/// The process group of the kernel and of its guest's processes.
fn group(kernel: &Child) -> Result<Pid> {
    Ok(Pid::from_raw(i32::try_from(kernel.id())?))
}

/// The node's address, without the length of its prefix.
fn address() -> &'static str {
    STATIC_ADDRESS
        .split_once('/')
        .map_or(STATIC_ADDRESS, |(address, _)| address)
}

fn boots_from(node: &Node, role: Role) -> Result<Root> {
    match role {
        Role::Swap if node.table.lands_in_memory() => Ok(Root::Initramfs(node.initramfs())),
        Role::Swap => Ok(Root::Partition(node.table.landing())),
        role => number(node, role).map(Root::Partition),
    }
}

fn number(node: &Node, role: Role) -> Result<u32> {
    let partition = node.table.partition(role);
    Ok(partition
        .with_context(|| format!("the disk has no {role:?} partition"))?
        .number)
}

/// The kernel calls its interface vec0, whatever udev says.
fn interfaces() -> String {
    let (network, gateway) = STATIC_ROUTE;
    format!(
        "auto lo\n\
         iface lo inet loopback\n\n\
         auto vec0\n\
         iface vec0 inet static\n\
         \taddress {STATIC_ADDRESS}\n\
         \tup ip route add {network} via {gateway}\n"
    )
}
