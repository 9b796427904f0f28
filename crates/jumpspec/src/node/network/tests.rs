use proptest::prelude::*;

use super::*;
use crate::node::network::NetworkStack;

pub(crate) fn address(text: &str) -> Address {
    let (ip, prefix) = text.split_once('/').unwrap();
    Address {
        ip: ip.parse().unwrap(),
        prefix: prefix.parse().unwrap(),
    }
}

pub(crate) fn route(
    destination: Option<&str>,
    gateway: Option<&str>,
    metric: Option<u32>,
) -> Route {
    Route {
        destination: destination.map(address),
        gateway: gateway.map(|ip| ip.parse().unwrap()),
        metric,
    }
}

pub(crate) fn link(name: &str, last: u8) -> Link {
    Link {
        name: name.to_owned(),
        mac: format!("52:54:00:12:34:{last:02x}"),
        virtual_kind: None,
        up: true,
        mtu: 1500,
        dhcp4: false,
        auto6: false,
        ..Link::default()
    }
}

/// One link by DHCP and router advertisements, one with all that can be static, one
/// that is down.
fn rich() -> Network {
    let dhcp = Link {
        dhcp4: true,
        auto6: true,
        client_id: ClientId::parse("ff:00:12:34:01:00:01:00:01:aa:bb:cc:dd"),
        ..link("ens3", 1)
    };
    let fixed = Link {
        mtu: 9000,
        addresses: ["192.0.2.5/24", "198.51.100.7/32", "2001:db8::5/64"]
            .map(address)
            .to_vec(),
        routes: vec![
            route(Some("10.0.0.0/8"), Some("192.0.2.1"), Some(50)),
            route(None, Some("203.0.113.1"), None),
            route(Some("203.0.113.1/32"), None, None),
            route(None, Some("fe80::1"), None),
            route(Some("2001:db8:1::/48"), None, Some(7)),
        ],
        ..link("eth1", 2)
    };
    Network {
        links: vec![
            dhcp,
            fixed,
            Link {
                up: false,
                ..link("ens9", 3)
            },
        ],
        dns: vec![
            "192.0.2.53".parse().unwrap(),
            "2001:db8::53".parse().unwrap(),
        ],
        search: vec!["example.org".to_owned(), "example.net".to_owned()],
    }
}

fn rendered(stack: NetworkStack) -> String {
    let files = render(stack, &rich()).unwrap();
    let file = |file: &NetworkFile| {
        let (path, text) = (&file.path, &file.text);
        let appended = if file.is_appended { " appended" } else { "" };
        format!("=== {path} {:o}{appended}\n{text}", file.mode)
    };
    files.iter().map(file).collect::<Vec<_>>().join("\n")
}

#[test]
fn networkd_gets_links_addresses_routes_and_servers() {
    insta::assert_snapshot!(rendered(NetworkStack::Networkd));
}

#[test]
fn ifupdown_gets_links_addresses_routes_and_servers() {
    insta::assert_snapshot!(rendered(NetworkStack::Ifupdown));
}

#[test]
fn network_manager_gets_links_addresses_routes_and_servers() {
    insta::assert_snapshot!(rendered(NetworkStack::NetworkManager));
}

fn by(client_id: Option<&str>, stack: NetworkStack) -> String {
    let link = Link {
        dhcp4: true,
        client_id: client_id.and_then(ClientId::parse),
        ..link("eth0", 1)
    };
    let network = Network {
        links: vec![link],
        ..Network::default()
    };
    let files = render(stack, &network).unwrap();
    files.iter().map(|file| file.text.clone()).collect()
}

#[test]
fn every_stack_asks_as_the_old_system_did() {
    let duid = Some("ff:00:12:34:56:00:01:aa:bb");
    let networkd = by(duid, NetworkStack::Networkd);
    let wanted =
        "ClientIdentifier=duid\nIAID=1193046\nDUIDType=link-layer-time\nDUIDRawData=aa:bb\n";
    assert!(networkd.contains(wanted), "{networkd}");
    let ifupdown = by(duid, NetworkStack::Ifupdown);
    for wanted in [
        "    client ff:00:12:34:56:00:01:aa:bb\n",
        "interface \"eth0\" {\n    send dhcp-client-identifier ff:00:12:34:56:00:01:aa:bb;\n}\n",
    ] {
        assert!(ifupdown.contains(wanted), "{ifupdown}");
    }
    let keyfile = by(duid, NetworkStack::NetworkManager);
    assert!(
        keyfile.contains("dhcp-client-id=ff:00:12:34:56:00:01:aa:bb\n"),
        "{keyfile}"
    );
}

#[test]
fn every_stack_asks_by_the_hardware_address_where_nothing_else_is_known() {
    let by_mac = "01:52:54:00:12:34:01";
    assert!(by(None, NetworkStack::Networkd).contains("ClientIdentifier=mac\n"));
    assert!(by(None, NetworkStack::NetworkManager).contains(&format!("dhcp-client-id={by_mac}\n")));
    let ifupdown = by(None, NetworkStack::Ifupdown);
    assert!(
        ifupdown.contains(&format!("    client {by_mac}\n")),
        "{ifupdown}"
    );
    assert!(ifupdown.contains(&format!("send dhcp-client-identifier {by_mac};\n")));
}

