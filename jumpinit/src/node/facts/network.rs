//! The network as it is: links, addresses and routes by netlink, name servers from
//! `resolv.conf`.

use std::net::IpAddr;

use anyhow::Result;
use jumpspec::node::network::{Address, Link, Network, Route, parse_resolv_conf};
use jumpsys::network::netlink;

/// Where the name servers are written that a resolver on this machine asks (systemd-resolved(8)).
const RESOLVED_UPLINK: &str = "/run/systemd/resolve/resolv.conf";

/// What udev keeps of links, by their numbers: `E:NAME=value`, a line each.
const UDEV_LINKS: &str = "/run/udev/data";

/// What a link has that does not say (RFC 894).
const ETHERNET_MTU: u32 = 1500;

/// Reads it; what DHCP clients ask as is left out.
pub(crate) fn read() -> Result<Network> {
    let (links, addresses, routes) = (netlink::links()?, netlink::addresses()?, netlink::routes()?);
    let links = links
        .iter()
        .filter(|link| !link.loopback)
        .filter_map(|link| one(link, &addresses, &routes))
        .collect();
    let (dns, search) = name_servers();
    Ok(Network { links, dns, search })
}

fn one(
    link: &netlink::Link,
    addresses: &[netlink::Address],
    routes: &[netlink::Route],
) -> Option<Link> {
    let mine = || {
        addresses
            .iter()
            .filter(|address| address.index == link.index && !is_link_local(address.ip))
    };
    let static_addresses = mine().filter(|address| address.permanent);
    let udev = std::fs::read_to_string(format!("{UDEV_LINKS}/n{}", link.index));
    let udev = udev.unwrap_or_default();
    let dhcp4 = mine().any(|address| address.ip.is_ipv4() && !address.permanent);
    let of_link = routes
        .iter()
        .filter(|route| route.interface == Some(link.index));
    let routes = split(of_link, dhcp4);
    Some(Link {
        name: link.name.clone(),
        mac: link
            .permanent_mac
            .as_deref()
            .or(link.mac.as_deref())
            .map(mac_text)?,
        virtual_kind: link.kind.clone(),
        up: link.up,
        mtu: link.mtu.unwrap_or(ETHERNET_MTU),
        dhcp4,
        auto6: mine().any(|address| address.ip.is_ipv6() && !address.permanent),
        addresses: static_addresses.map(address).collect(),
        leased: mine()
            .filter(|address| address.ip.is_ipv4() && !address.permanent)
            .map(address)
            .collect(),
        leased_routes: routes.leased,
        advertised: mine()
            .filter(|address| address.ip.is_ipv6() && !address.permanent)
            .map(address)
            .collect(),
        client_id: None,
        routes: routes.configured,
        driver: udev_property(&udev, "ID_NET_DRIVER"),
        bus_path: udev_property(&udev, "ID_PATH"),
        sign: None,
    })
}

fn udev_property(kept: &str, name: &str) -> Option<String> {
    let mut properties = kept.lines().filter_map(|line| line.strip_prefix("E:"));
    let value = properties.find_map(|property| property.strip_prefix(name)?.strip_prefix('='));
    value.map(str::to_owned)
}

fn address(address: &netlink::Address) -> Address {
    Address {
        ip: address.ip,
        prefix: address.prefix,
    }
}

fn mac_text(mac: &[u8]) -> String {
    mac.iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_multicast(),
    }
}

/// The routes of a link by who made them: the kernel's own and a router's are neither.
#[derive(Debug, Default, PartialEq, Eq)]
struct Routes {
    /// The default routes that came with a lease of DHCP.
    leased: Vec<Route>,
    /// Those that somebody configured.
    configured: Vec<Route>,
}

/// By rtm_protocol (rtnetlink(7)). The scripts of dhclient and udhcpc name no protocol, as do people
/// who configure a route by a command: on a link with DHCP a default route without one is the
/// lease's, unless another is marked as that.
fn split<'a>(routes: impl Iterator<Item = &'a netlink::Route> + Clone, dhcp4: bool) -> Routes {
    const BOOT: u8 = 3;
    const STATIC: u8 = 4;
    const DHCP: u8 = 16;
    let is_default = |route: &netlink::Route| !route.ipv6 && route.destination.is_none();
    let marked = routes
        .clone()
        .any(|route| is_default(route) && route.protocol == DHCP);
    let mut split = Routes::default();
    for one in routes {
        match one.protocol {
            DHCP | BOOT if dhcp4 && is_default(one) && (one.protocol == DHCP || !marked) => {
                split.leased.push(route(one));
            }
            BOOT | STATIC if !one.destination.is_some_and(is_link_local) => {
                split.configured.push(route(one));
            }
            _ => {}
        }
    }
    split
}

fn route(route: &netlink::Route) -> Route {
    Route {
        destination: route.destination.map(|ip| Address {
            ip,
            prefix: route.prefix,
        }),
        gateway: route.gateway,
        metric: route.metric,
    }
}

fn name_servers() -> (Vec<IpAddr>, Vec<String>) {
    let read = |path: &str| parse_resolv_conf(&std::fs::read_to_string(path).unwrap_or_default());
    let (dns, search) = read("/etc/resolv.conf");
    if dns.is_empty() {
        read(RESOLVED_UPLINK)
    } else {
        (dns, search)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default_by(gateway: &str, protocol: u8) -> netlink::Route {
        netlink::Route {
            ipv6: false,
            destination: None,
            prefix: 0,
            gateway: Some(gateway.parse().unwrap()),
            interface: Some(2),
            source: None,
            protocol,
            metric: None,
            on_link: false,
        }
    }

    /// Gateways of the leased and of the configured ones.
    fn gateways(routes: &[netlink::Route], dhcp4: bool) -> [Vec<String>; 2] {
        let split = split(routes.iter(), dhcp4);
        [split.leased, split.configured].map(|routes| {
            let gateways = routes.iter().filter_map(|route| route.gateway);
            gateways.map(|gateway| gateway.to_string()).collect()
        })
    }

    #[test]
    fn a_configured_default_route_beside_a_lease_is_configured() {
        let by_lease = |protocol| default_by("10.0.0.1", protocol);
        let by_hand = |protocol| default_by("10.0.0.254", protocol);
        let both = [vec!["10.0.0.1".to_owned()], vec!["10.0.0.254".to_owned()]];
        assert_eq!(gateways(&[by_lease(16), by_hand(3)], true), both);
        assert_eq!(gateways(&[by_lease(16), by_hand(4)], true), both);
        assert_eq!(gateways(&[by_lease(3), by_hand(4)], true), both);
        let only = [both[0].clone(), Vec::new()];
        assert_eq!(gateways(&[by_lease(3)], true), only);
        let only = [Vec::new(), both[1].clone()];
        assert_eq!(gateways(&[by_hand(3)], false), only);
    }

    #[test]
    fn takes_a_property_by_its_whole_name() {
        let kept = "I:5223\nE:ID_PATH_TAG=acpi\nE:ID_NET_DRIVER=hv_netvsc\nE:ID_PATH=acpi-VMBUS:01\nG:systemd\n";
        let property = |name| udev_property(kept, name);
        assert_eq!(property("ID_NET_DRIVER").as_deref(), Some("hv_netvsc"));
        assert_eq!(property("ID_PATH").as_deref(), Some("acpi-VMBUS:01"));
        assert_eq!(property("ID_NET"), None);
    }
}
