//! Device paths: a chain of nodes, of which two are ours to know, the partition and the file on it.
//! UEFI Specification 2.10, section 10.3.

use uuid::Uuid;

use super::{Esp, EspFile};
use crate::disk::Extent;

/// Bytes in front of a node's own: type, subtype, length.
const HEADER: usize = 4;
/// Hard drive media: a partition.
const HARD_DRIVE: [u8; 2] = [4, 1];
/// Bytes of a partition's node, its header among them.
const HARD_DRIVE_LENGTH: usize = 42;
/// A file's path, in UTF-16 with backslashes.
const FILE: [u8; 2] = [4, 4];
/// The end of all.
const END: [u8; 2] = [0x7f, 0xff];
/// A partition of a GPT, known by its GUID.
const GPT: [u8; 2] = [2, 2];

/// A node: its type and subtype, and its own bytes.
type Node<'a> = ([u8; 2], &'a [u8]);

/// The file that `path` leads to, if it is one on a partition of a GPT; none for all else, network
/// cards and firmware's own programs among it.
pub(super) fn file(path: &[u8]) -> Option<EspFile> {
    let nodes = nodes(path)?;
    let at = nodes.iter().position(|(kind, _)| *kind == HARD_DRIVE)?;
    let (_, drive) = nodes[at];
    let named = nodes[at + 1..].iter().filter(|(kind, _)| *kind == FILE);
    let mut name = String::new();
    for (_, part) in named {
        let part = text(part)?;
        let joined = !name.is_empty() && !name.ends_with('\\') && !part.starts_with('\\');
        name.extend(joined.then_some('\\'));
        name += &part;
    }
    partition(drive, &name)
}

/// The nodes up to the end; none if there is no end, or a length leads out of `path`.
fn nodes(mut path: &[u8]) -> Option<Vec<Node<'_>>> {
    let mut found = Vec::new();
    loop {
        let kind = [*path.first()?, *path.get(1)?];
        if kind == END {
            return Some(found);
        }
        let length = usize::from(u16::from_le_bytes([*path.get(2)?, *path.get(3)?]));
        let own = path.get(HEADER..length)?;
        found.push((kind, own));
        path = &path[length..];
    }
}

fn partition(drive: &[u8], path: &str) -> Option<EspFile> {
    if drive.len() != HARD_DRIVE_LENGTH - HEADER || drive[36..] != GPT {
        return None;
    }
    let word = |at: usize| Some(u64::from_le_bytes(drive.get(at..at + 8)?.try_into().ok()?));
    Some(EspFile {
        esp: Esp {
            number: u32::from_le_bytes(drive.get(..4)?.try_into().ok()?),
            extent: Extent {
                start: word(4)?,
                sectors: word(12)?,
            },
            partuuid: Uuid::from_slice_le(drive.get(20..36)?).ok()?.to_string(),
        },
        path: path.trim_start_matches('\\').replace('\\', "/"),
    })
}

/// Text in UTF-16 up to its NUL; none if it is not text.
fn text(bytes: &[u8]) -> Option<String> {
    let (units, _) = bytes.as_chunks::<2>();
    let units = units.iter().copied().map(u16::from_le_bytes);
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16(&units).ok()
}

/// The path to `file`, the short form that begins with the partition: firmware finds the disk by the
/// partition's GUID (section 3.1.2). `None` if it could not be written down.
pub(super) fn short(file: &EspFile) -> Option<Vec<u8>> {
    let mut path = Vec::from(HARD_DRIVE);
    path.extend(u16::try_from(HARD_DRIVE_LENGTH).ok()?.to_le_bytes());
    let esp = &file.esp;
    path.extend(esp.number.to_le_bytes());
    path.extend(esp.extent.start.to_le_bytes());
    path.extend(esp.extent.sectors.to_le_bytes());
    path.extend(Uuid::parse_str(&esp.partuuid).ok()?.to_bytes_le());
    path.extend(GPT);
    let name = format!("\\{}\0", file.path.replace('/', "\\"));
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    path.extend(FILE);
    path.extend(u16::try_from(HEADER + name.len()).ok()?.to_le_bytes());
    path.extend(name);
    path.extend(END);
    path.extend(4u16.to_le_bytes());
    Some(path)
}
