//! The keywords of sshd_config(5), with the version that has each for the first time.
//!
//! sshd_config(5) of OpenSSH 9.2 and 10.0, and the release notes at openssh.com of 7.6 to 10.0.
//! What was dropped since, such as `UsePrivilegeSeparation`, is still read, with a warning.

use super::Version;

/// What every OpenSSH since 7.4 (2016) knows.
const OLD: &str = "usepam pamauthenticationviakbdint port hostkey hostdsakey hostkeyagent pidfile
    serverkeybits logingracetime keyregenerationinterval permitrootlogin syslogfacility loglevel
    rhostsauthentication rhostsrsaauthentication hostbasedauthentication
    hostbasedusesnamefrompacketonly hostbasedacceptedkeytypes hostkeyalgorithms rsaauthentication
    pubkeyauthentication pubkeyacceptedkeytypes dsaauthentication kerberosauthentication
    kerberosorlocalpasswd kerberosticketcleanup kerberosgetafstoken kerberostgtpassing
    afstokenpassing gssapiauthentication gssapicleanupcredentials gssapistrictacceptorcheck
    passwordauthentication kbdinteractiveauthentication challengeresponseauthentication
    skeyauthentication checkmail listenaddress addressfamily printmotd printlastlog ignorerhosts
    ignoreuserknownhosts x11forwarding x11displayoffset x11uselocalhost xauthlocation strictmodes
    permitemptypasswords permituserenvironment uselogin compression rekeylimit tcpkeepalive
    keepalive allowtcpforwarding allowagentforwarding allowusers denyusers allowgroups denygroups
    ciphers macs protocol gatewayports subsystem maxstartups maxauthtries maxsessions banner usedns
    verifyreversemapping reversemappingcheck clientaliveinterval clientalivecountmax
    authorizedkeysfile authorizedkeysfile2 useprivilegeseparation acceptenv permittunnel permittty
    permituserrc match permitopen forcecommand chrootdirectory hostcertificate revokedkeys
    trustedusercakeys authorizedprincipalsfile kexalgorithms ipqos authorizedkeyscommand
    authorizedkeyscommanduser authorizedprincipalscommand authorizedprincipalscommanduser
    versionaddendum authenticationmethods streamlocalbindmask streamlocalbindunlink
    allowstreamlocalforwarding fingerprinthash disableforwarding";

/// What came later.
const SINCE: [(u32, u32, &str); 12] = [
    (7, 6, "exposeauthinfo"),
    (7, 7, "rdomain"),
    (7, 8, "setenv permitlisten"),
    (7, 9, "casignaturealgorithms"),
    (8, 2, "include securitykeyprovider pubkeyauthoptions"),
    (
        8,
        5,
        "pubkeyacceptedalgorithms hostbasedacceptedalgorithms logverbose modulifile \
         persourcemaxstartups persourcenetblocksize",
    ),
    (9, 1, "requiredrsasize"),
    (9, 2, "channeltimeout unusedconnectiontimeout"),
    (
        9,
        8,
        "persourcepenalties persourcepenaltyexemptlist sshdsessionpath",
    ),
    (9, 8, "pamservicename"),
    (9, 9, "refuseconnection"),
    (10, 0, "sshdauthpath"),
];

/// What Debian's and Ubuntu's patches add (their sshd_config(5)).
const DEBIAN: &str = "debianbanner gssapikeyexchange gssapistorecredentialsonrekey
    gssapikexalgorithms gssapicleanupcreds gssusesessionccache gssapiusesessioncredcache
    permitblacklistedkeys";

/// Whether an OpenSSH of that version, of that distribution, knows a keyword. `None`: this is a
/// keyword of somebody's patches, and the distribution is not known for what it patches.
pub(super) fn knows(keyword: &str, version: Version, distribution: &str) -> Option<bool> {
    let has = |list: &str| list.split_whitespace().any(|known| known == keyword);
    if has(OLD) {
        return Some(true);
    }
    if let Some((major, minor, _)) = SINCE.iter().find(|(_, _, list)| has(list)) {
        let (major, minor) = (*major, *minor);
        return Some(version >= Version { major, minor });
    }
    let is_debian = matches!(distribution, "debian" | "ubuntu");
    is_debian.then(|| has(DEBIAN))
}
