//! The public part of an SSH host key. A node says it and it becomes a line of a known_hosts
//! file, so it is one `type base64` pair and nothing else wherever it is read.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::node::identity::HostKey;

/// `ssh-ed25519 AAAA…`; a comment is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    text: String,
    known_as: HostKey,
}

/// A text that is no public key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{:?} is not one public key (type and base64)", crate::words::shown::short(.0.as_bytes()))]
pub struct PublicKeyError(String);

/// Characters of the longest key; RSA with 16384 bits has 2800.
const LONGEST: usize = 4096;

impl PublicKey {
    /// As `ssh-keygen -l` shows it: `SHA256:` and base64 without padding.
    pub fn fingerprint(&self) -> &str {
        &self.known_as.fingerprint
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        parse(text).ok_or_else(|| PublicKeyError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<PublicKey> {
    let text = text.trim();
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return None;
    }
    let mut words = text.split(' ');
    let (kind, key) = (words.next()?, words.next()?);
    let known_as = HostKey::of_blob(&STANDARD.decode(key).ok()?)?;
    (known_as.kind == kind).then(|| PublicKey {
        text: format!("{kind} {key}"),
        known_as,
    })
}

impl TryFrom<String> for PublicKey {
    type Error = PublicKeyError;

    fn try_from(text: String) -> Result<Self, PublicKeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.text
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::PublicKey;

    /// Made by `ssh-keygen -t ed25519`; what `ssh-keygen -lf` says of it stands in the test.
    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICwfVQy7uTB4+KA/RNigmOVQ3ZRKO1ls+BvpdI4MNq7H";

    #[test]
    fn a_key_is_its_type_and_base64_and_has_the_fingerprint_that_ssh_keygen_shows() {
        let key: PublicKey = format!("{KEY} jump-00\n").parse().unwrap();
        assert_eq!(key.to_string(), KEY);
        assert_eq!(
            key.fingerprint(),
            "SHA256:ekpkJYwQPsZTVmUrA1RSer7M96DmHZ5OCmwYbN40ieI"
        );
    }

    #[test]
    fn a_second_line_a_marker_or_a_pattern_is_no_key() {
        let blob = KEY.split(' ').nth(1).unwrap();
        for text in [
            String::new(),
            format!("{KEY}\n* {KEY}"),
            format!("* {KEY}"),
            format!("@cert-authority * {KEY}"),
            format!("ssh-rsa {blob}"),
            format!("ssh-ed25519\n{blob}"),
            "ssh-ed25519 AAAA".to_owned(),
            format!("ssh-ed25519 {}", "A".repeat(5000)),
        ] {
            assert!(text.parse::<PublicKey>().is_err(), "{text:?}");
        }
    }
}
