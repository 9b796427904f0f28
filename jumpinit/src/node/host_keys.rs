//! The host keys that this system shows to whoever connects, and the addresses where it may.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Result;
use jumpspec::node::identity::HostKey;
use jumpsys::network::hostkey;

/// The host keys that this system's sshd shows, on the first address where it answers.
pub(crate) fn shown(port: u16) -> Result<Vec<HostKey>> {
    let mut addresses = self::addresses().unwrap_or_default();
    addresses.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let mut shown = Err(anyhow::anyhow!("it has no address"));
    for ip in addresses {
        shown = hostkey::host_keys(SocketAddr::new(ip, port)).map_err(Into::into);
        if shown.is_ok() {
            break;
        }
    }
    let blobs = shown?;
    Ok(blobs
        .iter()
        .filter_map(|blob| HostKey::of_blob(blob))
        .collect())
}

/// Addresses of this system that others may know.
pub(crate) fn addresses() -> Result<Vec<IpAddr>> {
    // A link-local address means nothing without its link.
    let usable = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_loopback(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
    };
    let addresses = jumpsys::network::netlink::addresses()?;
    Ok(addresses
        .iter()
        .map(|address| address.ip)
        .filter(usable)
        .collect())
}
