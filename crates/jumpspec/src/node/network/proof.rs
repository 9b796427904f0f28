//! Whether a network is the one that was captured: a node that came up under another address is
//! a node that nobody finds.

use std::net::{IpAddr, Ipv6Addr};

use super::{Address, Link, Network, Route};

/// Length of the network that a router advertises (RFC 4291, section 2.5.4). Addresses of
/// DHCPv6 come without one.
const ADVERTISED_PREFIX: u8 = 64;

/// What is asked of a network.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// As captured.
    pub network: &'a Network,
    /// Whether addresses and routes that were given by servers and routers may be others now.
    pub may_change: bool,
    /// The address that the admin host reached the node at, if it is one of the node's own.
    pub login: Option<IpAddr>,
}

impl Demand<'_> {
    /// What `now` lacks, in words. Links are known by hardware address; of those that have the
    /// same, one has to be as wanted.
    pub fn missing(&self, now: &Network) -> Option<String> {
        let mut used = self.network.links.iter().filter(|link| link.is_used());
        let lacks = used.find_map(|link| {
            let found = now.links.iter().filter(|found| found.mac == link.mac);
            let lacks: Vec<_> = found.map(|found| self.link(link, found)).collect();
            if lacks.is_empty() {
                let (mac, name) = (&link.mac, &link.name);
                return Some(format!("no link has the address {mac} of {name}"));
            }
            // None sorts first.
            lacks.into_iter().min().flatten()
        });
        lacks.or_else(|| self.lost_login(now))
    }

    fn link(&self, wanted: &Link, found: &Link) -> Option<String> {
        if !found.up {
            return Some(format!("{} is down", found.name));
        }
        let lacks = |address: &&Address| !found.addresses.contains(address);
        if let Some(address) = wanted.addresses.iter().find(lacks) {
            return Some(format!("{} lacks its address {}", found.name, address.ip));
        }
        leased(wanted, found, self.may_change)
            .or_else(|| advertised(wanted, found, self.may_change))
            .or_else(|| self.route(wanted, found))
    }

    fn route(&self, wanted: &Link, found: &Link) -> Option<String> {
        let leased = wanted.leased_routes.iter().filter(|_| !self.may_change);
        let same = |one: &Route, other: &Route| {
            (one.destination, one.gateway) == (other.destination, other.gateway)
        };
        let there = |route: &Route| {
            let mut routes = found.routes.iter().chain(&found.leased_routes);
            routes.any(|other| same(route, other))
        };
        let mut all = wanted.routes.iter().chain(leased);
        let route = all.find(|route| !there(route))?;
        let to = route
            .destination
            .map_or_else(|| "everywhere".to_owned(), |to| to.to_string());
        let via = route
            .gateway
            .map(|gateway| format!(" by {gateway}"))
            .unwrap_or_default();
        Some(format!("{} lacks its route to {to}{via}", found.name))
    }

    /// A name leads to this address and to no other of the node's.
    fn lost_login(&self, now: &Network) -> Option<String> {
        let login = self.login.filter(|_| !self.may_change)?;
        let has = |network: &Network| {
            let mut addresses = network.links.iter().flat_map(Link::all_addresses);
            addresses.any(|address| address.ip == login)
        };
        (has(self.network) && !has(now))
            .then(|| format!("the node lacks the address {login}, which it was reached at"))
    }
}

impl Link {
    fn all_addresses(&self) -> impl Iterator<Item = &Address> {
        self.addresses
            .iter()
            .chain(&self.leased)
            .chain(&self.advertised)
    }
}

/// What the DHCP server gave. Facts of older versions do not say which addresses.
fn leased(wanted: &Link, found: &Link, may_change: bool) -> Option<String> {
    if wanted.dhcp4 && !found.dhcp4 {
        return Some(format!("{} got no address by DHCP", found.name));
    }
    let lacks = |address: &&Address| !found.leased.iter().any(|other| other.ip == address.ip);
    let lost = wanted.leased.iter().find(lacks).filter(|_| !may_change)?;
    let got: Vec<String> = found.leased.iter().map(|got| got.ip.to_string()).collect();
    Some(format!(
        "{} got {} by DHCP and not {}, which the node had",
        found.name,
        got.join(", "),
        lost.ip
    ))
}

/// What routers advertised or DHCPv6 gave: the part of the host may be another with another
/// network stack, and by design is for privacy (RFC 8981, RFC 7217); the network may not.
fn advertised(wanted: &Link, found: &Link, may_change: bool) -> Option<String> {
    let network = |address: &Address| match address.ip {
        IpAddr::V6(ip) => Some(Address {
            ip: ip.into(),
            prefix: address.prefix.min(ADVERTISED_PREFIX),
        }),
        IpAddr::V4(_) => None,
    };
    let mut networks = wanted.advertised.iter().filter_map(network);
    let has = |network: &Address| {
        let mut ips = found.all_addresses().map(|address| address.ip);
        ips.any(|ip| network.contains(ip))
    };
    let lost = networks
        .find(|network| !has(network))
        .filter(|_| !may_change)?;
    Some(format!("{} has no address in {}", found.name, masked(lost)))
}

