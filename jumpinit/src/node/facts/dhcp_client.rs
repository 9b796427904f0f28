//! What the DHCP clients of this system call themselves, from their leases, settings and
//! processes. Asks; changes nothing.

use std::path::Path;
use std::time::Duration;

use jumpspec::node::network::{
    ClientId, Dhclient, Dhcpcd, Link, Network, networkd_lease, nmcli_dhcp4,
};
use jumpsys::cmd::Program;
use jumpsys::network::netlink;

/// How long nmcli may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// systemd-networkd's leases, by the number of the link.
const NETWORKD_LEASES: &str = "/run/systemd/netif/leases";
const NMCLI: &str = "/usr/bin/nmcli";
/// Where NetworkManager's sockets and states are while it runs.
const NETWORK_MANAGER: &str = "/run/NetworkManager";
/// Settings of dhclient where it was told of no others.
const DHCLIENT_CONF: &str = "/etc/dhcp/dhclient.conf";
const DHCPCD_CONF: &str = "/etc/dhcpcd.conf";
/// dhcpcd's DUID (dhcpcd(8), "FILES"), and where older ones have it.
const DHCPCD_DUIDS: [&str; 2] = ["/var/lib/dhcpcd/duid", "/etc/dhcpcd.duid"];

/// Fills in what each link asks its DHCP server as.
pub(super) fn identify(network: &mut Network) {
    let numbers = netlink::links().unwrap_or_default();
    for link in network.links.iter_mut().filter(|link| link.dhcp4) {
        let number = numbers.iter().find(|other| other.name == link.name);
        link.client_id = number
            .and_then(|number| by_networkd(number.index))
            .or_else(|| by_network_manager(link))
            .or_else(|| by_process(link));
    }
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn by_networkd(index: u32) -> Option<ClientId> {
    networkd_lease(&read(Path::new(NETWORKD_LEASES).join(index.to_string()))?)
}

fn by_network_manager(link: &Link) -> Option<ClientId> {
    if !Path::new(NETWORK_MANAGER).exists() || !Path::new(NMCLI).exists() {
        return None;
    }
    let told = Program::new(NMCLI)
        .args(["--terse", "--fields", "DHCP4", "device", "show"])
        .arg(&link.name)
        .timeout(ANSWER_LIMIT)
        .run()
        .ok()?;
    nmcli_dhcp4(&told.stdout_text())
}

/// By the client that runs for the link.
fn by_process(link: &Link) -> Option<ClientId> {
    let processes = std::fs::read_dir("/proc").ok()?;
    let commands = processes
        .flatten()
        .filter_map(|process| Command::read(&process.path()));
    commands
        .filter(|command| !command.is_of_another(link))
        .find_map(|command| match command.name.as_str() {
            "dhclient" => dhclient(&command).client_id(&link.name, &link.mac),
            "dhcpcd" => dhcpcd(&command).client_id(&link.name, &link.mac),
            _ => None,
        })
}

/// A process with its arguments, as far as it shows them (proc(5), `cmdline`).
struct Command {
    name: String,
    arguments: Vec<String>,
}

impl Command {
    fn read(process: &Path) -> Option<Self> {
        let name = read(process.join("comm"))?;
        let line = read(process.join("cmdline"))?;
        Some(Self {
            name: name.trim_end().to_owned(),
            arguments: line.split('\0').skip(1).map(str::to_owned).collect(),
        })
    }

    fn has(&self, option: &str) -> bool {
        self.arguments.iter().any(|argument| argument == option)
    }

    /// What follows `option`.
    fn value(&self, option: &str) -> Option<&str> {
        let at = self
            .arguments
            .iter()
            .position(|argument| argument == option)?;
        self.arguments.get(at + 1).map(String::as_str)
    }

    /// Whether it names links, and not this one; or is for IPv6.
    fn is_of_another(&self, link: &Link) -> bool {
        let exists = |name: &&String| Path::new("/sys/class/net").join(name).exists();
        let is_name = |name: &&String| !name.is_empty() && !name.contains('/');
        let mut named = self
            .arguments
            .iter()
            .filter(is_name)
            .filter(exists)
            .peekable();
        let is_none = named.peek().is_none();
        self.has("-6") || !(is_none || named.any(|name| *name == link.name))
    }
}

fn dhclient(command: &Command) -> Dhclient {
    let conf = command.value("-cf").unwrap_or(DHCLIENT_CONF);
    // Its own come last and count.
    let leases = ["-df", "-lf"].map(|option| command.value(option).and_then(read));
    Dhclient {
        by_duid: command.has("-i"),
        conf: read(conf).unwrap_or_default(),
        leases: leases.into_iter().flatten().collect(),
    }
}

fn dhcpcd(command: &Command) -> Dhcpcd {
    Dhcpcd {
        argument: command.value("-I").map(str::to_owned),
        conf: read(DHCPCD_CONF).unwrap_or_default(),
        duid: DHCPCD_DUIDS.iter().find_map(read).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(arguments: &[&str]) -> Command {
        Command {
            name: "dhclient".to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
        }
    }

    fn link(name: &str) -> Link {
        Link {
            name: name.to_owned(),
            ..Link::default()
        }
    }

    #[test]
    fn options_are_read_as_ifupdown_gives_them() {
        let command = command(&["-4", "-v", "-i", "-lf", "/nowhere", "lo"]);
        assert!(dhclient(&command).by_duid);
        assert_eq!(command.value("-lf"), Some("/nowhere"));
        assert_eq!(command.value("-cf"), None);
    }

    /// Every system has `lo`.
    #[test]
    fn a_client_of_another_link_is_passed_over() {
        assert!(command(&["-4", "lo"]).is_of_another(&link("eth7")));
        assert!(!command(&["-4", "lo"]).is_of_another(&link("lo")));
        assert!(!command(&["-4", "-q"]).is_of_another(&link("eth7")));
        assert!(command(&["-6", "lo"]).is_of_another(&link("lo")));
    }
}
