//! SSH's packets before there is a key (RFC 4253, section 6), and its strings (RFC 4251,
//! section 5).

use std::io::{self, Read, Write};

use super::odd;

/// Packets are padded to a multiple of this.
const BLOCK: usize = 8;
/// At least this much padding.
const PADDING: usize = 4;
/// The longest packet that everybody has to take.
const LONGEST: usize = 35_000;

/// Names, separated by commas.
pub(super) struct NameList<'a>(pub(super) &'a [u8]);

impl NameList<'_> {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0
            .split(|byte| *byte == b',')
            .any(|one| one == name.as_bytes())
    }
}

/// A string: its length in 4 bytes, then itself.
pub(super) fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

/// The string that `bytes` begin with, and what follows it.
pub(super) fn take_string(bytes: &[u8]) -> io::Result<(&[u8], &[u8])> {
    let short = || odd("a message that is cut off");
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| short())?;
    rest.split_at_checked(length).ok_or_else(short)
}

pub(super) fn write_packet(stream: &mut impl Write, payload: &[u8]) -> io::Result<()> {
    let bare = 5 + payload.len();
    let padding = PADDING + (BLOCK - (bare + PADDING) % BLOCK) % BLOCK;
    let mut packet = string(&[]);
    packet.push(u8::try_from(padding).unwrap_or_default());
    packet.extend(payload);
    packet.resize(bare + padding, 0);
    let length = u32::try_from(packet.len() - 4).map_err(|_| odd("our message is too long"))?;
    packet[..4].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&packet)
}

/// The payload of the next packet.
pub(super) fn read_packet(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(odd("a message that is too long"));
    }
    let mut packet = vec![0; length];
    stream.read_exact(&mut packet)?;
    let padding = packet.first().copied().map_or(0, usize::from);
    let end = length.checked_sub(padding).filter(|end| *end > 0);
    let end = end.ok_or_else(|| odd("a message that is all padding"))?;
    packet.truncate(end);
    packet.drain(..1);
    Ok(packet)
}
