use super::*;

/// Made by ssh-keygen for this test; nobody has its private part.
const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJgZL2OHN7UN1CLuNgbYA9DgXtPZaCDOK4FcrTaWb/nh node07";
const FINGERPRINT: &str = "SHA256:ScQ2Mcdnk2VWHnhbUPwX4mN0thvozQUt3b2Ldn7x2ug";

fn key(kind: &str, name: &str) -> HostKey {
    HostKey {
        kind: kind.to_owned(),
        fingerprint: format!("SHA256:{name}"),
    }
}

fn node() -> Identity {
    Identity {
        hostname: "node07".to_owned(),
        host_keys: vec![key("ssh-rsa", "r"), key("ssh-ed25519", "e")],
        authorized_keys: key_lines("ssh-ed25519 AAAA admin\nssh-rsa BBBB backup\n"),
        machine_id: None,
    }
}

/// A node that has booted, changed.
fn difference(change: impl FnOnce(&mut Identity)) -> Option<String> {
    let mut now = node();
    now.machine_id = Some("0123456789abcdef0123456789abcdef".to_owned());
    change(&mut now);
    node().difference(&now)
}

#[test]
fn the_same_node_has_no_difference() {
    assert_eq!(difference(|_| {}), None);
}

#[test]
fn another_host_name_is_another_node() {
    let said = difference(|now| now.hostname = "localhost".to_owned()).unwrap();
    assert_eq!(said, "its host name is \"localhost\" and not \"node07\"");
}

#[test]
fn a_new_host_key_of_a_known_kind_is_another_node() {
    let said = difference(|now| now.host_keys[1] = key("ssh-ed25519", "x")).unwrap();
    assert_eq!(
        said,
        "sshd has the host key SHA256:x (ssh-ed25519) and not SHA256:e (ssh-ed25519)"
    );
}

#[test]
fn host_keys_of_other_kinds_only_are_another_node() {
    let said = difference(|now| now.host_keys = vec![key("ecdsa-sha2-nistp256", "x")]).unwrap();
    assert!(said.contains("none of the host keys"), "{said}");
    assert!(difference(|now| now.host_keys.clear()).is_some());
}

#[test]
fn a_further_kind_of_host_key_or_one_that_sshd_left_off_is_no_difference() {
    let added = difference(|now| now.host_keys.push(key("ecdsa-sha2-nistp256", "x")));
    assert_eq!(added, None);
    assert_eq!(difference(|now| drop(now.host_keys.remove(0))), None);
}

#[test]
fn where_no_host_key_was_promised_any_will_do() {
    let promised = Identity {
        host_keys: Vec::new(),
        ..node()
    };
    let now = Identity {
        machine_id: Some(String::new()),
        ..node()
    };
    assert_eq!(promised.difference(&now), None);
}

#[test]
fn a_login_that_is_changed_is_lost_and_one_that_is_added_is_counted() {
    let disabled = "no-pty,command=\"echo no\" ssh-ed25519 AAAA admin\nssh-rsa BBBB backup\n";
    let said = difference(|now| now.authorized_keys = key_lines(disabled)).unwrap();
    assert_eq!(
        said,
        "1 of the 2 keys that may log in as root are gone or changed"
    );
    let mut now = node();
    now.authorized_keys.push(Digest::of(b"ssh-rsa CCCC cloud"));
    assert_eq!(node().gained_logins(&now), 1);
}

#[test]
fn a_carried_machine_id_stays_and_any_other_is_only_there() {
    let carried = Identity {
        machine_id: Some("ffffffffffffffffffffffffffffffff".to_owned()),
        ..node()
    };
    let mut now = carried.clone();
    assert_eq!(carried.difference(&now), None);
    now.machine_id = parse_machine_id("00000000000000000000000000000001\n");
    assert!(carried.difference(&now).unwrap().contains("machine id"));
    now.machine_id = parse_machine_id("uninitialized\n");
    assert_eq!(node().difference(&now).unwrap(), "it has no machine id");
}

#[test]
fn a_public_key_is_known_by_ssh_keygens_fingerprint() {
    let key = HostKey::parse(PUBLIC).unwrap();
    assert_eq!(key.kind, "ssh-ed25519");
    assert_eq!(key.fingerprint, FINGERPRINT);
}

#[test]
fn what_is_no_public_key_is_none() {
    for text in ["", "ssh-ed25519", "ssh-ed25519 ????", "ssh-ed25519 AAAAB3"] {
        assert_eq!(HostKey::parse(text), None, "{text:?}");
    }
    let with_line_feed = [0, 0, 0, 2, b'a', b'\n'];
    assert_eq!(HostKey::of_blob(&with_line_feed), None);
    assert_eq!(HostKey::of_blob(&[255; 8]), None);
}
