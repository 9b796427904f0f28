use super::*;
use crate::node::network::{Address, Link, NetworkStack, render};

const INFINIBAND: &str = "80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:61:aa:91";

/// The sample's second link, under another name and without addresses.
fn unused(name: &str, mac: &str) -> Link {
    Link {
        name: name.to_owned(),
        mac: mac.to_owned(),
        addresses: Vec::new(),
        ..facts().network.links[1].clone()
    }
}

fn infiniband() -> Link {
    Link {
        addresses: vec![Address {
            ip: [10, 10, 0, 7].into(),
            prefix: 16,
        }],
        ..unused("ib0", INFINIBAND)
    }
}

/// The sample with one more link, reached at the address of its second one.
fn with(link: Link) -> Facts {
    let mut facts = facts();
    facts.network.links.push(link);
    facts.ssh_address = Some([192, 168, 77, 10].into());
    facts
}

#[test]
fn infiniband_beside_the_link_of_the_login_is_left_out_and_told() {
    let plan = planned(&with(infiniband()), &job()).unwrap();
    let links = &plan.network.as_ref().unwrap().network.links;
    let names: Vec<_> = links.iter().map(|link| link.name.as_str()).collect();
    assert_eq!(names, ["ens3", "ens4"]);
    let told = |note: &String| note.starts_with("ib0 has addresses and is left");
    assert!(plan.notes.iter().any(told), "{:?}", plan.notes);
}

#[test]
fn infiniband_that_carries_the_login_or_the_default_route_is_refused() {
    let mut facts = with(infiniband());
    facts.ssh_address = Some([10, 10, 0, 7].into());
    assert_eq!(codes(&facts, &job()), ["network-unsupported"]);
    let mut facts = with(infiniband());
    facts.ssh_address = None;
    assert_eq!(codes(&facts, &job()), ["network-unsupported"], "not known");
    let mut facts = with(infiniband());
    facts.network.links[2].routes = vec![crate::node::network::Route {
        destination: None,
        gateway: Some([10, 10, 0, 1].into()),
        metric: None,
    }];
    assert_eq!(codes(&facts, &job()), ["network-unsupported"]);
}

#[test]
fn ports_that_nobody_uses_refuse_no_node() {
    for twin in ["00:00:00:00:00:00", "52:54:00:00:00:09"] {
        let mut facts = with(unused("ens5v0", twin));
        facts.network.links.push(unused("ens5v1", twin));
        let plan = planned(&facts, &job()).unwrap();
        assert_eq!(plan.network.unwrap().network.links.len(), 2);
    }
    planned(&with(unused("ib0", INFINIBAND)), &job()).unwrap();
}

/// The sample with a virtual function that has the address of its second link, each with its
/// driver and place on the bus.
fn with_twin(used: (&str, &str), twin: (&str, &str)) -> Facts {
    let mac = facts().network.links[1].mac.clone();
    let mut facts = with(unused("ens4v0", &mac));
    for (index, (driver, path)) in [(1, used), (2, twin)] {
        facts.network.links[index].driver = Some(driver.to_owned());
        facts.network.links[index].bus_path = Some(path.to_owned());
    }
    facts
}

#[test]
fn a_twin_of_the_link_in_use_that_nothing_tells_from_it_is_refused() {
    let mac = facts().network.links[1].mac.clone();
    let facts = with(unused("ens4v0", &mac));
    assert_eq!(codes(&facts, &job()), ["network-unsupported"]);
    let same = ("mlx5_core", "pci-0000:00:04.0");
    assert_eq!(
        codes(&with_twin(same, same), &job()),
        ["network-unsupported"]
    );
    // A pattern would match anything.
    let odd = with_twin(("*", "a b"), same);
    assert_eq!(codes(&odd, &job()), ["network-unsupported"]);
}

#[test]
fn a_twin_of_the_link_in_use_is_told_from_it_by_driver_or_bus_path() {
    for (used, twin, matched) in [
        (
            ("hv_netvsc", "acpi-1"),
            ("mlx5_core", "pci-2"),
            "Driver=hv_netvsc\n",
        ),
        (
            ("mlx5_core", "pci-0000:00:04.0"),
            ("mlx5_core", "pci-2"),
            "Path=pci-0000:00:04.0\n",
        ),
    ] {
        let plan = planned(&with_twin(used, twin), &job()).unwrap();
        let network = plan.network.unwrap().network;
        let names: Vec<_> = network
            .links
            .iter()
            .map(|link| link.name.as_str())
            .collect();
        assert_eq!(names, ["ens3", "ens4"]);
        let files = render(NetworkStack::Networkd, &network).unwrap();
        let matching = files.iter().filter(|file| file.text.contains(matched));
        let matching: Vec<_> = matching.map(|file| file.path.to_string()).collect();
        assert_eq!(
            matching.len(),
            2,
            "its name and its addresses: {matching:?}"
        );
        assert!(matching.iter().any(|path| path.contains(".link")));
        let others = files
            .iter()
            .find(|file| file.text.contains("Unmanaged=yes"));
        assert!(
            matching
                .iter()
                .all(|path| *path < others.unwrap().path.to_string())
        );
        let (key, value) = matched.trim_end().split_once('=').unwrap();
        let matched = format!("[match]\n{}={value};\n", key.to_lowercase());
        let files = render(NetworkStack::NetworkManager, &network).unwrap();
        assert!(
            files.iter().any(|file| file.text.contains(&matched)),
            "{files:?}"
        );
        let told = |note: &String| {
            note.contains(&format!(
                "of ens4, which is known by its {}",
                if key == "Driver" {
                    "driver"
                } else {
                    "bus path"
                }
            ))
        };
        assert!(plan.notes.iter().any(told), "{:?}", plan.notes);
    }
}
