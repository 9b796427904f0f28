//! What a partition holds, by the signatures that blkid goes by. Only reads.
//!
//! Sources: util-linux, libblkid/src/superblocks/*.c, for offsets and for the textual form of each
//! identifier.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use uuid::Uuid;

use crate::disk::blockdev::{self, BlockdevError};
use crate::error::At as _;

/// What a file system or member of something larger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// ext2: no journal.
    Ext2,
    /// ext3: a journal, and no feature that ext3 lacks.
    Ext3,
    /// ext4.
    Ext4,
    /// XFS.
    Xfs,
    /// btrfs.
    Btrfs,
    /// FAT12, FAT16 or FAT32.
    Vfat,
    /// Swap, version 1.
    Swap,
    /// A physical volume of LVM2.
    Lvm2,
    /// LUKS 1 or 2.
    Luks,
    /// A member of a Linux software RAID.
    Raid,
    /// squashfs.
    Squashfs,
    /// NTFS.
    Ntfs,
    /// Swap with a hibernated system in it.
    Hibernated,
    /// The journal of an ext3 or ext4 that lies elsewhere.
    Journal,
    /// A cache or what it stands before, of bcache or bcachefs.
    Bcache,
    /// The lower device of a DRBD.
    Drbd,
    /// Something else: it is not blank.
    Unknown,
}

impl Kind {
    /// The name that blkid prints, and /etc/fstab takes for file systems.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext2 => "ext2",
            Self::Ext3 => "ext3",
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::Vfat => "vfat",
            Self::Swap => "swap",
            Self::Lvm2 => "LVM2_member",
            Self::Luks => "crypto_LUKS",
            Self::Raid => "linux_raid_member",
            Self::Squashfs => "squashfs",
            Self::Ntfs => "ntfs",
            Self::Hibernated => "swsuspend",
            Self::Journal => "jbd",
            Self::Bcache => "bcache",
            Self::Drbd => "drbd",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superblock {
    /// What it is.
    pub kind: Kind,
    /// Its identifier as blkid prints it: not always a UUID (`ABCD-1234` on FAT).
    pub uuid: Option<String>,
    /// Its label; `None` where empty.
    pub label: Option<String>,
}

/// Where an ext2, ext3 or ext4 has its superblock, and the magic number in it.
const EXT_AT: u64 = 1024;
const EXT_MAGIC: &[u8] = &[0x53, 0xef];

/// Bytes that [`identify`] wants from the start of the device.
pub const HEAD: usize = 128 * 1024;
/// Bytes that [`identify`] wants from the end of the device.
pub const TAIL: usize = 128 * 1024;

/// Reads a device (or an image in a file) and says what is on it. `None` is blank: only zeros,
/// as far as [`identify`] looks. All else is at least [`Kind::Unknown`].
pub fn probe(device: &Path) -> Result<Option<Superblock>, BlockdevError> {
    let file = File::open(device).at("open", device)?;
    let size = blockdev::size_bytes(&file, device)?;
    let window = |want: usize| usize::try_from(size).map_or(want, |size| size.min(want));
    let mut head = vec![0; window(HEAD)];
    file.read_exact_at(&mut head, 0).at("read", device)?;
    let mut tail = vec![0; window(TAIL)];
    let start = size - tail.len() as u64;
    file.read_exact_at(&mut tail, start)
        .at("read the end of", device)?;
    let blank = head.iter().chain(&tail).all(|&byte| byte == 0);
    Ok(
        identify(&head, &tail, size)
            .or_else(|| found(Kind::Unknown, None, None).filter(|_| !blank)),
    )
}

/// What decides whether others than Linux can read an ext2, ext3 or ext4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ext {
    /// The features without which nobody may read it (`s_feature_incompat`).
    pub incompat: u32,
    /// Whether it is mounted so by default that data go to the journal first.
    pub data_in_journal: bool,
}

/// Reads that of a device. `None` is something else.
///
/// Source: Linux, `fs/ext4/ext4.h` (`struct ext4_super_block`, `EXT4_DEFM_JMODE`).
pub fn ext(device: &Path) -> Result<Option<Ext>, BlockdevError> {
    /// `s_default_mount_opts`, and of it how data are written.
    const DEFAULTS: u64 = EXT_AT + 0x100;
    const DATA_MODE: u32 = 0x60;
    const DATA_IN_JOURNAL: u32 = 0x20;
    let mut head = vec![0; 4096];
    let file = File::open(device).at("open", device)?;
    file.read_exact_at(&mut head, 0).at("read", device)?;
    let head = Window {
        bytes: &head,
        start: 0,
    };
    let found = || {
        Some(Ext {
            incompat: head.le32(EXT_AT + 0x60)?,
            data_in_journal: head.le32(DEFAULTS)? & DATA_MODE == DATA_IN_JOURNAL,
        })
    };
    let is_ext = head.has(EXT_AT + 0x38, EXT_MAGIC);
    Ok(is_ext.then(found).flatten())
}

