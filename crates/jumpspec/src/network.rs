//! A node's network, captured on the old system by MAC address and rendered for the
//! jump system and for the new one.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
