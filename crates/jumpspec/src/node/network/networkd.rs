//! systemd.network(5).

use std::fmt::Write as _;

use super::client_id::{ClientId, colons};
use super::file::{ETHERNET_MTU, matching, path};
use super::{Link, Network, Route};

/// One `.network` file for every used link, and one behind it that leaves alone what else has its
/// hardware address.
pub(super) fn render(network: &Network) -> Vec<(String, String)> {
    let resolving = network.resolving_link();
    let files = |(index, link): (usize, &Link)| {
        let dns = resolving == Some(index);
        let path = path(index, link, "etc/systemd/network", "network");
        let twins = link.sign.as_ref().map(|_| unmanaged(index, link));
        [(path, unit(network, link, dns))].into_iter().chain(twins)
    };
    let links = network.links.iter().enumerate();
    let used = links.filter(|(_, link)| link.is_used());
    used.flat_map(files).collect()
}

/// For links that have the address of `link` and are not used: a client there would ask for the
/// same lease. The first file in the order of names counts (systemd.network(5)).
fn unmanaged(index: usize, link: &Link) -> (String, String) {
    let text = format!(
        "# Others with the hardware address of {}.\n[Match]\nMACAddress={}\nType=ether\n\n[Link]\nUnmanaged=yes\n",
        link.name, link.mac
    );
    let path = format!("etc/systemd/network/11-twins-{index}.network");
    (path, text)
}

fn unit(network: &Network, link: &Link, dns: bool) -> String {
    let yes = |wanted: bool| if wanted { "yes" } else { "no" };
    let mut text = format!(
        "# Carried over: {} of the old system.\n{}\n",
        link.name,
        matching(link)
    );
    if link.mtu != ETHERNET_MTU && link.mtu != 0 {
        let _ = write!(text, "[Link]\nMTUBytes={}\n\n", link.mtu);
    }
    let dhcp = if link.dhcp4 { "ipv4" } else { "no" };
    let _ = write!(
        text,
        "[Network]\nDHCP={dhcp}\nIPv6AcceptRA={}\n",
        yes(link.auto6)
    );
    for address in &link.addresses {
        let _ = writeln!(text, "Address={address}");
    }
    if dns {
        for server in &network.dns {
            let _ = writeln!(text, "DNS={server}");
        }
        if !network.search.is_empty() {
            let _ = writeln!(text, "Domains={}", network.search.join(" "));
        }
    }
    if link.dhcp4 {
        text += &client_identifier(link);
    }
    link.routes
        .iter()
        .for_each(|entry| text += &route(link, entry));
    text
}

/// As the old system asked: networkd's default is made from the machine id, and a new one would
/// mean another address. It can ask by a DUID or by the hardware address.
fn client_identifier(link: &Link) -> String {
    let id = link.asks_as();
    let Some(duid) = id.as_ref().and_then(ClientId::duid) else {
        return "\n[DHCPv4]\nClientIdentifier=mac\n".to_owned();
    };
    let kind = match duid.kind {
        1 => "link-layer-time",
        2 => "vendor",
        3 => "link-layer",
        _ => "uuid",
    };
    format!(
        "\n[DHCPv4]\nClientIdentifier=duid\nIAID={}\nDUIDType={kind}\nDUIDRawData={}\n",
        duid.iaid,
        colons(duid.data)
    )
}

fn route(link: &Link, route: &Route) -> String {
    let mut text = String::from("\n[Route]\n");
    let default = if route.is_ipv6() { "::/0" } else { "0.0.0.0/0" };
    let destination = route
        .destination
        .map_or_else(|| default.to_owned(), |d| d.to_string());
    let _ = writeln!(text, "Destination={destination}");
    match route.gateway {
        Some(gateway) => {
            let _ = writeln!(text, "Gateway={gateway}");
        }
        None if !route.is_ipv6() => text += "Scope=link\n",
        None => {}
    }
    if link.needs_onlink(route) {
        text += "GatewayOnLink=yes\n";
    }
    if let Some(metric) = route.metric {
        let _ = writeln!(text, "Metric={metric}");
    }
    text
}
