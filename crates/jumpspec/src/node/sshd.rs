//! The SSH server's own files, as far as a change of its version makes it refuse them: what of
//! an `sshd_config` another version does not take, what it asks of its keys. Texts only.
//!
//! What is not known here is found by the new system's own `sshd -t`, before it gets its tries.

mod keywords;
mod lines;
mod refused;

use serde::{Deserialize, Serialize};

use crate::words::relpath::RelPath;

pub use lines::{Complaint, complaints, leave_out};
pub use refused::{Refused, refused};

/// Where OpenSSH keeps its files.
pub const DIRECTORY: &str = "etc/ssh";

/// Mode of a private host key. `sshd` passes over a key of root's that its group or others may
/// read (OpenSSH's authfile.c, `sshkey_perm_ok`), and ends if no key is left. RHEL and its kin
/// patch that for 0640 and a group `ssh_keys`, which no other system knows.
pub const KEY_MODE: u32 = 0o600;

/// What a node's SSH server is configured with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SshServer {
    /// `sshd_config` and the files of `sshd_config.d`.
    pub config: Vec<ConfigFile>,
    /// Private host keys.
    pub host_keys: Vec<FileOwner>,
    /// What root's login by key depends on: `/root`, `.ssh` and `authorized_keys`.
    pub login: Vec<FileOwner>,
}

/// A configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// Where it is.
    pub path: RelPath,
    /// Its text.
    pub text: String,
}

/// Who owns a file and what its mode is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOwner {
    /// Where it is.
    pub path: RelPath,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// A version of OpenSSH, `9.2` of `OpenSSH_9.2p1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    /// From a text like `9.2p1`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, rest) = text.split_once('.')?;
        let end = rest.find(|c: char| !c.is_ascii_digit());
        let minor = &rest[..end.unwrap_or(rest.len())];
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

/// Whether a name in [`DIRECTORY`] is that of a private host key: `ssh_host_ed25519_key`, not its
/// `.pub` (sshd_config(5), `HostKey`).
pub fn is_private_key(name: &str) -> bool {
    name.starts_with("ssh_host_") && name.ends_with("_key")
}

/// The host keys that configuration files name, and so use instead of the usual ones.
pub fn named_host_keys(config: &[ConfigFile]) -> Vec<String> {
    let lines = config.iter().flat_map(|file| file.text.lines());
    lines
        .map(lines::words)
        .filter(|words| words.first().is_some_and(|first| first == "hostkey"))
        .filter_map(|words| words.get(1).cloned())
        .filter(|path| path.starts_with('/'))
        .collect()
}

#[cfg(test)]
mod tests;
