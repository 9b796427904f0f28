//! A connection to an acted node: who is let in, and when it breaks.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::node::Node;
use super::world::World;

/// How often a node that is down, or that says nothing, is looked at again.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// What ssh is called with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) host: String,
    pub(super) command: String,
    pub(super) is_master: bool,
    pub(super) socket: PathBuf,
    /// Whether it is led elsewhere than to the node where nobody listens at its socket.
    pub(super) is_led_away: bool,
    /// The file and the name of the one host key that is let in, if it is pinned.
    pinned: Option<(PathBuf, String)>,
}

impl Call {
    /// Reads the arguments.
    pub(super) fn read(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut call = Self::default();
        let (mut known_hosts, mut alias) = (None, None);
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next_if(|argument| argument != "--") {
            if argument == "-T" {
                continue;
            }
            let value = arguments.next().context("an option without its value")?;
            match value.split_once('=') {
                Some(("ControlMaster", is)) => call.is_master = is == "yes",
                Some(("ControlPath", path)) => call.socket = path.into(),
                Some(("ProxyCommand", _)) => call.is_led_away = true,
                Some(("UserKnownHostsFile", file)) => {
                    known_hosts = Some(PathBuf::from(file.trim_matches('"').replace("%%", "%")));
                }
                Some(("HostKeyAlias", name)) => alias = Some(name.to_owned()),
                _ => {}
            }
        }
        arguments.next();
        call.host = arguments.next().context("no host")?;
        call.command = arguments.next().context("no command")?;
        call.pinned = known_hosts.zip(alias);
        Ok(call)
    }
}

/// Somebody who is let in.
#[derive(Debug)]
pub(super) struct Connection<'a> {
    pub(super) world: &'a World,
    pub(super) name: &'a str,
    boots: u32,
    breaks: u32,
}

impl<'a> Connection<'a> {
    /// Connects and logs in, as the call says; why not, in OpenSSH's words.
    pub(super) fn open(
        world: &'a World,
        call: &'a Call,
    ) -> Result<std::result::Result<Self, String>> {
        let name = call.host.as_str();
        let times = world.settings().times(name);
        let end = Instant::now() + Duration::from_millis(times.silence);
        loop {
            let Some(held) = world.look(name)? else {
                let why =
                    format!("ssh: Could not resolve hostname {name}: Name or service not known");
                return Ok(Err(why));
            };
            if held.node.is_up() && held.fault != Some(&super::settings::Fault::Dead) {
                break;
            }
            let lost = |why: &str| format!("ssh: connect to host {name} port 22: Connection {why}");
            if world.settings().refuses(name) {
                return Ok(Err(lost("refused")));
            }
            if Instant::now() > end {
                return Ok(Err(lost("timed out")));
            }
            std::thread::sleep(TICK);
        }
        std::thread::sleep(Duration::from_millis(times.login));
        let held = world.look(name)?.context("the node is gone")?;
        if !has_key(&held.node, call.pinned.as_ref()) {
            return Ok(Err(CHANGED.to_owned()));
        }
        Ok(Ok(Self::within(world, name, &held.node)))
    }

    /// Goes through a connection that is open.
    pub(super) fn shared(world: &'a World, name: &'a str) -> Result<Self> {
        let held = world.look(name)?.context("the node is gone")?;
        Ok(Self::within(world, name, &held.node))
    }

    fn within(world: &'a World, name: &'a str, node: &Node) -> Self {
        Self {
            world,
            name,
            boots: node.boots,
            breaks: node.breaks,
        }
    }

    /// Whether the node has gone down since, or the line was cut.
    pub(super) fn is_broken(&self, node: &Node) -> bool {
        !node.is_up() || node.boots != self.boots || node.breaks != self.breaks
    }
}

/// The same for a node that nobody holds.
pub(super) fn is_broken(connection: &Connection<'_>) -> Result<bool> {
    let held = connection.world.look(connection.name)?;
    Ok(held.is_none_or(|held| connection.is_broken(&held.node)))
}

/// Whether the system that answers has the host key that is asked for: known_hosts of the admin's has
/// the old system's and the new one's, which is the same.
fn has_key(node: &Node, pinned: Option<&(PathBuf, String)>) -> bool {
    let Some((file, alias)) = pinned else {
        return !node.is_jump();
    };
    let Some(run) = node.run.as_ref().filter(|_| node.is_jump()) else {
        return false;
    };
    let known = known_key(file, alias);
    *alias == format!("jump-{}", run.id) && known.is_some_and(|known| same_key(&known, &run.key))
}

fn known_key(file: &Path, alias: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let (_, key) = lines.find(|(name, _)| *name == alias)?;
    Some(key.to_owned())
}

/// Kind and key alone: comments differ.
fn same_key(one: &str, other: &str) -> bool {
    one.split(' ').take(2).eq(other.split(' ').take(2))
}

/// What OpenSSH says of another host key (sshconnect.c, `warn_changed_key`), its end.
const CHANGED: &str = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Host key verification failed.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_with_the_host_key_that_it_pins() {
        let words = "-F c -o BatchMode=yes -o ControlMaster=yes -o ControlPath=/tmp/s -o UserKnownHostsFile=\"/x/100%%\" -o HostKeyAlias=jump-1 -T -- node07 true";
        let call = Call::read(words.split(' ').map(str::to_owned)).unwrap();
        let wanted = Call {
            host: "node07".to_owned(),
            command: "true".to_owned(),
            is_master: true,
            socket: "/tmp/s".into(),
            is_led_away: false,
            pinned: Some(("/x/100%".into(), "jump-1".to_owned())),
        };
        assert_eq!(call, wanted);
    }

    #[test]
    fn only_the_jump_system_has_the_key_of_its_run() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        std::fs::write(&file, "jump-7 ssh-ed25519 AAAA\n").unwrap();
        let node = Node::new(0);
        assert!(has_key(&node, None));
        assert!(!has_key(&node, Some(&(file.clone(), "jump-7".to_owned()))));
        assert_eq!(
            known_key(&file, "jump-7").as_deref(),
            Some("ssh-ed25519 AAAA")
        );
        assert_eq!(known_key(&file, "jump-8"), None);
        assert!(same_key("ssh-ed25519 AAAA one", "ssh-ed25519 AAAA"));
        assert!(!same_key("ssh-ed25519 AAAA", "ssh-ed25519 AAAB"));
    }
}