/// Says what a device of `size` bytes holds, given its first and its last bytes ([`HEAD`] and
/// [`TAIL`], or all of a smaller device). Members of something larger come before file systems, so
/// that half of a mirror is not taken for the file system on it.
pub fn identify(head: &[u8], tail: &[u8], size: u64) -> Option<Superblock> {
    let head = Window {
        bytes: head,
        start: 0,
    };
    let tail = Window {
        bytes: tail,
        start: size.saturating_sub(tail.len() as u64),
    };
    raid(head, tail, size)
        .or_else(|| drbd(tail, size))
        .or_else(|| bcache(head))
        .or_else(|| lvm2(head))
        .or_else(|| luks(head))
        .or_else(|| swap(head))
        .or_else(|| hibernated(head))
        .or_else(|| ext_kind(head))
        .or_else(|| xfs(head))
        .or_else(|| btrfs(head))
        .or_else(|| squashfs(head))
        .or_else(|| ntfs(head))
        .or_else(|| vfat(head))
}

/// Some bytes of a device; offsets count from the start of the device.
#[derive(Clone, Copy)]
struct Window<'a> {
    bytes: &'a [u8],
    start: u64,
}

impl<'a> Window<'a> {
    fn get(self, at: u64, len: usize) -> Option<&'a [u8]> {
        let from = usize::try_from(at.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..from.checked_add(len)?)
    }

    fn array<const N: usize>(self, at: u64) -> Option<[u8; N]> {
        self.get(at, N)?.try_into().ok()
    }

    fn has(self, at: u64, magic: &[u8]) -> bool {
        self.get(at, magic.len()) == Some(magic)
    }

    fn le32(self, at: u64) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn uuid(self, at: u64) -> Option<String> {
        let uuid = Uuid::from_bytes(self.array(at)?);
        (!uuid.is_nil()).then(|| uuid.to_string())
    }

    fn label(self, at: u64, len: usize) -> Option<String> {
        let bytes = self.get(at, len)?;
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(len);
        let label = String::from_utf8_lossy(&bytes[..end]);
        let label = label.trim_end();
        (!label.is_empty()).then(|| label.to_owned())
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "ends every probe, all of which may find nothing"
)]
fn found(kind: Kind, uuid: Option<String>, label: Option<String>) -> Option<Superblock> {
    Some(Superblock { kind, uuid, label })
}

/// md 1.1 at 0, 1.2 at 4 KiB, 1.0 at least 8 KiB before the end; 0.90 in the last 64 KiB that are
/// aligned. linux_raid.c and the kernel's md_p.h.
fn raid(head: Window<'_>, tail: Window<'_>, size: u64) -> Option<Superblock> {
    const MAGIC: u32 = 0xa92b_4efc;
    let near_end = ((size / 512).checked_sub(16)? & !7) * 512;
    for (window, at) in [(head, 0), (head, 4096), (tail, near_end)] {
        if window.le32(at) == Some(MAGIC) && window.le32(at + 4) == Some(1) {
            return found(Kind::Raid, window.uuid(at + 16), window.label(at + 32, 32));
        }
    }
    let at = (size & !0xffff).checked_sub(0x1_0000)?;
    if tail.le32(at)? != MAGIC {
        return None;
    }
    let words = [at + 20, at + 52, at + 56, at + 60].map(|at| tail.le32(at));
    let bytes = words.into_iter().map(|w| w.map(u32::to_be_bytes));
    let bytes: Option<Vec<_>> = bytes.collect();
    let uuid = Uuid::from_slice(&bytes?.concat()).ok()?;
    found(Kind::Raid, Some(uuid.to_string()), None)
}

/// The label may be in any of the first four sectors. lvm.c.
fn lvm2(head: Window<'_>) -> Option<Superblock> {
    let is_label = |at: &u64| head.has(*at, b"LABELONE") && head.has(*at + 24, b"LVM2 001");
    let at = [0, 512, 1024, 1536].into_iter().find(is_label)?;
    let id = head.get(at + u64::from(head.le32(at + 20)?), 32)?;
    let id = String::from_utf8_lossy(id).into_owned();
    let mut rest = id.as_str();
    let mut groups = Vec::new();
    for len in [6, 4, 4, 4, 4, 4, 6] {
        let (group, left) = rest.split_at_checked(len)?;
        groups.push(group);
        rest = left;
    }
    found(Kind::Lvm2, Some(groups.join("-")), None)
}

/// luks.c; version 1 has no label.
fn luks(head: Window<'_>) -> Option<Superblock> {
    if !head.has(0, b"LUKS\xba\xbe") {
        return None;
    }
    let second = head.has(6, &[0, 2]);
    let label = head.label(24, 48).filter(|_| second);
    found(Kind::Luks, head.label(168, 40), label)
}

/// Version 1 with pages of 4 KiB, the only size on x86. swap.c.
fn swap(head: Window<'_>) -> Option<Superblock> {
    if !head.has(4086, b"SWAPSPACE2") || head.le32(1024) != Some(1) {
        return None;
    }
    found(Kind::Swap, head.uuid(1036), head.label(1052, 16))
}

