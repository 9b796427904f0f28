//! The JSON area of LUKS2 headers, which says what opens a volume. Only reads, and believes no length.
//!
//! Source: the LUKS2 on-disk format specification, section 2: a binary header of 4096 bytes at the start
//! of the device, big endian, and behind it the JSON area, up to `hdr_size`.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::error::{At as _, PathError};

/// Bytes of the binary header.
const BINARY: usize = 4096;
const MAGIC: &[u8; 6] = b"LUKS\xba\xbe";
/// LUKS1 has no JSON, and nothing in its header that could be opened by a TPM.
const VERSION: [u8; 2] = [0, 2];
/// What `hdr_size` may be: these and the powers of two between them.
const SIZES: std::ops::RangeInclusive<u64> = 0x4000..=0x40_0000;

/// What was found behind the magic of a LUKS2 header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metadata {
    /// The text of the JSON area.
    Json(String),
    /// No text, or a length that no header has.
    Malformed,
}

/// That of the LUKS2 volume on `device`, or an image in a file; none where there is no such volume.
pub fn metadata(device: &Path) -> Result<Option<Metadata>, PathError> {
    let file = File::open(device).at("open", device)?;
    let mut binary = [0; BINARY];
    if !fill(&file, &mut binary, 0).at("read", device)? {
        return Ok(None);
    }
    if binary[..6] != *MAGIC || binary[6..8] != VERSION {
        return Ok(None);
    }
    let Some(length) = json_length(&binary) else {
        return Ok(Some(Metadata::Malformed));
    };
    let mut json = vec![0; length];
    if !fill(&file, &mut json, BINARY as u64).at("read", device)? {
        return Ok(Some(Metadata::Malformed));
    }
    let end = json.iter().position(|byte| *byte == 0);
    json.truncate(end.unwrap_or(json.len()));
    let text = String::from_utf8(json).map_or(Metadata::Malformed, Metadata::Json);
    Ok(Some(text))
}

/// Whether there were as many bytes.
fn fill(file: &File, bytes: &mut [u8], at: u64) -> io::Result<bool> {
    match file.read_exact_at(bytes, at) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

fn json_length(binary: &[u8; BINARY]) -> Option<usize> {
    let size = u64::from_be_bytes(binary[8..16].try_into().ok()?);
    let is_sound = SIZES.contains(&size) && size.is_power_of_two();
    let size = usize::try_from(size).ok().filter(|_| is_sound)?;
    Some(size - BINARY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header that says of itself that it has `size` bytes, in a file of `length`.
    fn header(version: u8, size: u64, json: &[u8], length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length.max(BINARY + json.len())];
        bytes[..6].copy_from_slice(MAGIC);
        bytes[7] = version;
        bytes[8..16].copy_from_slice(&size.to_be_bytes());
        bytes[BINARY..BINARY + json.len()].copy_from_slice(json);
        bytes.truncate(length);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Metadata> {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("device");
        std::fs::write(&path, bytes).unwrap();
        metadata(&path).unwrap()
    }

    #[test]
    fn the_json_ends_at_its_nul_or_with_its_area() {
        let json = read(&header(2, 0x4000, b"{\"tokens\":{}}", 0x8000));
        assert_eq!(json, Some(Metadata::Json("{\"tokens\":{}}".to_owned())));
        let full = vec![b' '; 0x4000];
        let json = read(&header(2, 0x4000, &full, 0x8000));
        assert_eq!(json, Some(Metadata::Json(" ".repeat(0x3000))));
    }

    #[test]
    fn what_is_no_luks2_has_none() {
        for bytes in [
            vec![0; 0x8000],
            b"LUKS".to_vec(),
            header(1, 0x4000, b"{}", 0x8000),
        ] {
            assert_eq!(read(&bytes), None);
        }
    }

    #[test]
    fn a_header_that_lies_is_told_as_one_and_read_no_further() {
        for size in [0, 4096, 0x4001, 0x80_0000, u64::MAX, 1 << 40] {
            let lying = header(2, size, b"{}", 0x8000);
            assert_eq!(read(&lying), Some(Metadata::Malformed), "{size:#x}");
        }
        let longer_than_its_device = header(2, 0x40_0000, b"{}", 0x8000);
        let no_text = header(2, 0x4000, b"\xff", 0x8000);
        for lying in [longer_than_its_device, no_text] {
            assert_eq!(read(&lying), Some(Metadata::Malformed));
        }
    }
}
