//! Whether a network can be set up again.

use std::net::IpAddr;

use super::{Link, Network};

/// Longest name of a network interface: `IFNAMSIZ` less the final NUL (Linux, `if.h`).
const NAME_LENGTH: usize = 15;

/// Virtual links that an address lives on because somebody set the machine's network
/// up so. Others (tunnels, containers' pairs, dummies) belong to software, which makes
/// them again.
const CARRIERS: &[&str] = &["bond", "team", "vlan", "macvlan", "ipvlan", "vrf"];

/// Why a network cannot be set up again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkRefusal {
    /// Nothing could be reached.
    #[error("no hardware network link is up and has an address")]
    NoAddress,
    /// Only hardware links are set up again.
    #[error("{name} is a {kind}, and the node's addresses live on it")]
    Virtual {
        /// The link.
        name: String,
        /// Its kind.
        kind: String,
    },
    /// Links are known again by their Ethernet address.
    #[error("link {name} has the hardware address {mac:?}, which is not an Ethernet address")]
    Mac {
        /// The link.
        name: String,
        /// The address.
        mac: String,
    },
    /// The same hardware address on two links, and nothing else that tells them apart.
    #[error(
        "links {first} and {second} have the same hardware address, and neither driver nor bus path tells them apart"
    )]
    SameMac {
        /// One link.
        first: String,
        /// The other.
        second: String,
    },
    /// Not a name that configuration files can carry.
    #[error("{0:?} cannot be written into network settings")]
    Name(String),
    /// More bits than the address has.
    #[error("{0} is no network prefix")]
    Prefix(super::Address),
}

impl NetworkRefusal {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoAddress => "network-no-address",
            Self::Virtual { .. } => "network-virtual-link",
            Self::Mac { .. } => "network-hardware-address",
            Self::SameMac { .. } => "network-same-hardware-address",
            Self::Name(_) => "network-name",
            Self::Prefix(_) => "network-prefix",
        }
    }
}

/// Whether `network` can be set up again by every stack that jump knows.
pub fn check(network: &Network) -> Result<(), NetworkRefusal> {
    if let Some((link, kind)) = network.links.iter().find_map(carrier) {
        let (name, kind) = (link.name.clone(), kind.to_owned());
        return Err(NetworkRefusal::Virtual { name, kind });
    }
    let hardware = || {
        network
            .links
            .iter()
            .filter(|link| link.virtual_kind.is_none())
    };
    if !hardware().any(Link::is_used) {
        return Err(NetworkRefusal::NoAddress);
    }
    for (index, link) in hardware().enumerate() {
        check_link(link)?;
        let twin = |other: &&Link| {
            other.mac.eq_ignore_ascii_case(&link.mac)
                && (other.sign.is_none() || other.sign == link.sign)
        };
        if let Some(other) = hardware().take(index).find(twin) {
            let (first, second) = (other.name.clone(), link.name.clone());
            return Err(NetworkRefusal::SameMac { first, second });
        }
    }
    let bad = network.search.iter().find(|domain| !is_domain(domain));
    bad.map_or(Ok(()), |domain| Err(NetworkRefusal::Name(domain.clone())))
}

/// The link and its kind, if it is a virtual one that the node is reached by. A bridge
/// with neither DHCP nor a default route is one of containers or virtual machines.
pub(super) fn carrier(link: &Link) -> Option<(&Link, &str)> {
    let kind = link.virtual_kind.as_deref()?;
    let carries = CARRIERS.contains(&kind) || link.has_default_route();
    (link.up && link.has_address() && carries).then_some((link, kind))
}

pub(super) fn check_link(link: &Link) -> Result<(), NetworkRefusal> {
    let name = &link.name;
    let graphic = |b: u8| b.is_ascii_graphic() && !b"/:%\\\"'#=".contains(&b);
    if name.is_empty() || name.len() > NAME_LENGTH || !name.bytes().all(graphic) {
        return Err(NetworkRefusal::Name(name.clone()));
    }
    if !is_mac(&link.mac) {
        let (name, mac) = (name.clone(), link.mac.clone());
        return Err(NetworkRefusal::Mac { name, mac });
    }
    let destinations = link
        .routes
        .iter()
        .filter_map(|route| route.destination.as_ref());
    let bits = |ip: IpAddr| if ip.is_ipv4() { 32 } else { 128 };
    let mut prefixes = link.addresses.iter().chain(destinations);
    let bad = prefixes.find(|address| address.prefix > bits(address.ip));
    bad.map_or(Ok(()), |address| Err(NetworkRefusal::Prefix(*address)))
}

fn is_mac(text: &str) -> bool {
    let pair = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    // A virtual function that nobody has given an address yet has zeros.
    let given = text.bytes().any(|b| b != b'0' && b != b':');
    given && text.split(':').count() == 6 && text.split(':').all(pair)
}

fn is_domain(text: &str) -> bool {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    !text.is_empty() && text.len() <= 253 && text.bytes().all(sound)
}
