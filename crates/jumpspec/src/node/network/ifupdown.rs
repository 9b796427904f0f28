//! interfaces(5) of Debian's ifupdown.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::file::ETHERNET_MTU;
use super::{Address, Link, Network, Route};

/// `/etc/network/interfaces`, whole: what it used to source is left out, since a second
/// stanza for the same link would be added to ours.
pub(super) fn render(network: &Network) -> String {
    let mut text =
        String::from("# Carried over from the old system.\nauto lo\niface lo inet loopback\n");
    let resolving = network.resolving_link();
    for (index, link) in network.links.iter().enumerate() {
        if link.is_used() {
            let dns = resolving == Some(index);
            text += &stanzas(link, &dns_lines(network, dns));
        }
    }
    text
}

/// For dhclient(8), which ifupdown(8) runs where it is installed: it passes over the stanza's
/// `client` and asks by a DUID of its own making, unless dhclient.conf(5) says otherwise.
pub(super) fn dhclient(network: &Network) -> Option<String> {
    let asks = |link: &&Link| link.is_used() && link.dhcp4;
    let blocks: Vec<String> = network
        .links
        .iter()
        .filter(asks)
        .filter_map(|link| {
            let id = link.asks_as()?;
            Some(format!(
                "interface \"{}\" {{\n    send dhcp-client-identifier {id};\n}}\n",
                link.name
            ))
        })
        .collect();
    (!blocks.is_empty()).then(|| blocks.concat())
}

/// For resolvconf, where it is installed.
fn dns_lines(network: &Network, wanted: bool) -> String {
    let mut text = String::new();
    let servers: Vec<String> = network.dns.iter().map(IpAddr::to_string).collect();
    for (word, values) in [
        ("dns-nameservers", &servers),
        ("dns-search", &network.search),
    ] {
        if wanted && !values.is_empty() {
            let _ = writeln!(text, "    {word} {}", values.join(" "));
        }
    }
    text
}

/// One stanza for each way of getting an address; what belongs to the link as a whole
/// stands in the first, routes in the first of their family.
fn stanzas(link: &Link, dns: &str) -> String {
    let of = |ipv6: bool| {
        link.addresses
            .iter()
            .filter(move |address| address.ip.is_ipv6() == ipv6)
    };
    let mut stanzas: Vec<(bool, String)> = Vec::new();
    if link.dhcp4 {
        let client = link.asks_as().map(|id| format!("    client {id}\n"));
        stanzas.push((false, format!("inet dhcp\n{}", client.unwrap_or_default())));
    }
    stanzas.extend(of(false).map(|address| (false, fixed("inet", address))));
    if link.auto6 {
        stanzas.push((true, "inet6 auto\n".to_owned()));
    }
    let accept_ra = if link.auto6 { "" } else { "    accept_ra 0\n" };
    stanzas.extend(of(true).map(|address| (true, fixed("inet6", address) + accept_ra)));

    for route in &link.routes {
        let family = stanzas
            .iter()
            .position(|(ipv6, _)| *ipv6 == route.is_ipv6());
        if let Some((_, stanza)) = stanzas.get_mut(family.unwrap_or(0)) {
            *stanza += &route_line(link, route);
        }
    }
    let mut text = format!("\nauto {}\n", link.name);
    for (index, (_, stanza)) in stanzas.iter().enumerate() {
        let _ = write!(text, "iface {} {stanza}", link.name);
        if index == 0 {
            text += &mtu_line(link);
            text += dns;
        }
    }
    text
}

fn fixed(family: &str, address: &Address) -> String {
    format!("{family} static\n    address {address}\n")
}

fn mtu_line(link: &Link) -> String {
    if link.mtu == ETHERNET_MTU || link.mtu == 0 {
        return String::new();
    }
    format!(
        "    pre-up ip link set dev {} mtu {}\n",
        link.name, link.mtu
    )
}

fn route_line(link: &Link, route: &Route) -> String {
    let tool = if route.is_ipv6() { "ip -6" } else { "ip" };
    let destination = route
        .destination
        .map_or_else(|| "default".to_owned(), |d| d.to_string());
    let mut text = format!("    up {tool} route replace {destination}");
    if let Some(gateway) = route.gateway {
        let _ = write!(text, " via {gateway}");
    }
    let _ = write!(text, " dev {}", link.name);
    if let Some(metric) = route.metric {
        let _ = write!(text, " metric {metric}");
    }
    if link.needs_onlink(route) {
        text += " onlink";
    }
    text + "\n"
}
