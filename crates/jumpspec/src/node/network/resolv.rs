//! resolv.conf(5).

use std::fmt::Write as _;
use std::net::IpAddr;

use super::Network;

/// Name servers and search domains of a `resolv.conf`. A server on the loopback is a
/// stub of that machine and is left out: its own upstream is named elsewhere.
pub fn parse_resolv_conf(text: &str) -> (Vec<IpAddr>, Vec<String>) {
    let mut dns = Vec::new();
    let mut search = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => {
                let server = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                dns.extend(server.filter(|ip| !ip.is_loopback() && !ip.is_unspecified()));
            }
            // The last of either counts.
            Some("search" | "domain") => {
                search = words
                    .filter(|word| *word != ".")
                    .map(str::to_owned)
                    .collect();
            }
            _ => {}
        }
    }
    (dns, search)
}

/// A `resolv.conf` with the network's name servers and search domains.
pub fn render_resolv_conf(network: &Network) -> String {
    let mut text = String::from("# Carried over from the old system.\n");
    if !network.search.is_empty() {
        let _ = writeln!(text, "search {}", network.search.join(" "));
    }
    for server in &network.dns {
        let _ = writeln!(text, "nameserver {server}");
    }
    text
}