/// The network's own address.
fn masked(network: Address) -> Address {
    let ip = match network.ip {
        IpAddr::V6(ip) => {
            let host = u32::from(128_u8.saturating_sub(network.prefix));
            let mask = u128::MAX.checked_shl(host).unwrap_or_default();
            Ipv6Addr::from_bits(ip.to_bits() & mask).into()
        }
        ip @ IpAddr::V4(_) => ip,
    };
    Address { ip, ..network }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{address, link, route};
    use super::*;

    fn network(link: Link) -> Network {
        Network {
            links: vec![link],
            ..Network::default()
        }
    }

    fn leased_link(ip: &str) -> Link {
        Link {
            dhcp4: true,
            leased: vec![address(&format!("{ip}/24"))],
            leased_routes: vec![route(None, Some("192.0.2.1"), None)],
            ..link("eth0", 1)
        }
    }

    /// What is missing where the node had `wanted` and now has `found`.
    fn missing(wanted: Link, found: Link) -> Option<String> {
        let wanted = network(wanted);
        let demand = Demand {
            network: &wanted,
            may_change: false,
            login: None,
        };
        demand.missing(&network(found))
    }

    #[test]
    fn a_missing_static_address_is_named() {
        let wanted = Link {
            addresses: vec![address("192.168.77.10/24")],
            ..link("eth0", 1)
        };
        assert_eq!(missing(wanted.clone(), wanted.clone()), None);
        assert_eq!(
            missing(wanted, leased_link("192.0.2.9")).unwrap(),
            "eth0 lacks its address 192.168.77.10"
        );
    }

    #[test]
    fn a_twin_of_the_link_that_has_all_takes_nothing_away() {
        let wanted = Link {
            addresses: vec![address("192.168.77.10/24")],
            ..link("eth0", 1)
        };
        let captured = network(wanted.clone());
        let demand = Demand {
            network: &captured,
            may_change: false,
            login: None,
        };
        let twin = link("eth1", 1);
        let mut now = network(twin.clone());
        now.links.push(wanted);
        assert_eq!(demand.missing(&now), None);
        now.links.truncate(1);
        assert_eq!(
            demand.missing(&now).unwrap(),
            "eth1 lacks its address 192.168.77.10"
        );
    }

    #[test]
    fn another_lease_than_the_nodes_is_not_enough() {
        let said = missing(leased_link("192.0.2.5"), leased_link("192.0.2.77")).unwrap();
        assert_eq!(
            said,
            "eth0 got 192.0.2.77 by DHCP and not 192.0.2.5, which the node had"
        );
        assert_eq!(
            missing(leased_link("192.0.2.5"), leased_link("192.0.2.5")),
            None
        );
        let none = missing(leased_link("192.0.2.5"), link("eth0", 1)).unwrap();
        assert_eq!(none, "eth0 got no address by DHCP");
    }

    #[test]
    fn another_lease_will_do_where_the_job_says_so_or_facts_do_not_name_it() {
        let wanted = network(leased_link("192.0.2.5"));
        let demand = Demand {
            network: &wanted,
            may_change: true,
            login: Some("192.0.2.5".parse().unwrap()),
        };
        let now = network(leased_link("192.0.2.77"));
        assert_eq!(demand.missing(&now), None);
        let unnamed = Link {
            leased: Vec::new(),
            ..leased_link("192.0.2.5")
        };
        assert_eq!(missing(unnamed, leased_link("192.0.2.77")), None);
    }

    #[test]
    fn a_missing_route_is_named() {
        let wanted = Link {
            addresses: vec![address("192.0.2.5/24")],
            routes: vec![route(Some("10.0.0.0/8"), Some("192.0.2.1"), Some(5))],
            ..link("eth0", 1)
        };
        let without = Link {
            routes: Vec::new(),
            ..wanted.clone()
        };
        assert_eq!(
            missing(wanted.clone(), without).unwrap(),
            "eth0 lacks its route to 10.0.0.0/8 by 192.0.2.1"
        );
        let other_metric = Link {
            routes: vec![route(Some("10.0.0.0/8"), Some("192.0.2.1"), None)],
            ..wanted.clone()
        };
        assert_eq!(missing(wanted, other_metric), None);
        let other_way = Link {
            leased_routes: vec![route(None, Some("192.0.2.254"), None)],
            ..leased_link("192.0.2.5")
        };
        assert_eq!(
            missing(leased_link("192.0.2.5"), other_way).unwrap(),
            "eth0 lacks its route to everywhere by 192.0.2.1"
        );
    }

    #[test]
    fn an_advertised_network_stays_and_the_part_of_the_host_may_change() {
        let auto = |ip: &str| Link {
            auto6: true,
            advertised: vec![address(ip)],
            ..link("eth0", 1)
        };
        let wanted = auto("2001:db8:1::5054:ff:fe12:3456/64");
        assert_eq!(missing(wanted.clone(), auto("2001:db8:1::abcd/64")), None);
        assert_eq!(
            missing(wanted.clone(), auto("2001:db8:2::1/64")).unwrap(),
            "eth0 has no address in 2001:db8:1::/64"
        );
        assert_eq!(
            missing(auto("2001:db8:1::7/128"), auto("2001:db8:1::9/128")),
            None
        );
        let wanted = network(wanted);
        let demand = Demand {
            network: &wanted,
            may_change: false,
            login: Some("2001:db8:1::5054:ff:fe12:3456".parse().unwrap()),
        };
        let said = demand
            .missing(&network(auto("2001:db8:1::abcd/64")))
            .unwrap();
        assert!(said.contains("which it was reached at"), "{said}");
    }

    #[test]
    fn a_link_is_known_by_its_mac_whatever_its_name() {
        let renamed = Link {
            name: "ens3".to_owned(),
            ..leased_link("192.0.2.5")
        };
        assert_eq!(missing(leased_link("192.0.2.5"), renamed), None);
        let other = Link {
            mac: link("eth0", 9).mac,
            ..leased_link("192.0.2.5")
        };
        let said = missing(leased_link("192.0.2.5"), other).unwrap();
        assert!(said.contains("52:54"), "{said}");
    }
}
