//! Where an ext4 was ever written to, read from the device of one that is not mounted.
//!
//! Source: the kernel's Documentation/filesystems/ext4/, super.rst and group_descr.rst.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::error::{At as _, PathError};

/// Where the superblock is, and how much of it counts here, in bytes.
const SUPERBLOCK: (u64, usize) = (1024, 1024);
const MAGIC: u16 = 0xef53;
/// `EXT4_FEATURE_INCOMPAT_RECOVER`: the journal holds what is not in its place yet.
const RECOVER: u32 = 0x4;
/// `EXT4_FEATURE_INCOMPAT_META_BG`: the descriptors are not in one place.
const META_BG: u32 = 0x10;
/// `EXT4_FEATURE_INCOMPAT_64BIT`: descriptors have the length that the superblock says.
const WIDE: u32 = 0x80;
/// `EXT4_FEATURE_RO_COMPAT_GDT_CSUM` and `…_METADATA_CSUM`: the flags of groups are kept.
const GROUP_FLAGS: u32 = 0x10 | 0x400;
/// `EXT4_BG_BLOCK_UNINIT`: the group's block bitmap was never made, so none of its blocks was ever
/// taken. The kernel clears it at the first allocation, and nothing sets it again.
const NEVER_USED: u16 = 0x2;
/// Offset of `bg_flags` in a descriptor.
const FLAGS: usize = 0x12;
/// Length of a descriptor without [`WIDE`].
const NARROW: u64 = 32;
/// More descriptors than this are not believed: 16 TiB of 128 MiB groups.
const MOST_GROUPS: u64 = 1 << 17;

/// What an ext4 tells of its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Bytes that may have been written since it was made, in ascending runs that do not touch.
    Runs(Vec<Range<u64>>),
    /// It has to be mounted once, to bring its journal in.
    NeedsRecovery,
    /// It keeps no such record.
    Unknown,
}

/// Where the ext4 on `device` may have been written to since it was made. Blocks that were freed
/// again count.
///
/// # Errors
/// When the device cannot be read. What is no ext4 is [`Written::Unknown`].
pub fn written(device: &Path) -> Result<Written, PathError> {
    let file = File::open(device).at("open", device)?;
    let mut superblock = vec![0; SUPERBLOCK.1];
    file.read_exact_at(&mut superblock, SUPERBLOCK.0)
        .at("read", device)?;
    let Some(layout) = Layout::parse(&superblock) else {
        return Ok(Written::Unknown);
    };
    if layout.needs_recovery {
        return Ok(Written::NeedsRecovery);
    }
    let length = usize::try_from(layout.groups * layout.descriptor);
    let length = length.map_err(std::io::Error::other).at("read", device)?;
    let mut descriptors = vec![0; length];
    file.read_exact_at(&mut descriptors, layout.descriptors_at)
        .at("read", device)?;
    Ok(Written::Runs(layout.used(&descriptors)))
}

/// The superblock's part in it; lengths in bytes.
#[derive(Debug)]
struct Layout {
    /// First byte of the first group.
    start: u64,
    end: u64,
    group: u64,
    groups: u64,
    descriptors_at: u64,
    descriptor: u64,
    needs_recovery: bool,
}

impl Layout {
    fn parse(superblock: &[u8]) -> Option<Self> {
        let u16_at = |at: usize| {
            Some(u16::from_le_bytes(
                superblock.get(at..at + 2)?.try_into().ok()?,
            ))
        };
        let u32_at = |at: usize| {
            Some(u32::from_le_bytes(
                superblock.get(at..at + 4)?.try_into().ok()?,
            ))
        };
        let (incompat, ro_compat) = (u32_at(0x60)?, u32_at(0x64)?);
        if u16_at(0x38)? != MAGIC || incompat & META_BG != 0 || ro_compat & GROUP_FLAGS == 0 {
            return None;
        }
        let block = 1024_u64
            .checked_shl(u32_at(0x18)?)
            .filter(|size| *size <= 64 << 10)?;
        let wide = incompat & WIDE != 0;
        let high = if wide { u32_at(0x150)? } else { 0 };
        let blocks = u64::from(u32_at(0x4)?) | u64::from(high) << 32;
        let first = u64::from(u32_at(0x14)?);
        let per_group = u64::from(u32_at(0x20)?);
        let groups = blocks
            .checked_sub(first)?
            .div_ceil(Some(per_group).filter(|n| *n > 0)?);
        let descriptor = if wide {
            u64::from(u16_at(0xfe)?)
        } else {
            NARROW
        };
        let believed = groups <= MOST_GROUPS && (NARROW..=1024).contains(&descriptor);
        believed.then_some(())?;
        Some(Self {
            start: first.checked_mul(block)?,
            end: blocks.checked_mul(block)?,
            group: per_group * block,
            groups,
            descriptors_at: (first + 1) * block,
            descriptor,
            needs_recovery: incompat & RECOVER != 0,
        })
    }

