//! The layout of GRUB's BIOS boot code: the boot sector and the start of the core image. Pure;
//! [`crate::boot::bootwrite`] reads and writes.
//!
//! Sources, in GRUB 2.06: `grub-core/boot/i386/pc/boot.S`, `diskboot.S`,
//! `include/grub/i386/pc/boot.h`, and `util/setup.c` for what grub-setup changes; in GRUB legacy 0.97:
//! `stage1/stage1.S`, `stage1/stage1.h`.

use std::ops::Range;

use jumpspec::boot::bios::LARGEST_CORE;
use jumpspec::disk::{BootCode, Extent};

/// The BIOS Parameter Block, which belongs to a file system or the BIOS (`BPB_START`, `BPB_END`).
const BPB: Range<usize> = 0x03..0x5a;
/// Where the sector number of the core image is, 8 bytes (`KERNEL_SECTOR`).
const KERNEL_SECTOR: usize = 0x5c;
/// The drive to read it from; 0xff is the one booted from (`BOOT_DRIVE`).
const BOOT_DRIVE: usize = 0x64;
/// A jump, which two NOPs replace on hard disks: some BIOSes pass a wrong drive (`DRIVE_CHECK`).
const DRIVE_CHECK: Range<usize> = 0x66..0x68;
/// How GRUB legacy's stage 1 begins, and GRUB 2 before 1.97: a jump over a shorter BPB, and code where
/// GRUB 2 has [`BPB`], [`KERNEL_SECTOR`] and [`DRIVE_CHECK`].
const LEGACY_JUMP: [u8; 2] = [0xeb, 0x48];
/// Where stage 1 has the sector that it loads, 4 bytes (`STAGE1_STAGE2_SECTOR`).
const STAGE_SECTOR: usize = 0x44;
/// Disk signature, partition table and 0x55 0xaa (`WINDOWS_NT_MAGIC` to the end).
const TABLE: Range<usize> = 0x1b8..0x200;
/// The first entry of diskboot's blocklist; further ones stand before it.
const BLOCKLIST: usize = 0x1f4;
/// Bytes of an entry: first sector (8), number of sectors (2), segment to load to (2).
const BLOCKLIST_ENTRY: usize = 12;
/// More entries than grub-setup ever writes; bounds the search in a sector that is none of GRUB's.
const MOST_ENTRIES: usize = 16;
/// The segment behind the first sector of the core, 0x8000 + 512 (`KERNEL_SEG` + 0x20).
const CORE_SEGMENT: u16 = 0x820;

/// What can be wrong with boot code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BootsectorError {
    /// The core image is empty, without a first sector of diskboot, or larger than memory allows.
    #[error("a core image of {bytes} bytes is none that diskboot can load")]
    CoreSize {
        /// Its size in bytes.
        bytes: usize,
    },
    /// The blocklist does not end, or does not start, as diskboot's does.
    #[error("the sector has no blocklist of GRUB's diskboot")]
    NoBlocklist,
}

/// A boot sector, looked at as GRUB's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootSector {
    bytes: [u8; 512],
}

impl BootSector {
    /// Takes any 512 bytes.
    pub fn new(bytes: [u8; 512]) -> Self {
        Self { bytes }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 512] {
        &self.bytes
    }

    /// Whose code it is: its signature, and the messages that GRUB of any age prints on errors.
    pub fn code(&self) -> BootCode {
        let code = &self.bytes[BPB.end..TABLE.start];
        let has = |text: &[u8]| code.windows(text.len()).any(|w| w == text);
        if self.bytes[510..] != [0x55, 0xaa] || !has(b"GRUB \0") || !has(b"Geom\0") {
            return BootCode::Other;
        }
        if self.bytes.starts_with(&LEGACY_JUMP) {
            let sector = self.bytes[STAGE_SECTOR..].first_chunk();
            return BootCode::GrubLegacy {
                stage_sector: sector.map_or(0, |bytes| u32::from_le_bytes(*bytes)),
            };
        }
        BootCode::Grub {
            kernel_sector: self.kernel_sector(),
        }
    }

    /// Whether it is GRUB 2's boot.img.
    pub fn is_grub(&self) -> bool {
        matches!(self.code(), BootCode::Grub { .. })
    }

    /// The sector that the core image starts at, counted from the start of the disk. Means nothing
    /// unless [`BootSector::is_grub`].
    pub fn kernel_sector(&self) -> u64 {
        u64_at(&self.bytes, KERNEL_SECTOR)
    }

