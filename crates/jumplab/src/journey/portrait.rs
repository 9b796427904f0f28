//! What makes a node itself, as seen over SSH; taken before the jump and after it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::questions::answers;
use crate::vm::{ALICE, Guest};

/// What must be the same afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portrait {
    /// The host name, as the kernel has it.
    pub host_name: String,
    /// sha256 of each public host key file.
    pub host_keys: String,
    /// The lines of alice in passwd and shadow, and root's in shadow.
    pub accounts: String,
    /// The mode, owner and content of root's own file.
    pub root_file: String,
    /// sha256 of the list of checksums of /data.
    pub data_list: String,
    /// Who owns alice's home.
    pub home: String,
    /// UUID, label and device of the active swap.
    pub swap: String,
    /// The partitions of its disk: identifier, type, bytes.
    pub partitions: String,
    /// The file system of /data.
    pub data_mount: String,
    /// IPv4 addresses by MAC.
    pub addresses: BTreeSet<String>,
    /// IPv4 routes, with MACs for interfaces.
    pub routes: BTreeSet<String>,
}

impl Portrait {
    /// Looks at the node as it is now.
    pub fn take(guest: &dyn Guest) -> Result<Self> {
        let (name, uid, _) = ALICE;
        let [
            links,
            routes,
            macs,
            host_name,
            host_keys,
            accounts,
            root_file,
            data_list,
            home,
            swap,
            partitions,
            data_mount,
        ] = answers(
            guest,
            [
                "ip -4 -json address; true",
                "ip -4 -json route; true",
                "ip -json link",
                "uname -n",
                "cd /etc/ssh && sha256sum ssh_host_*_key.pub",
                &format!("getent passwd {uid}; getent shadow {name}; getent shadow root"),
                "stat -c '%a %u %g' /root/notes.txt; cat /root/notes.txt",
                "sha256sum < /data/SHA256SUMS",
                &format!("stat -c '%u %g %a' /data/home/{name} /data/home/{name}/.bashrc"),
                "swapon --noheadings --raw --show=UUID,LABEL,NAME",
                "lsblk --noheadings --raw --bytes --output PARTUUID,PARTTYPE,SIZE | sort",
                "findmnt --noheadings --raw --output UUID,FSTYPE /data",
            ],
        )?;
        let macs = interfaces(&json("ip -json link", &macs)?);
        Ok(Self {
            addresses: addresses(&json("ip -json address", &links)?, &macs),
            routes: routes_of(&json("ip -json route", &routes)?, &macs),
            host_name,
            host_keys,
            accounts,
            root_file,
            data_list,
            home,
            swap,
            partitions,
            data_mount,
        })
    }
}

fn json(what: &str, said: &str) -> Result<Value> {
    serde_json::from_str(said).with_context(|| format!("what `{what}` says is no JSON: {said:?}"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("-")
}

/// MACs by interface name: names may change with the system, MACs don't.
fn interfaces(links: &Value) -> BTreeMap<String, String> {
    list(links)
        .map(|link| {
            (
                text(link, "ifname").to_owned(),
                text(link, "address").to_owned(),
            )
        })
        .collect()
}

fn addresses(links: &Value, macs: &BTreeMap<String, String>) -> BTreeSet<String> {
    list(links)
        .flat_map(|link| list(&link["addr_info"]).map(move |address| (link, address)))
        .map(|(link, address)| {
            let mac = macs.get(text(link, "ifname")).map_or("-", String::as_str);
            format!("{mac} {}/{}", text(address, "local"), address["prefixlen"])
        })
        .collect()
}

fn routes_of(routes: &Value, macs: &BTreeMap<String, String>) -> BTreeSet<String> {
    list(routes)
        .filter(|route| !is_dhcp_detail(route))
        .map(|route| {
            let mac = macs.get(text(route, "dev")).map_or("-", String::as_str);
            format!(
                "{} via {} on {mac}",
                text(route, "dst"),
                text(route, "gateway")
            )
        })
        .collect()
}

/// systemd-networkd adds host routes to the gateway and the name server that DHCP names, where
/// dhclient adds none: the same network in more words.
fn is_dhcp_detail(route: &Value) -> bool {
    text(route, "protocol") == "dhcp"
        && text(route, "scope") == "link"
        && !text(route, "dst").contains('/')
}

#[cfg(test)]
mod tests {
    use super::{addresses, interfaces, routes_of};
    use serde_json::json;

    #[test]
    fn an_interface_is_known_by_its_mac() {
        let links = json!([{"ifname": "ens4", "address": "52:54:00:07:00:02",
            "addr_info": [{"local": "192.168.77.10", "prefixlen": 24}]}]);
        let macs = interfaces(&links);
        let found = addresses(&links, &macs);
        assert_eq!(
            found.first().map(String::as_str),
            Some("52:54:00:07:00:02 192.168.77.10/24")
        );
    }

    #[test]
    fn networkd_s_host_routes_of_dhcp_are_left_out() {
        let macs = interfaces(&json!([{"ifname": "ens3", "address": "m"}]));
        let routes = json!([
            {"dst": "default", "gateway": "10.0.2.2", "dev": "ens3", "protocol": "dhcp"},
            {"dst": "10.0.2.2", "dev": "ens3", "protocol": "dhcp", "scope": "link"},
        ]);
        let found = routes_of(&routes, &macs);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["default via 10.0.2.2 on m"]
        );
    }
}
