//! The network as the kernel has it: links, addresses, the main table's routes. Asks rtnetlink(7);
//! changes nothing but [`link_up`].

use std::net::IpAddr;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use netlink_packet_route::route::RouteMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

mod parse;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// The address it has now; of Ethernet 6 bytes.
    pub mac: Option<Vec<u8>>,
    /// The address its hardware came with, where the driver tells: a bond gives all its members
    /// one address, and this finds them again.
    pub permanent_mac: Option<Vec<u8>>,
    /// What the kernel made it as (`bond`, `vlan`, `bridge`, `veth` …); `None` is hardware or
    /// loopback.
    pub kind: Option<String>,
    /// Whether it is set to be up.
    pub up: bool,
    /// Whether it is the loopback.
    pub loopback: bool,
    /// Its MTU in bytes.
    pub mtu: Option<u32>,
    /// The bond or bridge it belongs to.
    pub master: Option<u32>,
    /// The link it is stacked on, of a VLAN for instance.
    pub parent: Option<u32>,
    /// Its VLAN id.
    pub vlan_id: Option<u16>,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The interface.
    pub index: u32,
    /// The address.
    pub ip: IpAddr,
    /// Length of its prefix in bits.
    pub prefix: u8,
    /// `IFA_F_PERMANENT`: set by hand or a static configuration. Without it, leased or advertised.
    pub permanent: bool,
    /// `IFA_F_SECONDARY`, or a temporary IPv6 address.
    pub secondary: bool,
    /// As in linux/rtnetlink.h: 0 global, 200 site, 253 link, 254 host.
    pub scope: u8,
}

/// A unicast route of the main table; one with several next hops is several of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where it leads; `None` is everywhere, the default route.
    pub destination: Option<IpAddr>,
    /// Length of the destination's prefix in bits.
    pub prefix: u8,
    /// Whether it is of IPv6; told apart as a default route has no destination.
    pub ipv6: bool,
    /// The next hop; `None` is on the link itself.
    pub gateway: Option<IpAddr>,
    /// The interface.
    pub interface: Option<u32>,
    /// The source address it prefers.
    pub source: Option<IpAddr>,
    /// Who made it, as in linux/rtnetlink.h: 2 kernel, 3 boot, 4 static, 9 ra, 16 dhcp.
    pub protocol: u8,
    /// Its metric; `None` is the lowest.
    pub metric: Option<u32>,
    /// The gateway counts as on the link though no prefix covers it.
    pub on_link: bool,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The socket failed, or the kernel answered with an error.
    #[error("cannot ask the kernel for its {what}")]
    Io {
        /// What was asked for.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The kernel's answer could not be read.
    #[error("cannot read the kernel's {what}: {reason}")]
    Answer {
        /// What was asked for.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// Every interface, by number.
pub fn links() -> Result<Vec<Link>, NetlinkError> {
    let answers = ask(
        "links",
        Message::GetLink(LinkMessage::default()),
        NLM_F_DUMP,
    )?;
    let mut links: Vec<_> = answers.iter().filter_map(parse::link).collect();
    links.sort_by_key(|link| link.index);
    Ok(links)
}

/// Every address, in the kernel's order.
pub fn addresses() -> Result<Vec<Address>, NetlinkError> {
    let request = Message::GetAddress(AddressMessage::default());
    let answers = ask("addresses", request, NLM_F_DUMP)?;
    Ok(answers.iter().filter_map(parse::address).collect())
}

/// The main table's unicast routes of both families, in the kernel's order.
pub fn routes() -> Result<Vec<Route>, NetlinkError> {
    let request = Message::GetRoute(RouteMessage::default());
    let answers = ask("routes", request, NLM_F_DUMP)?;
    Ok(answers.iter().flat_map(parse::routes).collect())
}

/// Sets an interface up. Without an address this only turns its carrier on.
pub fn link_up(index: u32) -> Result<(), NetlinkError> {
    let mut link = LinkMessage::default();
    link.header.index = index;
    link.header.flags = LinkFlags::Up;
    link.header.change_mask = LinkFlags::Up;
    ask("link", Message::SetLink(link), NLM_F_ACK).map(drop)
}

/// Sends a request and gathers the answers until the kernel says that it is done.
fn ask(what: &'static str, request: Message, flags: u16) -> Result<Vec<Message>, NetlinkError> {
    let failed = |source| NetlinkError::Io { what, source };
    let unreadable = |reason: &dyn ToString| NetlinkError::Answer {
        what,
        reason: reason.to_string(),
    };
    let mut socket = Socket::new(NETLINK_ROUTE).map_err(failed)?;
    socket.bind_auto().map_err(failed)?;
    socket.connect(&SocketAddr::new(0, 0)).map_err(failed)?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    let mut packet = NetlinkMessage::new(header, NetlinkPayload::from(request));
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    socket.send(&bytes, 0).map_err(failed)?;
    let mut answers = Vec::new();
    loop {
        let (datagram, _) = socket.recv_from_full().map_err(failed)?;
        let mut rest = datagram.as_slice();
        while !rest.is_empty() {
            let answer =
                NetlinkMessage::<Message>::deserialize(rest).map_err(|e| unreadable(&e))?;
            let length = usize::try_from(answer.header.length).unwrap_or(rest.len());
            match answer.payload {
                NetlinkPayload::Done(_) => return Ok(answers),
                NetlinkPayload::Error(e) if e.code.is_none() => return Ok(answers),
                NetlinkPayload::Error(e) => return Err(failed(e.to_io())),
                NetlinkPayload::InnerMessage(message) => answers.push(message),
                _ => {}
            }
            // Messages are aligned to 4 bytes (NLMSG_ALIGN); one without a length would never end.
            let step = length.next_multiple_of(4).max(4);
            rest = rest.get(step..).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{addresses, link_up, links, routes};

    #[test]
    fn this_machine_has_a_loopback() {
        let links = links().unwrap();
        let lo = links.iter().find(|link| link.loopback).unwrap();
        assert_eq!((lo.name.as_str(), &lo.kind), ("lo", &None));
        let addresses = addresses().unwrap();
        if lo.up {
            let local = addresses.iter().find(|a| a.index == lo.index).unwrap();
            assert!(local.ip.is_loopback() && local.permanent);
        }
    }

    #[test]
    fn routes_lead_out_of_links_that_exist() {
        let links = links().unwrap();
        for route in routes().unwrap() {
            assert!(
                links.iter().any(|l| Some(l.index) == route.interface),
                "{route:?}"
            );
        }
    }

    #[test]
    fn a_missing_link_is_an_error() {
        assert!(link_up(0x7fff_fff0).is_err());
    }
}
