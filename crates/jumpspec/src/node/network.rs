//! A node's network, captured on the old system by MAC address and rendered for the
//! jump system and for the new one.

mod check;
mod client_id;
mod file;
mod ifupdown;
mod keyfile;
mod lease;
mod networkd;
mod proof;
mod render;
mod resolv;
mod settle;
mod twins;

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use check::{NetworkRefusal, check};
pub use client_id::ClientId;
pub use lease::{Dhclient, Dhcpcd, networkd_lease, nmcli_dhcp4};
pub use proof::Demand;
pub use render::{NetworkFile, render, strangers};
pub use resolv::{parse_resolv_conf, render_resolv_conf};
pub use settle::{Settled, settle};
pub use twins::Sign;

/// The network stacks that jump can configure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkStack {
    /// systemd-networkd, `/etc/systemd/network`.
    Networkd,
    /// ifupdown, `/etc/network/interfaces`.
    Ifupdown,
    /// NetworkManager, key files in `/etc/NetworkManager/system-connections`.
    NetworkManager,
}

/// A node's network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Links that can carry addresses, loopback left out.
    pub links: Vec<Link>,
    /// Name servers, from `resolv.conf`.
    pub dns: Vec<IpAddr>,
    /// Search domains, from `resolv.conf`.
    pub search: Vec<String>,
}

/// One network link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The old system's name for it.
    pub name: String,
    /// Hardware address, `52:54:00:12:34:56`: what the link is known by afterwards.
    pub mac: String,
    /// `None` for a hardware interface; otherwise the kernel's kind (`bond`, `vlan`, `bridge` …).
    pub virtual_kind: Option<String>,
    /// Whether it is up.
    pub up: bool,
    /// Maximum transmission unit in bytes.
    pub mtu: u32,
    /// Whether its IPv4 address came from DHCP.
    pub dhcp4: bool,
    /// Whether its IPv6 addresses came from router advertisements or DHCPv6.
    pub auto6: bool,
    /// Permanent (static) addresses; link-local ones left out.
    pub addresses: Vec<Address>,
    /// Static routes through it; those of DHCP, RA and the kernel left out.
    pub routes: Vec<Route>,
    /// IPv4 addresses that a DHCP server leased; none in facts of versions that did not tell.
    #[serde(default)]
    pub leased: Vec<Address>,
    /// Default routes that came with the lease; none in facts of versions that did not tell.
    #[serde(default)]
    pub leased_routes: Vec<Route>,
    /// IPv6 addresses by router advertisements or DHCPv6; none in facts of versions that did not
    /// tell.
    #[serde(default)]
    pub advertised: Vec<Address>,
    /// What it asks its DHCP server as, if that is known.
    #[serde(default)]
    pub client_id: Option<ClientId>,
    /// Its driver, as udev tells it.
    #[serde(default)]
    pub driver: Option<String>,
    /// Where on its bus it is, as udev tells it (`pci-0000:00:03.0`).
    #[serde(default)]
    pub bus_path: Option<String>,
    /// What it is known by besides its hardware address, where another link has that too; found
    /// by [`settle`].
    #[serde(default)]
    pub sign: Option<Sign>,
}

/// An address with its prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// Prefix length in bits.
    pub prefix: u8,
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to; `None` is the default route.
    pub destination: Option<Address>,
    /// Next hop, if not on link.
    pub gateway: Option<IpAddr>,
    /// Metric, if not the kernel's default.
    pub metric: Option<u32>,
}

impl Address {
    /// Whether `ip` lies in this address' network.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let rest = width.saturating_sub(u32::from(self.prefix));
            a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
        };
        match (self.ip, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
            _ => false,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

impl Link {
    /// Whether this is a hardware interface that carries addresses now: what is set up
    /// again.
    pub fn is_used(&self) -> bool {
        self.virtual_kind.is_none() && self.up && self.has_address()
    }

    fn has_address(&self) -> bool {
        self.dhcp4 || self.auto6 || !self.addresses.is_empty()
    }

    fn has_default_route(&self) -> bool {
        self.dhcp4 || self.auto6 || self.routes.iter().any(|route| route.destination.is_none())
    }

    /// What jump and the new system ask the DHCP server as: what the old system did, or else the
    /// hardware address, by which most servers know a client that says nothing else.
    fn asks_as(&self) -> Option<ClientId> {
        let by_mac = || ClientId::of_mac(&self.mac);
        self.client_id.clone().or_else(by_mac)
    }

    /// Whether `route`'s next hop lies in none of the link's own networks, so that the
    /// kernel takes the route only with `onlink`.
    fn needs_onlink(&self, route: &Route) -> bool {
        route.gateway.is_some_and(|gateway| {
            let automatic = if gateway.is_ipv4() {
                self.dhcp4
            } else {
                self.auto6
            };
            let link_local = matches!(gateway, IpAddr::V6(ip) if ip.is_unicast_link_local());
            let within = |address: &Address| address.contains(gateway);
            !automatic && !link_local && !self.addresses.iter().any(within)
        })
    }
}

impl Route {
    /// Whether it is a route of IPv6; one with neither destination nor next hop is the
    /// default route of IPv4.
    fn is_ipv6(&self) -> bool {
        let destination = self.destination.map(|destination| destination.ip);
        destination.or(self.gateway).is_some_and(|ip| ip.is_ipv6())
    }
}

impl Network {
    /// The link that the name servers are written with: one that leads out.
    fn resolving_link(&self) -> Option<usize> {
        let used = |wanted: fn(&Link) -> bool| {
            self.links
                .iter()
                .position(|link| link.is_used() && wanted(link))
        };
        used(Link::has_default_route).or_else(|| used(|_| true))
    }
}

#[cfg(test)]
pub(crate) mod tests;
