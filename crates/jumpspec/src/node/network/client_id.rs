//! What a DHCP client calls itself (option 61: RFC 2132, section 9.14). A server that gives out
//! addresses from a pool knows its clients by it, so whoever asks as another gets another
//! address.

use std::fmt;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// Option 61's first byte for an Ethernet address (RFC 2132, section 9.14).
const ETHERNET: u8 = 1;
/// Its first byte for an IAID and a DUID (RFC 4361, section 6.1).
const DUID: u8 = 255;
/// Its first byte for any other text.
const OTHER: u8 = 0;

/// A client identifier: 2 to 255 bytes, in text hexadecimal with colons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(Vec<u8>);

/// The parts of an identifier by RFC 4361.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duid<'a> {
    /// Identity association.
    pub(super) iaid: u32,
    /// Kind of DUID, 1 to 4 (RFC 8415, section 11, and RFC 6355).
    pub(super) kind: u16,
    /// What follows the kind.
    pub(super) data: &'a [u8],
}

impl ClientId {
    /// An identifier of these bytes, if they are one.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (2..=255).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// That of the Ethernet address `mac`.
    pub fn of_mac(mac: &str) -> Option<Self> {
        let mac = hex(mac).filter(|bytes| bytes.len() == 6)?;
        Self::from_bytes([&[ETHERNET], mac.as_slice()].concat())
    }

    /// That of a DUID, with the last four bytes of `mac` for its IAID, as dhclient(8) `-i` and
    /// dhcpcd.conf(5) `duid` make it.
    pub fn of_duid(mac: &str, duid: &[u8]) -> Option<Self> {
        let mac = hex(mac).filter(|bytes| bytes.len() == 6)?;
        let iaid = mac.get(2..).filter(|_| duid.len() > 2)?;
        Self::from_bytes([&[DUID], iaid, duid].concat())
    }

    /// That of a text, as dhcpcd sends it.
    pub fn of_text(text: &str) -> Option<Self> {
        Self::from_bytes([&[OTHER], text.as_bytes()].concat()).filter(|_| !text.is_empty())
    }

    /// Hexadecimal digits in pairs, or with colons and then also without leading zeros.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_bytes(hex(text)?)
    }

    pub(super) fn is_of_mac(&self, mac: &str) -> bool {
        Self::of_mac(mac).as_ref() == Some(self)
    }

    /// Its parts, if it has them.
    pub(super) fn duid(&self) -> Option<Duid<'_>> {
        let (iaid, rest) = self.0.strip_prefix(&[DUID])?.split_first_chunk::<4>()?;
        let (kind, data) = rest.split_first_chunk::<2>()?;
        let duid = Duid {
            iaid: u32::from_be_bytes(*iaid),
            kind: u16::from_be_bytes(*kind),
            data,
        };
        (1..=4)
            .contains(&duid.kind)
            .then_some(duid)
            .filter(|duid| !duid.data.is_empty())
    }
}

/// The bytes of hexadecimal text.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let byte = |text: &str| {
        let sound = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        u8::from_str_radix(text, 16).ok().filter(|_| sound)
    };
    if text.contains(':') {
        return text.split(':').map(byte).collect();
    }
    let whole = text.is_ascii() && text.len().is_multiple_of(2);
    let pairs = || (0..text.len()).step_by(2);
    whole.then(|| pairs().map(|at| byte(&text[at..at + 2])).collect())?
}

/// `bytes` as colon-separated hexadecimal text.
pub(super) fn colons(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let colon = if text.is_empty() { "" } else { ":" };
        let _ = write!(text, "{colon}{byte:02x}");
    }
    text
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&colons(&self.0))
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ClientId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no DHCP client identifier"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "52:54:00:12:34:56";

    #[test]
    fn a_mac_makes_the_identifier_of_its_hardware() {
        let id = ClientId::of_mac(MAC).unwrap();
        assert_eq!(id.to_string(), "01:52:54:00:12:34:56");
        assert!(id.is_of_mac(MAC) && id.duid().is_none());
        assert_eq!(ClientId::of_mac("80:00:02:08"), None);
    }

    /// What isc-dhcp-client 4.4.3 sent, run with `-i` on a link with this address.
    #[test]
    fn a_duid_makes_the_identifier_that_dhclient_sends() {
        let duid = hex("00:01:00:01:32:9e:7f:2b:52:54:00:12:34:56").unwrap();
        let id = ClientId::of_duid(MAC, &duid).unwrap();
        assert_eq!(
            id.to_string(),
            "ff:00:12:34:56:00:01:00:01:32:9e:7f:2b:52:54:00:12:34:56"
        );
        let parts = id.duid().unwrap();
        assert_eq!((parts.iaid, parts.kind), (0x0012_3456, 1));
        assert_eq!(parts.data, &duid[2..]);
    }

    #[test]
    fn text_is_read_with_and_without_colons_and_back() {
        let id = ClientId::parse("ff00123456000100aa").unwrap();
        assert_eq!(ClientId::parse(&id.to_string()), Some(id));
        assert_eq!(ClientId::parse("1:2:a").unwrap().to_string(), "01:02:0a");
        for text in ["", "1", "01", "0g:01", "ü1", "1:+2", &"ab".repeat(256)] {
            assert_eq!(ClientId::parse(text), None, "{text}");
        }
    }
}
