//! The outer shape of an image file, version 2.
//!
//! `front frame | zstd frames of the tar stream … | index frame`. Front and index
//! are skippable frames (RFC 8878, 3.1.2), which every zstd decoder passes over.
//! The front frame has a fixed size, so that it can be written last although it
//! stands first; it ends with a digest of itself in hex, so that no bit of a file is
//! unchecked. The index frame is described in [`super::index`].

use jumpspec::image::manifest::Manifest;
use jumpspec::words::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The version of the outer shape and of the index.
pub(crate) const VERSION: u32 = 2;
/// The first of the sixteen magic numbers of skippable frames (RFC 8878, 3.1.2).
pub(crate) const SKIPPABLE: [u8; 4] = 0x184D_2A50_u32.to_le_bytes();
/// Begins the front frame's payload.
pub(crate) const FRONT_TAG: [u8; 4] = *b"JMPM";
/// Begins the index frame's payload.
pub(crate) const INDEX_TAG: [u8; 4] = *b"JMPI";
/// Magic number, length and tag.
pub(crate) const PREFIX: usize = 12;
/// Of the whole front frame, in bytes; the manifest is padded with spaces.
pub(crate) const FRONT: usize = 64 << 10;
/// The front's digest and a newline, at its end.
const SEAL: usize = 65;
/// A frame is cut before the entry that would take it beyond this much tar data.
pub(crate) const FRAME_TARGET: usize = 4 << 20;
/// No frame may unpack to more than this: one with an entry of the largest headers
/// that are read, and what content is put beside them.
pub(crate) const FRAME_CAP: usize = 8 << 20;
/// No image may have more frames than this: 1 TiB of tar data in full frames.
pub(crate) const FRAME_LIMIT: u64 = 1 << 18;
/// No archive may have more entries than this; the largest systems have a million.
pub const ENTRY_LIMIT: u64 = 8 << 20;

/// The front frame's JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Front {
    /// [`VERSION`].
    pub(crate) version: u32,
    /// Where the index is and what it must be.
    pub(crate) index: IndexPlace,
    /// What the image is; nothing for a plain archive such as saved files.
    pub(crate) manifest: Option<Manifest>,
}

/// Where the index is and what it must be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IndexPlace {
    /// Of the index frame, from the start of the file.
    pub(crate) offset: u64,
    /// Of the whole index frame.
    pub(crate) length: u64,
    /// Of the compressed frame table, at the index frame's end.
    pub(crate) table_length: u64,
    /// Of the uncompressed frame table.
    pub(crate) digest: Digest,
    /// Of all frames' records as they are in the index, compressed.
    pub(crate) records_digest: Digest,
    /// Frames that the table lists.
    pub(crate) frames: u64,
    /// Entries in all of them.
    pub(crate) entries: u64,
}

/// Magic number, length and tag of a skippable frame whose payload after the tag
/// has `payload` bytes; `None` beyond 4 GiB.
pub(crate) fn prefix(tag: [u8; 4], payload: u64) -> Option<[u8; PREFIX]> {
    let length = u32::try_from(payload.checked_add(tag.len() as u64)?).ok()?;
    let mut bytes = [0; PREFIX];
    bytes[..4].copy_from_slice(&SKIPPABLE);
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes[8..].copy_from_slice(&tag);
    Some(bytes)
}

/// The front frame, padded to [`FRONT`] bytes.
pub(crate) fn encode_front(front: &Front) -> Result<Vec<u8>> {
    let json = serde_json::to_vec_pretty(front).map_err(|e| Error::BadManifest(e.to_string()))?;
    let room = FRONT - PREFIX - SEAL;
    if json.len() > room {
        return Err(Error::ManifestTooBig(json.len()));
    }
    let mut bytes = Vec::with_capacity(FRONT);
    bytes.extend(prefix(FRONT_TAG, (FRONT - PREFIX) as u64).ok_or(Error::ManifestTooBig(room))?);
    bytes.extend(&json);
    bytes.resize(FRONT - SEAL, b' ');
    bytes.extend(seal(&bytes));
    Ok(bytes)
}

/// Reads a front frame of [`FRONT`] bytes, or fewer from a file that is shorter.
pub(crate) fn decode_front(bytes: &[u8]) -> Result<Front> {
    if bytes.len() < PREFIX {
        return Err(Error::NotAnImage("it is too short"));
    }
    if prefix(FRONT_TAG, (FRONT - PREFIX) as u64).is_none_or(|wanted| bytes[..PREFIX] != wanted) {
        return Err(Error::NotAnImage("it does not begin with a manifest"));
    }
    if bytes.len() < FRONT {
        return Err(Error::Truncated {
            expected: FRONT as u64,
            actual: bytes.len() as u64,
        });
    }
    let (sealed, seal_found) = bytes.split_at(FRONT - SEAL);
    if seal_found != seal(sealed) {
        return Err(Error::BadManifest("its digest differs".to_owned()));
    }
    let json = &sealed[PREFIX..];
    let bad = |e: serde_json::Error| Error::BadManifest(e.to_string());
    let version: Version = serde_json::from_slice(json).map_err(bad)?;
    if version.version != VERSION {
        return Err(Error::Format(version.version));
    }
    if let Some(manifest) = version.manifest
        && manifest.format != jumpspec::image::manifest::FORMAT
    {
        return Err(Error::ManifestFormat(manifest.format));
    }
    let front: Front = serde_json::from_slice(json).map_err(bad)?;
    match &front.manifest {
        Some(manifest) if manifest.index_digest != front.index.digest => {
            Err(Error::BadIndex("manifest names another one"))
        }
        Some(manifest) if manifest.entries != front.index.entries => {
            Err(Error::BadIndex("manifest counts other entries"))
        }
        _ if front.index.entries > ENTRY_LIMIT => Err(Error::TooManyEntries(ENTRY_LIMIT)),
        _ if front.index.frames > FRAME_LIMIT => Err(Error::BadIndex(
            "it has more frames than any image may have",
        )),
        _ => Ok(front),
    }
}

/// What stands at the end of the front.
fn seal(bytes: &[u8]) -> Vec<u8> {
    format!("{}\n", Digest::of(bytes)).into_bytes()
}

/// Read before the rest, which another version may shape differently.
#[derive(Deserialize)]
struct Version {
    version: u32,
    manifest: Option<ManifestVersion>,
}

#[derive(Deserialize)]
struct ManifestVersion {
    format: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front() -> Front {
        Front {
            version: VERSION,
            index: IndexPlace {
                offset: 1,
                length: 2,
                table_length: 3,
                digest: Digest::of(b""),
                records_digest: Digest::of(b""),
                frames: 0,
                entries: 0,
            },
            manifest: None,
        }
    }

    #[test]
    fn reads_back_the_front_it_writes() {
        let bytes = encode_front(&front()).unwrap();
        assert_eq!(bytes.len(), FRONT);
        assert_eq!(decode_front(&bytes).unwrap().index.length, 2);
    }

    #[test]
    fn tells_a_foreign_file_from_a_short_one() {
        let bytes = encode_front(&front()).unwrap();
        assert!(matches!(decode_front(&[0; 100]), Err(Error::NotAnImage(_))));
        assert!(matches!(decode_front(b""), Err(Error::NotAnImage(_))));
        let cut = decode_front(&bytes[..1000]);
        assert!(matches!(cut, Err(Error::Truncated { .. })));
    }
}
