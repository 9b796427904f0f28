//! A network namespace with one tap device in it: all that lies between a user-mode Linux and its
//! admin. Nothing of it is seen outside. Root only.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{STATIC_ADDRESS, STATIC_ROUTE, port};
use crate::run;

/// The tap device's name inside.
pub(super) const TAP: &str = "tap0";
/// How long a guest's sshd may take to greet before it counts as not there yet.
const GREETING: Duration = Duration::from_millis(500);

/// A network namespace.
#[derive(Debug)]
pub struct Network {
    name: String,
    held: bool,
}

impl Network {
    /// Makes it, in place of one that an earlier, killed process left with its guest.
    pub fn make(name: &str) -> Result<Self> {
        let name = format!("jump-{name}");
        clear(&name)?;
        run::quiet(&mut run::command("ip", ["netns", "add", &name]))?;
        let network = Self { name, held: true };
        let (_, address) = STATIC_ROUTE;
        let address = format!("{address}/24");
        for arguments in [
            ["tuntap", "add", TAP, "mode", "tap"].as_slice(),
            &["address", "add", &address, "dev", TAP],
            &["link", "set", TAP, "up"],
            &["link", "set", "lo", "up"],
        ] {
            run::quiet(network.command("ip").args(arguments))?;
        }
        Ok(network)
    }

    /// A command for `program` that has this network and none other. Mounts stay those of everybody:
    /// `ip netns exec` would hold copies of them.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = run::command("nsenter", [format!("--net=/run/netns/{}", self.name)]);
        command.arg(program);
        command
    }

    /// `command`, in this network.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = self.command(command.get_program());
        inside.args(command.get_args());
        inside
    }

    /// What ssh is to reach the guest by from outside of this network (`ProxyCommand` of ssh_config(5)).
    pub fn proxy_command(&self) -> String {
        // Whoever hangs up first ends both directions.
        let both = "exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3; kill $!";
        format!("nsenter --net=/run/netns/{} bash -c '{both}'", self.name)
    }

    /// Whether the guest's SSH server greets.
    pub fn greets(&self) -> Result<bool> {
        let (address, _) = STATIC_ADDRESS
            .split_once('/')
            .unwrap_or((STATIC_ADDRESS, ""));
        self.offers_ssh(address.parse()?)
    }

    /// Whether an SSH server greets at an address of this network.
    pub(super) fn offers_ssh(&self, address: IpAddr) -> Result<bool> {
        let namespace = File::open(format!("/run/netns/{}", self.name))?;
        // A namespace is a thread's: this one goes with the question.
        let asked = std::thread::spawn(move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).context("cannot enter the network")?;
            Ok(port::offers_ssh(SocketAddr::new(address, 22), GREETING))
        });
        asked.join().map_err(|_| anyhow!("the thread panicked"))?
    }

    /// Removes it.
    pub fn remove(mut self) -> Result<()> {
        self.release()
    }

    /// Removes networks whose names begin with `prefix` and that `stale` says nobody uses, by the rest
    /// of their names. What runs there is ended.
    pub fn sweep(prefix: &str, stale: impl Fn(&str) -> bool) -> Result<()> {
        let prefix = format!("jump-{prefix}");
        let list = run::capture(&mut run::command("ip", ["netns", "list"]))?;
        for line in list.lines() {
            let name = line.split(' ').next().unwrap_or_default();
            if name.strip_prefix(&prefix).is_some_and(&stale) {
                clear(name)?;
            }
        }
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.held) {
            return Ok(());
        }
        run::quiet(&mut run::command("ip", ["netns", "delete", &self.name]))
    }
}

/// Ends what runs in the namespace and removes it, if there is one.
fn clear(name: &str) -> Result<()> {
    let Ok(processes) = run::capture(&mut run::command("ip", ["netns", "pids", name])) else {
        return Ok(());
    };
    for id in processes.lines() {
        // One that has ended meanwhile is as good.
        kill(Pid::from_raw(id.trim().parse()?), Signal::SIGKILL).ok();
    }
    run::quiet(&mut run::command("ip", ["netns", "delete", name]))
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            eprintln!("warning: {error:#}");
        }
    }
}