    /// The runs of groups that were used, the boot block before the first of them included.
    fn used(&self, descriptors: &[u8]) -> Vec<Range<u64>> {
        let length = usize::try_from(self.descriptor).unwrap_or(usize::MAX);
        let mut runs: Vec<Range<u64>> = Vec::new();
        let mut begin = self.start;
        for (index, descriptor) in descriptors.chunks_exact(length).enumerate() {
            let end = begin.saturating_add(self.group).min(self.end);
            let flags = u16::from_le_bytes([descriptor[FLAGS], descriptor[FLAGS + 1]]);
            if index == 0 || flags & NEVER_USED == 0 {
                match runs.last_mut() {
                    Some(last) if last.end == begin => last.end = end,
                    _ => runs.push(if index == 0 { 0 } else { begin }..end),
                }
            }
            begin = end;
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::{Layout, Written, written};
    use std::io::Write as _;

    /// 4 KiB blocks, groups of 128 MiB, 3 of them, the last one short.
    fn superblock() -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0x04, &70_000_u32.to_le_bytes());
        put(0x18, &2_u32.to_le_bytes());
        put(0x20, &32_768_u32.to_le_bytes());
        put(0x38, &0xef53_u16.to_le_bytes());
        put(0x60, &0x80_u32.to_le_bytes());
        put(0x64, &0x400_u32.to_le_bytes());
        put(0xfe, &64_u16.to_le_bytes());
        bytes
    }

    fn descriptors(flags: [u16; 3]) -> Vec<u8> {
        let one = |flags: u16| {
            let mut bytes = vec![0; 64];
            bytes[0x12..0x14].copy_from_slice(&flags.to_le_bytes());
            bytes
        };
        flags.into_iter().flat_map(one).collect()
    }

    #[test]
    fn a_group_whose_bitmap_was_never_made_was_never_written() {
        let layout = Layout::parse(&superblock()).unwrap();
        let group = 128 << 20;
        let end = 70_000 * 4096;
        let (all, first) = (0..end, 0..group);
        assert_eq!(layout.used(&descriptors([0, 0, 0])), [all]);
        assert_eq!(layout.used(&descriptors([0, 2, 2])), [first]);
        assert_eq!(
            layout.used(&descriptors([3, 3, 1])),
            [0..group, 2 * group..end],
            "the first has the superblock"
        );
    }

    #[test]
    fn what_keeps_no_flags_or_is_no_ext4_tells_nothing() {
        let mut old = superblock();
        old[0x64..0x68].fill(0);
        assert!(Layout::parse(&old).is_none());
        let mut scattered = superblock();
        scattered[0x60] |= 0x10;
        assert!(Layout::parse(&scattered).is_none());
        let mut none = superblock();
        none[0x20..0x24].fill(0);
        assert!(Layout::parse(&none).is_none(), "no blocks in a group");
        assert!(Layout::parse(&[0; 1024]).is_none());
        let mut image = tempfile::NamedTempFile::new().unwrap();
        image.write_all(&[0; 8192]).unwrap();
        assert_eq!(written(image.path()).unwrap(), Written::Unknown);
    }

    #[test]
    fn what_its_journal_holds_has_to_be_brought_in_first() {
        let mut bytes = vec![0; 1024];
        bytes.extend(superblock());
        bytes[1024 + 0x60] |= 0x4;
        let mut image = tempfile::NamedTempFile::new().unwrap();
        image.write_all(&bytes).unwrap();
        assert_eq!(written(image.path()).unwrap(), Written::NeedsRecovery);
    }
}
