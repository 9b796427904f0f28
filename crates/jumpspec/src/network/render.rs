//! Which files set a network up again, by stack.
//!
//! Links are matched by hardware address. A `.link` file gives each its old name back,
//! so that firewall rules and monitoring still fit. Where two links would have to swap
//! kernel names (`eth0`, `eth1`) udev cannot rename them; networkd and NetworkManager
//! then still configure the right ones.

use super::{Link, Network, NetworkRefusal, check, ifupdown, keyfile, networkd, resolv};
use crate::manifest::NetworkStack;
use crate::relpath::RelPath;

/// The files that set `network` up under `stack`, by path below the root.
///
/// # Errors
/// What [`check`] refuses.
pub fn render(
    stack: NetworkStack,
    network: &Network,
) -> Result<Vec<(RelPath, String)>, NetworkRefusal> {
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
    let file = |(path, text): (String, String)| match path.parse() {
        Ok(path) => Ok((path, text)),
        Err(_) => Err(NetworkRefusal::Name(path)),
    };
    files.into_iter().map(file).collect()
}

/// The mode that a rendered file needs: NetworkManager passes over key files that
/// others can read (nm-settings-keyfile(5)).
pub fn file_mode(path: &RelPath) -> u32 {
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
             [Match]\nMACAddress={}\nType=ether\n\n[Link]\nNamePolicy=\nName={}\n",
            link.mac, link.name
        );
        (path(index, link, "etc/systemd/network", "link"), text)
    };
    let links = network.links.iter().enumerate();
    links
        .filter(|(_, link)| link.virtual_kind.is_none())
        .map(file)
        .collect()
}

/// The path of a link's file: before the distribution's own in the order of names.
pub(super) fn path(index: usize, link: &Link, folder: &str, extension: &str) -> String {
    let mac = link.mac.replace(':', "").to_ascii_lowercase();
    format!("{folder}/10-carried-{index}-{mac}.{extension}")
}