    /// The same sector, which starts another core image.
    #[must_use]
    pub fn with_kernel_sector(mut self, sector: u64) -> Self {
        self.bytes[KERNEL_SECTOR..KERNEL_SECTOR + 8].copy_from_slice(&sector.to_le_bytes());
        self
    }
}

/// A boot sector made of GRUB's `boot.img` for a hard disk, as grub-setup makes it: what belongs to
/// the disk (BPB, signature, partition table) is kept from its old sector.
pub fn compose(boot_img: &[u8; 512], old: &[u8; 512], kernel_sector: u64) -> [u8; 512] {
    let mut new = *boot_img;
    new[BPB].copy_from_slice(&old[BPB]);
    new[BOOT_DRIVE] = 0xff;
    new[DRIVE_CHECK].fill(0x90);
    new[TABLE].copy_from_slice(&old[TABLE]);
    *BootSector::new(new)
        .with_kernel_sector(kernel_sector)
        .bytes()
}

/// A boot sector as it was, of whatever loader, on the disk that it was read from: all but signature and
/// partition table, which are those of the sector there `now`.
pub fn put_back(old: &[u8; 512], now: &[u8; 512]) -> [u8; 512] {
    let mut sector = *old;
    sector[TABLE].copy_from_slice(&now[TABLE]);
    sector
}

/// Every sector of the core image that begins at `first_sector` with the bytes `first`: that sector,
/// then the runs of its blocklist.
pub fn core_extents(first_sector: u64, first: &[u8; 512]) -> Result<Vec<Extent>, BootsectorError> {
    let mut extents = vec![Extent {
        start: first_sector,
        sectors: 1,
    }];
    for i in 0..MOST_ENTRIES {
        let at = BLOCKLIST - i * BLOCKLIST_ENTRY;
        let sectors = u16::from_le_bytes([first[at + 8], first[at + 9]]);
        if sectors == 0 && i > 0 {
            return Ok(extents);
        }
        let start = u64_at(first, at);
        if sectors == 0 || start.checked_add(sectors.into()).is_none() {
            return Err(BootsectorError::NoBlocklist);
        }
        extents.push(Extent {
            start,
            sectors: sectors.into(),
        });
    }
    Err(BootsectorError::NoBlocklist)
}

/// A core image, as grub-mkimage writes it, made to be loaded from `at_lba` in one run: padded to
/// whole sectors, its blocklist naming the sectors behind the first.
pub fn place_core(core: &[u8], at_lba: u64) -> Result<Vec<u8>, BootsectorError> {
    let bytes = core.len();
    let sectors = bytes.div_ceil(512);
    let rest = u16::try_from(sectors.saturating_sub(1)).unwrap_or(u16::MAX);
    if rest == 0 || sectors as u64 > LARGEST_CORE {
        return Err(BootsectorError::CoreSize { bytes });
    }
    let mut placed = core.to_vec();
    placed.resize(sectors * 512, 0);
    let second = BLOCKLIST - BLOCKLIST_ENTRY;
    if placed[second + 8..second + 10] != [0, 0] {
        return Err(BootsectorError::NoBlocklist);
    }
    placed[BLOCKLIST..BLOCKLIST + 8].copy_from_slice(&(at_lba + 1).to_le_bytes());
    placed[BLOCKLIST + 8..BLOCKLIST + 10].copy_from_slice(&rest.to_le_bytes());
    placed[BLOCKLIST + 10..BLOCKLIST + 12].copy_from_slice(&CORE_SEGMENT.to_le_bytes());
    Ok(placed)
}

/// The runs within `gap` that are in none of `used` and whose every sector `is_free` (zeros, or
/// ours from an earlier try), in order of their place.
pub fn free_runs(gap: Extent, used: &[Extent], is_free: impl Fn(u64) -> bool) -> Vec<Extent> {
    let mut runs: Vec<Extent> = Vec::new();
    for sector in gap.start..gap.end() {
        let here = Extent {
            start: sector,
            sectors: 1,
        };
        if used.iter().any(|u| u.overlaps(here)) || !is_free(sector) {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end() == sector => run.sectors += 1,
            _ => runs.push(here),
        }
    }
    runs
}

