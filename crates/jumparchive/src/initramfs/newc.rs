//! Entries of a cpio archive in the format "newc": thirteen numbers of eight hex digits, the name, and the
//! content, each made up to four bytes.

use std::io::{self, Write};

use rustix::fs::{FileType, major, minor};

use crate::tree::walk::Node;

const MAGIC: &[u8] = b"070701";
/// Bytes of magic and numbers.
const LENGTH: usize = 110;
/// The name that ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!";
const ALIGNED: usize = 4;

/// What stands in front of an entry's name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// That of its file: names with one number are one file.
    pub(super) number: u32,
    /// How many names the file has.
    pub(super) links: u32,
    /// Whether it is the last of them, which has the content.
    pub(super) is_last: bool,
    /// Type and permissions.
    pub(super) mode: u32,
    /// Its owner.
    pub(super) owner: u32,
    /// Its group.
    pub(super) group: u32,
    /// When it was modified.
    pub(super) seconds: u32,
    /// What a device file stands for.
    pub(super) device: (u32, u32),
}

impl Header {
    /// Root's own, of no time.
    pub(super) fn of(mode: u32) -> Self {
        Self {
            number: 0,
            links: 1,
            is_last: true,
            mode,
            owner: 0,
            group: 0,
            seconds: 0,
            device: (0, 0),
        }
    }

    /// That of a node with one name.
    pub(super) fn of_node(node: &Node) -> Self {
        let stat = &node.stat;
        let is_device = matches!(
            node.file_type(),
            FileType::CharacterDevice | FileType::BlockDevice
        );
        Self {
            owner: stat.st_uid,
            group: stat.st_gid,
            seconds: u32::try_from(stat.st_mtime.max(0)).unwrap_or(u32::MAX),
            device: if is_device {
                (major(stat.st_rdev), minor(stat.st_rdev))
            } else {
                (0, 0)
            },
            ..Self::of(stat.st_mode)
        }
    }
}

/// Writes what comes before `length` bytes of content.
///
/// # Errors
/// When they are more than the format can say.
pub(super) fn begin(
    out: &mut impl Write,
    name: &[u8],
    header: &Header,
    length: u64,
) -> io::Result<()> {
    let length = u32::try_from(length)
        .map_err(|_| io::Error::other("a file of 4 GiB or more has no place in an initramfs"))?;
    let with_zero = u32::try_from(name.len() + 1).map_err(io::Error::other)?;
    let numbers = [
        header.number,
        header.mode,
        header.owner,
        header.group,
        header.links,
        header.seconds,
        length,
        0,
        0,
        header.device.0,
        header.device.1,
        with_zero,
        0,
    ];
    out.write_all(MAGIC)?;
    for number in numbers {
        write!(out, "{number:08x}")?;
    }
    out.write_all(name)?;
    out.write_all(&[0])?;
    pad(out, (LENGTH + name.len() + 1) as u64)
}

/// Writes an entry with its content.
pub(super) fn put(
    out: &mut impl Write,
    name: &[u8],
    header: &Header,
    content: &[u8],
) -> io::Result<()> {
    begin(out, name, header, content.len() as u64)?;
    out.write_all(content)?;
    pad(out, content.len() as u64)
}

/// Makes up what `length` bytes lack.
pub(super) fn pad(out: &mut impl Write, length: u64) -> io::Result<()> {
    let lacks = length.next_multiple_of(ALIGNED as u64) - length;
    let zeros = [0; ALIGNED];
    out.write_all(
        zeros
            .get(..usize::try_from(lacks).unwrap_or(0))
            .unwrap_or(&zeros),
    )
}

/// Ends the archive.
pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    put(out, TRAILER, &Header::of(0), &[])
}
