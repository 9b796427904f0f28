//! Which files set a network up again, by stack.
//!
//! Links are matched by hardware address, and by their [`Sign`] where they have one. A `.link` file gives each its old name back,
//! so that firewall rules and monitoring still fit. Where two links would have to swap
//! kernel names (`eth0`, `eth1`) udev cannot rename them; networkd and NetworkManager
//! then still configure the right ones.

use super::file::{matching, path};
use super::{
    ClientId, Link, Network, NetworkRefusal, NetworkStack, check, ifupdown, keyfile, networkd,
    resolv,
};
use serde::{Deserialize, Serialize};

use crate::words::relpath::RelPath;

/// Settings of dhclient: what the distribution put there stays.
const DHCLIENT: &str = "etc/dhcp/dhclient.conf";
/// What an appended block begins with.
const MARK: &str = "# Carried over from the old system; to the end of the file.\n";

/// A file of network settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkFile {
    /// Where it goes, below the root.
    pub path: RelPath,
    /// Its permission bits.
    pub mode: u32,
    /// What is in it.
    pub text: String,
    /// Whether that is put to the end of what is there already.
    pub is_appended: bool,
}

impl NetworkFile {
    /// What is written where `existing` is there: done twice, it is the same.
    pub fn merged(&self, existing: &str) -> String {
        if !self.is_appended {
            return self.text.clone();
        }
        let (before, _) = existing.split_once(MARK).unwrap_or((existing, ""));
        let newline = if before.is_empty() || before.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        format!("{before}{newline}{}", self.text)
    }
}

/// Links that `stack` cannot let ask as the old system did, with what that was.
pub fn strangers(stack: NetworkStack, network: &Network) -> Vec<(&Link, &ClientId)> {
    let asks = network
        .links
        .iter()
        .filter(|link| link.is_used() && link.dhcp4)
        .filter_map(|link| Some((link, link.client_id.as_ref()?)));
    let can = |link: &Link, id: &ClientId| {
        stack != NetworkStack::Networkd || id.is_of_mac(&link.mac) || id.duid().is_some()
    };
    asks.filter(|(link, id)| !can(link, id)).collect()
}

/// The files that set `network` up under `stack`.
///
/// # Errors
/// What [`check`] refuses.
pub fn render(stack: NetworkStack, network: &Network) -> Result<Vec<NetworkFile>, NetworkRefusal> {
    check(network)?;
    let mut files = names(network);
    let resolv = (
        "etc/resolv.conf".to_owned(),
        resolv::render_resolv_conf(network),
    );
    let resolv = (!network.dns.is_empty()).then_some(resolv);
    match stack {
        NetworkStack::Networkd => {
            files.extend(networkd::render(network));
            files.extend(resolv);
        }
        NetworkStack::Ifupdown => {
            files.push((
                "etc/network/interfaces".to_owned(),
                ifupdown::render(network),
            ));
            files.extend(resolv);
        }
        // NetworkManager writes resolv.conf itself.
        NetworkStack::NetworkManager => files.extend(keyfile::render(network)),
    }
    let file = |(path, text): (String, String), is_appended| match path.parse() {
        Ok(path) => Ok(NetworkFile {
            mode: mode(&path),
            path,
            text,
            is_appended,
        }),
        Err(_) => Err(NetworkRefusal::Name(path)),
    };
    let dhclient = (stack == NetworkStack::Ifupdown)
        .then(|| ifupdown::dhclient(network))
        .flatten()
        .map(|text| (DHCLIENT.to_owned(), format!("{MARK}{text}")));
    let whole = files.into_iter().map(|one| file(one, false));
    whole.chain(dhclient.map(|one| file(one, true))).collect()
}

/// The mode that a rendered file needs: NetworkManager passes over key files that
/// others can read (nm-settings-keyfile(5)).
fn mode(path: &RelPath) -> u32 {
    if path.as_str().ends_with(".nmconnection") {
        0o600
    } else {
        0o644
    }
}

/// A `.link` file for every hardware link (systemd.link(5)). Kinds other than
/// Ethernet share a MAC with the hardware below them, hence `Type=`.
fn names(network: &Network) -> Vec<(String, String)> {
    let file = |(index, link): (usize, &Link)| {
        let text = format!(
            "# Carried over: the name that the old system had for it.\n\
             {}\n[Link]\nNamePolicy=\nName={}\n",
            matching(link),
            link.name
        );
        (path(index, link, "etc/systemd/network", "link"), text)
    };
    let links = network.links.iter().enumerate();
    links
        .filter(|(_, link)| link.virtual_kind.is_none())
        .map(file)
        .collect()
}
