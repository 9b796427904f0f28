use super::*;
use crate::network::{Address, Link};

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
    facts.network.links[2].routes = vec![crate::network::Route {
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

#[test]
fn a_twin_of_the_link_in_use_would_get_its_addresses_and_is_refused() {
    let mac = facts().network.links[1].mac.clone();
    let facts = with(unused("ens4v0", &mac));
    assert_eq!(codes(&facts, &job()), ["network-unsupported"]);
}