#[test]
fn what_a_stack_cannot_ask_as_is_told() {
    let of = |client_id: &str, stack| {
        let link = Link {
            dhcp4: true,
            client_id: ClientId::parse(client_id),
            ..link("eth0", 1)
        };
        let network = Network {
            links: vec![link],
            ..Network::default()
        };
        strangers(stack, &network).len()
    };
    assert_eq!(of("00:6e:6f:64:65", NetworkStack::Networkd), 1);
    assert_eq!(of("00:6e:6f:64:65", NetworkStack::Ifupdown), 0);
    assert_eq!(of("ff:00:12:34:56:00:01:aa:bb", NetworkStack::Networkd), 0);
    assert_eq!(of("01:52:54:00:12:34:01", NetworkStack::Networkd), 0);
}

#[test]
fn a_carried_block_stands_at_the_end_and_once() {
    let files = render(NetworkStack::Ifupdown, &rich()).unwrap();
    let file = files.iter().find(|file| file.is_appended).unwrap();
    let once = file.merged("timeout 60;\n");
    assert!(once.starts_with("timeout 60;\n") && once.ends_with(&file.text));
    assert_eq!(file.merged(&once), once);
    assert_eq!(file.merged(""), file.text);
}

fn refusal(link: Link) -> Option<&'static str> {
    let first = Link {
        dhcp4: true,
        ..self::link("ens3", 1)
    };
    let network = Network {
        links: vec![first, link],
        ..Network::default()
    };
    check(&network).err().map(|refusal| refusal.code())
}

#[test]
fn refuses_addresses_on_virtual_links() {
    let virtual_link = |kind: &str| Link {
        virtual_kind: Some(kind.to_owned()),
        addresses: vec![address("192.0.2.9/24")],
        ..link("v0", 9)
    };
    assert_eq!(refusal(virtual_link("bond")), Some("network-virtual-link"));
    assert_eq!(refusal(virtual_link("vlan")), Some("network-virtual-link"));
    assert_eq!(
        refusal(Link {
            dhcp4: true,
            ..virtual_link("bridge")
        }),
        Some("network-virtual-link")
    );
    assert_eq!(
        refusal(Link {
            up: false,
            ..virtual_link("bond")
        }),
        None
    );
}

#[test]
fn leaves_container_bridges_to_their_software() {
    let docker = Link {
        virtual_kind: Some("bridge".to_owned()),
        addresses: vec![address("172.17.0.1/16")],
        ..link("docker0", 9)
    };
    assert_eq!(refusal(docker.clone()), None);
    let network = Network {
        links: vec![docker],
        ..Network::default()
    };
    assert_eq!(check(&network), Err(NetworkRefusal::NoAddress));
    let mut beside = rich();
    beside.links.extend(network.links);
    assert_eq!(settle(&beside, None).unwrap().left, ["docker0"]);
}

#[test]
fn refuses_what_cannot_be_matched_or_written() {
    assert_eq!(
        refusal(link("ens4", 1)),
        Some("network-same-hardware-address")
    );
    assert_eq!(refusal(link("a\nb", 2)), Some("network-name"));
    assert_eq!(refusal(link("a-name-too-long0", 2)), Some("network-name"));
    assert_eq!(
        refusal(Link {
            mac: "80:00:02:08".to_owned(),
            ..link("ib0", 2)
        }),
        Some("network-hardware-address")
    );
    let addresses = vec![address("192.0.2.9/33")];
    assert_eq!(
        refusal(Link {
            addresses,
            ..link("ens4", 2)
        }),
        Some("network-prefix")
    );
}

#[test]
fn refuses_search_domains_that_would_end_the_line() {
    let network = Network {
        search: vec!["a\nDNS=1.2.3.4".to_owned()],
        ..rich()
    };
    assert_eq!(check(&network).unwrap_err().code(), "network-name");
}

#[test]
fn an_address_knows_its_network() {
    for (of, ip, within) in [
        ("192.0.2.5/24", "192.0.2.1", true),
        ("192.0.2.5/24", "192.0.3.1", false),
        ("192.0.2.5/32", "192.0.2.1", false),
        ("192.0.2.5/0", "8.8.8.8", true),
        ("2001:db8::5/64", "2001:db8::1", true),
        ("2001:db8::5/0", "fe80::1", true),
        ("192.0.2.5/24", "2001:db8::1", false),
    ] {
        assert_eq!(
            address(of).contains(ip.parse().unwrap()),
            within,
            "{of} {ip}"
        );
    }
}

#[test]
fn a_stub_resolver_gives_no_servers() {
    let stub = "# systemd-resolved\nnameserver 127.0.0.53\noptions edns0\nsearch lan .\n";
    assert_eq!(
        parse_resolv_conf(stub),
        (Vec::new(), vec!["lan".to_owned()])
    );
}

#[test]
fn resolv_conf_is_read_back_as_written() {
    let network = rich();
    let text = render_resolv_conf(&network);
    assert_eq!(parse_resolv_conf(&text), (network.dns, network.search));
}

proptest! {
    #[test]
    fn no_resolv_conf_is_too_odd(text in any::<String>()) {
        let (dns, _) = parse_resolv_conf(&text);
        prop_assert!(dns.iter().all(|ip| !ip.is_loopback()));
    }

    #[test]
    fn contains_never_panics(a in any::<IpAddr>(), b in any::<IpAddr>(), prefix in any::<u8>()) {
        Address { ip: a, prefix }.contains(b);
    }
}