/// ext.c, and the kernel's fs/ext4/ext4.h for the features.
fn ext_kind(head: Window<'_>) -> Option<Superblock> {
    const HAS_JOURNAL: u32 = 0x4;
    /// filetype, recover, meta_bg
    const INCOMPAT_EXT3: u32 = 0x2 | 0x4 | 0x10;
    /// sparse_super, large_file, btree_dir
    const RO_COMPAT_EXT3: u32 = 0x1 | 0x2 | 0x4;
    /// A journal of another file system, not a file system.
    const JOURNAL_DEV: u32 = 0x8;
    const AT: u64 = EXT_AT;
    if !head.has(AT + 0x38, EXT_MAGIC) {
        return None;
    }
    let (compat, incompat) = (head.le32(AT + 0x5c)?, head.le32(AT + 0x60)?);
    let ro_compat = head.le32(AT + 0x64)?;
    let kind = if incompat & JOURNAL_DEV != 0 {
        Kind::Journal
    } else if incompat & !INCOMPAT_EXT3 != 0 || ro_compat & !RO_COMPAT_EXT3 != 0 {
        Kind::Ext4
    } else if compat & HAS_JOURNAL != 0 {
        Kind::Ext3
    } else {
        Kind::Ext2
    };
    found(kind, head.uuid(AT + 0x68), head.label(AT + 0x78, 16))
}

/// xfs.c.
fn xfs(head: Window<'_>) -> Option<Superblock> {
    if !head.has(0, b"XFSB") {
        return None;
    }
    found(Kind::Xfs, head.uuid(32), head.label(108, 12))
}

/// btrfs.c: the first superblock, at 64 KiB.
fn btrfs(head: Window<'_>) -> Option<Superblock> {
    const AT: u64 = 64 * 1024;
    if !head.has(AT + 64, b"_BHRfS_M") {
        return None;
    }
    found(Kind::Btrfs, head.uuid(AT + 32), head.label(AT + 299, 256))
}

/// The signature that a kernel leaves in the place of swap's when it hibernates, until it has
/// resumed. swap.c (swsuspend).
fn hibernated(head: Window<'_>) -> Option<Superblock> {
    const SIGNATURES: [&[u8]; 5] = [
        b"S1SUSPEND",
        b"S2SUSPEND",
        b"ULSUSPEND",
        b"LINHIB0001",
        b"\xed\xc3\x02\xe9\x98\x56\xe5\x0c",
    ];
    let left = SIGNATURES.iter().any(|signature| head.has(4086, signature));
    left.then(|| found(Kind::Hibernated, head.uuid(1036), head.label(1052, 16)))?
}

/// bcache.c: the superblock at 4 KiB, its magic behind checksum, offset and version.
fn bcache(head: Window<'_>) -> Option<Superblock> {
    const MAGIC: [u8; 16] = [
        0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f, 0x48, 0xba, 0x6d,
        0x81,
    ];
    if !head.has(4096 + 24, &MAGIC) {
        return None;
    }
    found(Kind::Bcache, head.uuid(4096 + 40), None)
}

/// Internal metadata in the last 4 KiB, of versions 8 and 9; what comes before looks like the file
/// system that the upper device has. drbd.c.
fn drbd(tail: Window<'_>, size: u64) -> Option<Superblock> {
    const MAGIC: u32 = 0x8374_0267;
    let at = size.checked_sub(4096)? + 60;
    let magic = tail.array(at).map(u32::from_be_bytes)?;
    if !(MAGIC + 4..=MAGIC + 6).contains(&magic) {
        return None;
    }
    found(Kind::Drbd, None, None)
}

/// ntfs.c: the name in the boot sector.
fn ntfs(head: Window<'_>) -> Option<Superblock> {
    if !head.has(3, b"NTFS    ") {
        return None;
    }
    let serial = head.array(72).map(u64::from_le_bytes);
    let uuid = serial.filter(|serial| *serial != 0);
    found(
        Kind::Ntfs,
        uuid.map(|serial| format!("{serial:016X}")),
        None,
    )
}

/// squashfs.c; it carries no identifier.
fn squashfs(head: Window<'_>) -> Option<Superblock> {
    if !head.has(0, b"hsqs") {
        return None;
    }
    found(Kind::Squashfs, None, None)
}

/// vfat.c. The label is the boot sector's; blkid prefers the root directory's, which mkfs.vfat
/// writes alike.
fn vfat(head: Window<'_>) -> Option<Superblock> {
    if !head.has(510, &[0x55, 0xaa]) {
        return None;
    }
    let at = if head.has(82, b"FAT32   ") {
        67
    } else if head.has(54, b"FAT12   ") || head.has(54, b"FAT16   ") {
        39
    } else {
        return None;
    };
    let serial = head.le32(at).filter(|&serial| serial != 0);
    let uuid = serial.map(|s| format!("{:04X}-{:04X}", s >> 16, s & 0xffff));
    let label = head.label(at + 4, 11).filter(|l| l != "NO NAME");
    found(Kind::Vfat, uuid, label)
}

#[cfg(test)]
mod tests;
