use super::*;

fn file(text: &str) -> ConfigFile {
    ConfigFile {
        path: "etc/ssh/sshd_config".parse().unwrap(),
        text: text.to_owned(),
    }
}

/// Numbers of the lines that Debian's OpenSSH of that version is known to refuse.
fn lines(text: &str, version: &str) -> Vec<usize> {
    let version = Version::parse(version).unwrap();
    let refused = refused(&file(text), version, "debian");
    refused.iter().map(|refused| refused.line).collect()
}

#[test]
fn versions_are_compared_as_numbers() {
    let version = |text| Version::parse(text).unwrap();
    assert!(version("9.2p1") < version("10.0p2"));
    assert!(version("9.8") > version("9.2p1 Debian-2"));
    assert_eq!(Version::parse("unknown"), None);
}

#[test]
fn lines_of_other_peoples_patches_are_known_as_refused() {
    let text = "GSSAPIEnablek5users no\nRSAMinSize 2048\n  showpatchlevel=no\nUsePAM yes\n\
                #Foo bar\n\nDebianBanner no\nUsePrivilegeSeparation sandbox\n";
    assert_eq!(lines(text, "9.2p1"), [1, 2, 3]);
}

#[test]
fn a_patched_keyword_is_not_judged_where_the_patches_are_not_known() {
    let version = Version::parse("8.7p1").unwrap();
    let text = file("GSSAPIEnablek5users no\nRequiredRSASize 2048\n");
    let refused = refused(&text, version, "rocky");
    assert_eq!(refused.len(), 1, "only what is newer than 8.7");
    assert_eq!(refused[0].line, 2);
}

#[test]
fn dropped_algorithms_are_found_however_the_list_is_written() {
    let text = "Ciphers aes256-ctr,arcfour\nMACs +hmac-ripemd160\nCiphers -arcfour\n\
                HostKeyAlgorithms +ssh-dss\nPubkeyAcceptedKeyTypes \"^ssh-dss\"\n\
                Banner arcfour\n";
    assert_eq!(lines(text, "9.2p1"), [1, 2]);
    assert_eq!(lines(text, "10.0p2"), [1, 2, 4, 5]);
}

#[test]
fn what_sshd_says_leads_to_the_line() {
    let said = "/etc/ssh/sshd_config line 3: Deprecated option UseLogin\n\
                /etc/ssh/sshd_config line 4: Unsupported option KerberosGetAFSToken\n\
                /etc/ssh/sshd_config: line 7: Bad configuration option: RSAMinSize\n\
                /etc/ssh/sshd_config line 9: unsupported option \"maybe\".\n\
                /etc/ssh/sshd_config: terminating, 2 bad configuration options\n";
    let found = complaints(said);
    let lines: Vec<usize> = found.iter().map(|complaint| complaint.line).collect();
    assert_eq!(lines, [7, 9]);
    assert_eq!(found[0].file, "/etc/ssh/sshd_config");
    assert_eq!(found[0].words, "Bad configuration option: RSAMinSize");
    assert_eq!(complaints("sshd: no hostkeys available -- exiting."), []);
}

#[test]
fn a_line_that_is_left_out_stays_to_be_read() {
    let text = "Port 22\nRSAMinSize 2048\nUsePAM yes\n";
    let left = leave_out(text, 2).unwrap();
    let lines: Vec<&str> = left.lines().collect();
    assert_eq!((lines[0], lines[2]), ("Port 22", "UsePAM yes"));
    assert!(lines[1].starts_with('#') && lines[1].ends_with("RSAMinSize 2048"));
    assert_eq!(leave_out(text, 4), None);
    assert_eq!(leave_out(text, 0), None);
}

#[test]
fn a_line_that_says_who_may_log_in_is_never_left_out() {
    for line in [
        "Match Foo bar",
        "AllowUsers=alice",
        "PermitRootLogin maybe",
        "RequiredAuthentications2 publickey",
        "AuthorizedKeysFile",
    ] {
        assert_eq!(leave_out(line, 1), None, "{line}");
    }
}

#[test]
fn the_host_keys_that_a_configuration_names_are_found() {
    let text = "#HostKey /a\nHostKey /etc/pki/ssh/key\nhostkey=\"/b\"\nHostKeyAgent /c\n";
    assert_eq!(named_host_keys(&[file(text)]), ["/etc/pki/ssh/key", "/b"]);
}

#[test]
fn a_public_key_is_no_host_key() {
    assert!(is_private_key("ssh_host_rsa_key"));
    assert!(!is_private_key("ssh_host_rsa_key.pub") && !is_private_key("moduli"));
}
