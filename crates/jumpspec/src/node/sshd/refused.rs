//! What is known beforehand of lines that another version refuses.

use super::keywords::knows;
use super::lines::{may_go, words};
use super::{ConfigFile, Version};
use crate::words::relpath::RelPath;

/// Keywords whose argument is a list of algorithms: one that sshd does not know makes it refuse
/// the line. A list that begins with `-` is not looked at.
const LISTS: [&str; 10] = [
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedkeytypes",
    "pubkeyacceptedalgorithms",
    "hostbasedacceptedkeytypes",
    "hostbasedacceptedalgorithms",
    "casignaturealgorithms",
    "gssapikexalgorithms",
];

/// Algorithms that OpenSSH has dropped, with the version that has them no more (the release
/// notes at openssh.com; Debian's builds keep `ssh-dss` up to 9.9).
const DROPPED: [(u32, u32, &str); 3] = [
    (
        7,
        6,
        "arcfour arcfour128 arcfour256 blowfish-cbc cast128-cbc hmac-ripemd160 \
         hmac-ripemd160@openssh.com hmac-ripemd160-etm@openssh.com ssh-rsa-cert-v00@openssh.com \
         ssh-dss-cert-v00@openssh.com",
    ),
    (8, 5, "sntrup4591761x25519-sha512@tinyssh.org"),
    (10, 0, "ssh-dss ssh-dss-cert-v01@openssh.com"),
];

/// A line that an sshd will refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its file.
    pub file: RelPath,
    /// Its number, from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// Whether it may be left out: it does not say who may log in.
    pub may_go: bool,
}

/// The lines of a configuration file that an OpenSSH of that version, of that distribution
/// (`ID` of its os-release), is known to refuse.
pub fn refused(file: &ConfigFile, version: Version, distribution: &str) -> Vec<Refused> {
    let lines = file.text.lines().enumerate();
    let found = lines.filter(|(_, line)| is_refused(line, version, distribution));
    found
        .map(|(index, line)| Refused {
            file: file.path.clone(),
            line: index + 1,
            text: line.trim().to_owned(),
            may_go: may_go(line),
        })
        .collect()
}

fn is_refused(line: &str, version: Version, distribution: &str) -> bool {
    let words = words(line);
    let Some((keyword, arguments)) = words.split_first() else {
        return false;
    };
    if knows(keyword, version, distribution) == Some(false) {
        return true;
    }
    let list = arguments.first().map_or("", String::as_str);
    LISTS.contains(&keyword.as_str())
        && !list.starts_with('-')
        && list
            .trim_start_matches(['+', '^'])
            .split(',')
            .any(|name| is_dropped(name, version))
}

fn is_dropped(name: &str, version: Version) -> bool {
    DROPPED.iter().any(|&(major, minor, names)| {
        version >= Version { major, minor } && names.split_whitespace().any(|old| old == name)
    })
}
