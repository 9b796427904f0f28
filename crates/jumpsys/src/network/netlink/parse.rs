//! The kernel's messages as our values. Pure.

use std::net::IpAddr;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressHeaderFlags};
use netlink_packet_route::link::{InfoData, InfoVlan, LinkAttribute, LinkFlags, LinkInfo};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteNextHopFlags,
    RouteType, RouteVia,
};

use super::{Address, Link, Route};

pub(super) fn link(message: &Message) -> Option<Link> {
    let Message::NewLink(message) = message else {
        return None;
    };
    let flags = message.header.flags;
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        mac: None,
        permanent_mac: None,
        kind: None,
        up: flags.contains(LinkFlags::Up),
        loopback: flags.contains(LinkFlags::Loopback),
        mtu: None,
        master: None,
        parent: None,
        vlan_id: None,
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Address(mac) => link.mac = Some(mac.clone()),
            LinkAttribute::PermAddress(mac) => link.permanent_mac = Some(mac.clone()),
            LinkAttribute::Mtu(mtu) => link.mtu = Some(*mtu),
            LinkAttribute::Controller(index) => link.master = Some(*index),
            LinkAttribute::Link(index) => link.parent = Some(*index).filter(|&i| i != 0),
            LinkAttribute::LinkInfo(infos) => info(&mut link, infos),
            _ => {}
        }
    }
    Some(link)
}

fn info(link: &mut Link, infos: &[LinkInfo]) {
    for info in infos {
        match info {
            LinkInfo::Kind(kind) => link.kind = Some(kind.to_string()),
            LinkInfo::Data(InfoData::Vlan(data)) => {
                link.vlan_id = data.iter().find_map(|vlan| match vlan {
                    InfoVlan::Id(id) => Some(*id),
                    _ => None,
                });
            }
            _ => {}
        }
    }
}

pub(super) fn address(message: &Message) -> Option<Address> {
    let Message::NewAddress(message) = message else {
        return None;
    };
    let header = &message.header;
    let (mut local, mut peer) = (None, None);
    let mut permanent = header.flags.contains(AddressHeaderFlags::Permanent);
    for attribute in &message.attributes {
        match attribute {
            // Of a point-to-point link "address" is the other end's.
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => peer = Some(*ip),
            AddressAttribute::Flags(f) => permanent = f.contains(AddressFlags::Permanent),
            _ => {}
        }
    }
    Some(Address {
        index: header.index,
        ip: local.or(peer)?,
        prefix: header.prefix_len,
        permanent,
        secondary: header.flags.contains(AddressHeaderFlags::Secondary),
        scope: header.scope.into(),
    })
}

pub(super) fn routes(message: &Message) -> Vec<Route> {
    /// linux/rtnetlink.h, RT_TABLE_MAIN.
    const MAIN: u32 = 254;
    let Message::NewRoute(message) = message else {
        return Vec::new();
    };
    let header = &message.header;
    let table = message.attributes.iter().find_map(|a| match a {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    // The cache's entries stand in the main table too.
    let cloned = header.flags.contains(RouteFlags::Cloned);
    let wanted = header.kind == RouteType::Unicast && !cloned;
    if !wanted || table.unwrap_or(header.table.into()) != MAIN {
        return Vec::new();
    }
    let mut route = base(header);
    fill(&mut route, &message.attributes);
    let hops = hops(message, &route);
    if hops.is_empty() { vec![route] } else { hops }
}

fn base(header: &RouteHeader) -> Route {
    Route {
        destination: None,
        prefix: header.destination_prefix_length,
        ipv6: header.address_family == AddressFamily::Inet6,
        gateway: None,
        interface: None,
        source: None,
        protocol: header.protocol.into(),
        metric: None,
        on_link: header.flags.contains(RouteFlags::Onlink),
    }
}

fn fill(route: &mut Route, attributes: &[RouteAttribute]) {
    for attribute in attributes {
        match attribute {
            RouteAttribute::Destination(to) => route.destination = ip(to),
            RouteAttribute::Gateway(to) => route.gateway = ip(to),
            RouteAttribute::Via(RouteVia::Inet(to)) => route.gateway = Some((*to).into()),
            RouteAttribute::Via(RouteVia::Inet6(to)) => route.gateway = Some((*to).into()),
            RouteAttribute::PrefSource(from) => route.source = ip(from),
            RouteAttribute::Oif(index) => route.interface = Some(*index),
            RouteAttribute::Priority(metric) => route.metric = Some(*metric),
            _ => {}
        }
    }
}

fn hops(message: &RouteMessage, route: &Route) -> Vec<Route> {
    let several = message.attributes.iter().find_map(|a| match a {
        RouteAttribute::MultiPath(hops) => Some(hops.as_slice()),
        _ => None,
    });
    let hop = several.unwrap_or_default().iter().map(|hop| {
        let mut route = route.clone();
        fill(&mut route, &hop.attributes);
        route.interface = Some(hop.interface_index);
        route.on_link |= hop.flags.contains(RouteNextHopFlags::Onlink);
        route
    });
    hop.collect()
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some((*ip).into()),
        RouteAddress::Inet6(ip) => Some((*ip).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{address, link, routes};
    use netlink_packet_route::RouteNetlinkMessage as Message;
    use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
    use netlink_packet_route::link::{
        InfoData, InfoKind, InfoVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
    };
    use netlink_packet_route::route::{
        RouteAddress, RouteAttribute, RouteMessage, RouteProtocol, RouteType,
    };
    use std::net::Ipv4Addr;

    #[test]
    fn a_vlan_names_its_parent_and_id() {
        let mut message = LinkMessage::default();
        message.header.index = 5;
        message.header.flags = LinkFlags::Up;
        let vlan = LinkInfo::Data(InfoData::Vlan(vec![InfoVlan::Id(42)]));
        message.attributes = vec![
            LinkAttribute::IfName("bond0.42".to_owned()),
            LinkAttribute::Link(2),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Vlan), vlan]),
        ];
        let link = link(&Message::NewLink(message)).unwrap();
        assert_eq!(link.kind.as_deref(), Some("vlan"));
        assert_eq!(
            (link.parent, link.vlan_id, link.up),
            (Some(2), Some(42), true)
        );
    }

    #[test]
    fn a_leased_address_is_not_permanent() {
        let ip = Ipv4Addr::new(10, 0, 2, 15);
        let mut message = AddressMessage::default();
        message.header.prefix_len = 24;
        message.attributes = vec![AddressAttribute::Local(ip.into())];
        let leased = address(&Message::NewAddress(message.clone())).unwrap();
        assert_eq!((leased.ip, leased.prefix), (ip.into(), 24));
        assert!(!leased.permanent);
        message.header.flags = AddressHeaderFlags::Permanent;
        assert!(address(&Message::NewAddress(message)).unwrap().permanent);
    }

    #[test]
    fn only_the_main_tables_unicast_routes_count() {
        let mut message = RouteMessage::default();
        message.header.table = 254;
        message.header.kind = RouteType::Unicast;
        message.header.protocol = RouteProtocol::Dhcp;
        let gateway = Ipv4Addr::new(10, 0, 2, 2);
        message.attributes = vec![
            RouteAttribute::Gateway(RouteAddress::Inet(gateway)),
            RouteAttribute::Oif(2),
        ];
        let found = routes(&Message::NewRoute(message.clone()));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].gateway, Some(gateway.into()));
        assert_eq!((found[0].protocol, found[0].destination), (16, None));
        message.attributes.push(RouteAttribute::Table(1000));
        assert!(routes(&Message::NewRoute(message)).is_empty());
    }
}