fn u64_at(sector: &[u8; 512], at: usize) -> u64 {
    let bytes = sector[at..].first_chunk();
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::{
        BootSector, BootsectorError, compose, core_extents, free_runs, place_core, put_back,
    };
    use jumpspec::disk::{BootCode, Extent};
    use std::fs;

    fn extent(start: u64, sectors: u64) -> Extent {
        Extent { start, sectors }
    }

    #[test]
    fn compose_keeps_what_belongs_to_the_disk() {
        let boot_img = [1; 512];
        let old = [2; 512];
        let new = compose(&boot_img, &old, 0x0102_0304);
        for (range, byte) in [
            (0x00..0x03, 1),
            (0x03..0x5a, 2),
            (0x5a..0x5c, 1),
            (0x60..0x64, 0),
            (0x64..0x65, 0xff),
            (0x65..0x66, 1),
            (0x66..0x68, 0x90),
            (0x68..0x1b8, 1),
            (0x1b8..0x200, 2),
        ] {
            assert!(new[range.clone()].iter().all(|&b| b == byte), "{range:x?}");
        }
        assert_eq!(BootSector::new(new).kernel_sector(), 0x0102_0304);
        let turned = BootSector::new(new).with_kernel_sector(1);
        let differ = turned.bytes().iter().zip(&new).filter(|(a, b)| a != b);
        assert_eq!(differ.count(), 4);
    }

    #[test]
    fn knows_debians_boot_img_and_not_other_sectors() {
        assert!(!BootSector::new([0; 512]).is_grub());
        let Ok(bytes) = fs::read("/usr/lib/grub/i386-pc/boot.img") else {
            println!("skipped: knows_debians_boot_img: no grub-pc-bin");
            return;
        };
        let sector = BootSector::new(bytes.try_into().unwrap());
        assert!(sector.is_grub());
        assert_eq!(sector.kernel_sector(), 1);
    }

    /// GRUB legacy's stage 1, as its `setup` leaves it: `eb 48`, version 3.2, drive 0xff, stage 1.5 at
    /// sector 1; no byte of its code is one that GRUB 2's installer would leave.
    fn stage1() -> [u8; 512] {
        let mut sector = [0x33; 512];
        sector[..3].copy_from_slice(&[0xeb, 0x48, 0x90]);
        sector[0x3e..0x4a].copy_from_slice(&[3, 2, 0xff, 0, 0, 0x80, 1, 0, 0, 0, 0, 8]);
        sector[0x17f..0x19a].copy_from_slice(b"GRUB \0Geom\0Hard Disk\0Read\0\0");
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        sector
    }

    #[test]
    fn grub_legacy_is_known_and_not_taken_for_grub_2() {
        let sector = BootSector::new(stage1());
        assert_eq!(sector.code(), BootCode::GrubLegacy { stage_sector: 1 });
        assert!(!sector.is_grub());
    }

    #[test]
    fn grub_legacy_is_put_back_byte_by_byte_beside_the_table_of_now() {
        let old = stage1();
        let mut now = compose(&[1; 512], &old, 1407);
        assert_eq!(put_back(&old, &now), old);
        now[0x1be] = 0x80;
        let back = put_back(&old, &now);
        assert_eq!((&back[..0x1be], back[0x1be]), (&old[..0x1be], 0x80));
    }

    #[test]
    fn a_placed_core_names_its_own_sectors() {
        let placed = place_core(&[7; 512].map(|_| 0).repeat(3)[..1100], 1024).unwrap();
        assert_eq!(placed.len(), 1536);
        let first = placed[..512].try_into().unwrap();
        let extents = core_extents(1024, first).unwrap();
        assert_eq!(extents, [extent(1024, 1), extent(1025, 2)]);
        assert_eq!(placed[0x1fe..0x200], [0x20, 0x08]);
    }

    #[test]
    fn refuses_what_is_no_core_image() {
        let small = place_core(&[0; 512], 1);
        assert_eq!(small, Err(BootsectorError::CoreSize { bytes: 512 }));
        let other = place_core(&[0xff; 2048], 1);
        assert_eq!(other, Err(BootsectorError::NoBlocklist));
        assert!(core_extents(1, &[0; 512]).is_err());
        assert!(core_extents(1, &[0xff; 512]).is_err());
    }

    #[test]
    fn reads_a_blocklist_of_two_runs() {
        let mut first = [0; 512];
        first[0x1f4] = 2;
        first[0x1fc] = 10;
        first[0x1e8] = 20;
        first[0x1f0] = 5;
        let extents = core_extents(1, &first).unwrap();
        assert_eq!(extents, [extent(1, 1), extent(2, 10), extent(20, 5)]);
    }

    #[test]
    fn free_runs_spare_the_core_in_use_and_foreign_sectors() {
        let used = [extent(1, 10)];
        let runs = free_runs(extent(1, 62), &used, |sector| sector != 40);
        assert_eq!(runs, [extent(11, 29), extent(41, 22)]);
    }
}
