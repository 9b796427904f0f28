//! NetworkManager's key files: nm-settings-keyfile(5).

use std::fmt::Write as _;
use std::net::IpAddr;

use super::file::{ETHERNET_MTU, path};
use super::{Link, Network};

/// One connection for every used link.
pub(super) fn render(network: &Network) -> Vec<(String, String)> {
    let resolving = network.resolving_link();
    let file = |(index, link): (usize, &Link)| {
        let folder = "etc/NetworkManager/system-connections";
        let dns = (resolving == Some(index)).then_some(network);
        (
            path(index, link, folder, "nmconnection"),
            connection(link, dns),
        )
    };
    let links = network.links.iter().enumerate();
    links.filter(|(_, link)| link.is_used()).map(file).collect()
}

fn connection(link: &Link, dns: Option<&Network>) -> String {
    let mut text = format!(
        "# Carried over from the old system.\n[connection]\nid=carried {}\ntype=ethernet\nautoconnect=true\n\n\
         [ethernet]\nmac-address={}\n",
        link.name, link.mac
    );
    if link.mtu != ETHERNET_MTU && link.mtu != 0 {
        let _ = writeln!(text, "mtu={}", link.mtu);
    }
    if let Some(sign) = &link.sign {
        text += &sign.keyfile();
    }
    text + &family(link, dns, false) + &family(link, dns, true)
}

fn family(link: &Link, dns: Option<&Network>, ipv6: bool) -> String {
    let automatic = if ipv6 { link.auto6 } else { link.dhcp4 };
    let fixed = link
        .addresses
        .iter()
        .filter(|address| address.ip.is_ipv6() == ipv6);
    let method = match (automatic, fixed.clone().next(), ipv6) {
        (true, _, _) => "auto",
        (false, Some(_), _) => "manual",
        (false, None, true) => "link-local",
        (false, None, false) => "disabled",
    };
    let mut text = format!(
        "\n[{}]\nmethod={method}\n",
        if ipv6 { "ipv6" } else { "ipv4" }
    );
    if link.dhcp4 && !ipv6 {
        let id = link.asks_as().map(|id| id.to_string());
        let _ = writeln!(text, "dhcp-client-id={}", id.as_deref().unwrap_or("mac"));
    }
    for (number, address) in (1..).zip(fixed) {
        let _ = writeln!(text, "address{number}={address}");
    }
    let routes = link.routes.iter().filter(|route| route.is_ipv6() == ipv6);
    for (number, route) in (1..).zip(routes) {
        let default = if ipv6 { "::/0" } else { "0.0.0.0/0" };
        let destination = route
            .destination
            .map_or_else(|| default.to_owned(), |d| d.to_string());
        let gateway = route
            .gateway
            .map(|gateway| gateway.to_string())
            .unwrap_or_default();
        let metric = route
            .metric
            .map(|metric| format!(",{metric}"))
            .unwrap_or_default();
        let gateway = if gateway.is_empty() && metric.is_empty() {
            gateway
        } else {
            format!(",{gateway}")
        };
        let _ = writeln!(text, "route{number}={destination}{gateway}{metric}");
        if link.needs_onlink(route) {
            let _ = writeln!(text, "route{number}_options=onlink=true");
        }
    }
    text + &dns.map_or_else(String::new, |network| servers(network, ipv6))
}

fn servers(network: &Network, ipv6: bool) -> String {
    let list = |values: Vec<String>| {
        values
            .iter()
            .map(|value| format!("{value};"))
            .collect::<Vec<_>>()
            .concat()
    };
    let same = network.dns.iter().filter(|server| server.is_ipv6() == ipv6);
    let servers = list(same.map(IpAddr::to_string).collect());
    let mut text = String::new();
    if !servers.is_empty() {
        let _ = writeln!(text, "dns={servers}");
    }
    if !servers.is_empty() && !network.search.is_empty() {
        let _ = writeln!(text, "dns-search={}", list(network.search.clone()));
    }
    text
}
