//! The host keys that an SSH server shows: asked of the server itself, for its files may say
//! what it does not use. The key exchange is begun and never finished; nothing is proved by it
//! but what a client would see.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

mod packet;

use packet::{NameList, read_packet, string, take_string, write_packet};

/// How long the server may take to connect, and to each of its words.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest that a server may say before its version (RFC 4253, section 4.2, sets none).
const BANNER: usize = 8192;
/// More messages than these before the key are no key exchange.
const MESSAGES: usize = 16;

/// Message numbers (RFC 4253, section 12, and RFC 5656, section 7.1).
const DISCONNECT: u8 = 1;
const KEXINIT: u8 = 20;
const ECDH_INIT: u8 = 30;
const ECDH_REPLY: u8 = 31;

/// Kinds of host key, each with the signature algorithms that ask for it (RFC 8709, RFC 5656,
/// RFC 8332 and RFC 4253).
const KINDS: [&[&str]; 3] = [
    &["ssh-ed25519"],
    &[
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
    ],
    &["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
];

/// Key exchanges, with a public value that anybody may send (RFC 8731 and RFC 5656): the base
/// point of Curve25519 (RFC 7748, section 4.1) or of P-256 (SEC 2, section 2.4.2).
const EXCHANGES: [(&str, &[u8]); 3] = [
    ("curve25519-sha256", &CURVE25519),
    ("curve25519-sha256@libssh.org", &CURVE25519),
    ("ecdh-sha2-nistp256", &P256),
];
const CURVE25519: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 9;
    point
};
const P256: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
    0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
    0xf5,
];

/// Ciphers, MACs and compressions: whatever the server has of these; none is ever used.
const CIPHERS: &[&str] = &[
    "aes128-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];
const MACS: &[&str] = &[
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1",
];
const COMPRESSIONS: &[&str] = &["none", "zlib@openssh.com"];

/// The public host keys of the server at `address`, one of each kind that it has, as they go
/// over the wire (RFC 4253, section 6.6).
///
/// # Errors
/// When the server does not answer in time or not as SSH does.
pub fn host_keys(address: SocketAddr) -> io::Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    for kind in KINDS {
        let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        keys.extend(host_key(&mut stream, kind)?);
    }
    Ok(keys)
}

/// The key that the server shows to a client that knows only `algorithms`; none if it has no
/// such key.
fn host_key(stream: &mut (impl Read + Write), algorithms: &[&str]) -> io::Result<Option<Vec<u8>>> {
    stream.write_all(b"SSH-2.0-jump\r\n")?;
    read_version(stream)?;
    write_packet(stream, &proposal(algorithms))?;
    for _ in 0..MESSAGES {
        let payload = read_packet(stream)?;
        let (number, body) = payload.split_first().ok_or_else(|| odd("empty message"))?;
        match *number {
            KEXINIT => {
                let offer = Offer::parse(body)?;
                let Some(public) = offer.exchange(algorithms)? else {
                    return Ok(None);
                };
                let mut message = vec![ECDH_INIT];
                message.extend(string(public));
                write_packet(stream, &message)?;
            }
            ECDH_REPLY => return Ok(Some(take_string(body)?.0.to_vec())),
            DISCONNECT => return Err(odd("it ended the key exchange")),
            _ => {}
        }
    }
    Err(odd("no host key in its key exchange"))
}

/// Reads up to the end of the server's version; other lines may come before it.
fn read_version(stream: &mut impl Read) -> io::Result<()> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    for _ in 0..BANNER {
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
        if byte[0] == b'\n' {
            if line.starts_with(b"SSH-") {
                return Ok(());
            }
            line.clear();
        }
    }
    Err(odd("no version of SSH"))
}

/// Our half of the key exchange's first message (RFC 4253, section 7.1). The cookie is for the
/// secret that is never made.
fn proposal(algorithms: &[&str]) -> Vec<u8> {
    let exchanges: Vec<&str> = EXCHANGES.iter().map(|(name, _)| *name).collect();
    let mut message = vec![KEXINIT];
    message.extend([0; 16]);
    for list in [
        exchanges.as_slice(),
        algorithms,
        CIPHERS,
        CIPHERS,
        MACS,
        MACS,
        COMPRESSIONS,
        COMPRESSIONS,
        &[],
        &[],
    ] {
        message.extend(string(list.join(",").as_bytes()));
    }
    // No guess follows; the rest is reserved.
    message.extend([0; 5]);
    message
}

/// What the server can do.
struct Offer<'a> {
    exchanges: NameList<'a>,
    host_keys: NameList<'a>,
}

impl<'a> Offer<'a> {
    fn parse(body: &'a [u8]) -> io::Result<Self> {
        let lists = body.get(16..).ok_or_else(|| odd("a short proposal"))?;
        let (exchanges, lists) = take_string(lists)?;
        let (host_keys, _) = take_string(lists)?;
        Ok(Self {
            exchanges: NameList(exchanges),
            host_keys: NameList(host_keys),
        })
    }

    /// The public value for the exchange that both sides choose: the first of ours that it
    /// knows; none if it has no host key of our kind.
    fn exchange(&self, algorithms: &[&str]) -> io::Result<Option<&'static [u8]>> {
        if !algorithms.iter().any(|name| self.host_keys.has(name)) {
            return Ok(None);
        }
        let common = EXCHANGES.iter().find(|(name, _)| self.exchanges.has(name));
        let (_, public) = common.ok_or_else(|| odd("no key exchange in common"))?;
        Ok(Some(public))
    }
}

fn odd(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the SSH server: {what}"),
    )
}

#[cfg(test)]
mod tests;
