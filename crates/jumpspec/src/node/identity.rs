//! Who a node is to those that know it: its host name, its SSH host keys, who may log in as
//! root, its machine id. What answers with another identity is another node.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::words::digest::Digest;

/// Digits of a machine id (machine-id(5)).
const MACHINE_ID_DIGITS: usize = 32;

/// A node's identity, as it was promised or as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Host name.
    pub hostname: String,
    /// Public host keys.
    pub host_keys: Vec<HostKey>,
    /// Digests of the lines of root's `authorized_keys`.
    pub authorized_keys: Vec<Digest>,
    /// Its machine id; `None` where the first boot makes one.
    pub machine_id: Option<String>,
}

/// A public host key of SSH.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostKey {
    /// As `known_hosts` names it, `ssh-ed25519`.
    pub kind: String,
    /// As ssh-keygen(1) `-l` prints it, `SHA256:` and base64 without padding.
    pub fingerprint: String,
}

impl HostKey {
    /// A key as it goes over the wire (RFC 4253, section 6.6): its kind as a string of SSH comes
    /// first.
    pub fn of_blob(blob: &[u8]) -> Option<Self> {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let kind = std::str::from_utf8(rest.get(..length)?).ok()?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-@.".contains(&byte);
        let sound = !kind.is_empty() && kind.bytes().all(is_name);
        let digest = STANDARD_NO_PAD.encode(Digest::of(blob).as_bytes());
        sound.then(|| Self {
            kind: kind.to_owned(),
            fingerprint: format!("SHA256:{digest}"),
        })
    }

    /// The key of a `.pub` file, `type base64 comment` (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
    pub fn parse(line: &str) -> Option<Self> {
        let base64 = line.split_whitespace().nth(1)?;
        Self::of_blob(&STANDARD.decode(base64).ok()?)
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.fingerprint, self.kind)
    }
}

/// The digests of the lines of an `authorized_keys` file that hold a key, each once.
pub fn key_lines(text: &str) -> Vec<Digest> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut digests: Vec<Digest> = lines.map(|line| Digest::of(line.as_bytes())).collect();
    digests.sort();
    digests.dedup();
    digests
}

/// The machine id in the text of `/etc/machine-id`, if there is one.
pub fn parse_machine_id(text: &str) -> Option<String> {
    let text = text.trim();
    let sound = text.len() == MACHINE_ID_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
    sound.then(|| text.to_ascii_lowercase())
}

impl Identity {
    /// What makes `now` another node than this one, which was promised; in words.
    pub fn difference(&self, now: &Self) -> Option<String> {
        if self.hostname != now.hostname {
            return Some(format!(
                "its host name is {:?} and not {:?}",
                now.hostname, self.hostname
            ));
        }
        self.other_host_key(now)
            .or_else(|| self.lost_login(now))
            .or_else(|| self.other_machine_id(now))
    }

    /// Keys of a kind that nobody knows yet are no harm: clients ask for the kinds they know.
    fn other_host_key(&self, now: &Self) -> Option<String> {
        let of_kind = |key: &HostKey| self.host_keys.iter().find(|known| known.kind == key.kind);
        let is_known = |key: &HostKey| self.host_keys.contains(key);
        for key in now.host_keys.iter().filter(|key| !is_known(key)) {
            if let Some(known) = of_kind(key) {
                return Some(format!("sshd has the host key {key} and not {known}"));
            }
        }
        let none = !self.host_keys.is_empty() && !now.host_keys.iter().any(is_known);
        none.then(|| "sshd has none of the host keys by which the node is known".to_owned())
    }

    fn lost_login(&self, now: &Self) -> Option<String> {
        let kept = |line: &&Digest| now.authorized_keys.contains(*line);
        let (all, kept) = (
            self.authorized_keys.len(),
            self.authorized_keys.iter().filter(kept).count(),
        );
        (kept < all).then(|| {
            format!(
                "{} of the {all} keys that may log in as root are gone or changed",
                all - kept
            )
        })
    }

    fn other_machine_id(&self, now: &Self) -> Option<String> {
        match (&self.machine_id, &now.machine_id) {
            (_, None) => Some("it has no machine id".to_owned()),
            (Some(promised), Some(id)) if promised != id => {
                Some(format!("its machine id is {id} and not {promised}"))
            }
            _ => None,
        }
    }

    /// How many keys may log in as root now that were not promised.
    pub fn gained_logins(&self, now: &Self) -> usize {
        let gained = |line: &&Digest| !self.authorized_keys.contains(*line);
        now.authorized_keys.iter().filter(gained).count()
    }
}

#[cfg(test)]
mod tests;
