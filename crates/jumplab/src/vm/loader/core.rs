//! A core image as it lies on the disk, unpacked: where it looks for its files, and the config in it.
//!
//! Sources, in GRUB 2.06: `util/mkimage.c` (the parts and their order, LZMA's properties),
//! `include/grub/offsets.h` (the fields of the decompressor), `include/grub/kernel.h` (modules).

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use jumpspec::selector::PREFIX;
use jumpsys::boot::bootsector::core_extents;
use jumpsys::boot::bootwrite;
use lzma_rust2::LzmaReader;

/// Lengths in the decompressor's head: packed and unpacked (`GRUB_DECOMPRESSOR_I386_PC_*`).
const PACKED: usize = 0x08;
const UNPACKED: usize = 0x0c;
/// Where the packed part may begin, behind the decompressor, whose end is aligned.
const DECOMPRESSOR_END: std::ops::Range<usize> = 0x400..0x2400;
const DECOMPRESSOR_ALIGN: usize = 16;
/// No kernel with modules is larger; a damaged head may say anything.
const MOST_UNPACKED: usize = 16 << 20;
/// lc, lp, pb and the dictionary's size (`compress_kernel_lzma`).
const LZMA: (u32, u32, u32, u32) = (3, 0, 2, 1 << 16);
/// `GRUB_MODULE_MAGIC`, and the types of what follows it (`OBJ_TYPE_*`).
const MODULES: &[u8] = b"mimg";
const CONFIG: u32 = 2;
const HEADS_PREFIX: u32 = 3;

/// A core image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CoreImage {
    /// Where its files are, as `(,msdos1)/grub`; without a device, on the disk as a whole.
    pub(super) prefix: String,
    /// The config embedded in it.
    pub(super) config: Option<String>,
}

impl CoreImage {
    /// Unpacks the one that starts at a sector. Fails where a machine would hang.
    pub(super) fn read(disk: &Path, sector: u64) -> Result<Self> {
        let what = || format!("the core image at sector {sector}");
        let extent = jumpspec::disk::Extent {
            start: sector,
            sectors: 1,
        };
        let first = bootwrite::read_sectors(disk, extent)?;
        let extents = core_extents(sector, first.as_slice().try_into()?).with_context(what)?;
        let mut packed = Vec::new();
        for extent in &extents[1..] {
            packed.extend(bootwrite::read_sectors(disk, *extent)?);
        }
        let found = unpack(&packed).as_deref().and_then(Self::parse);
        found.with_context(|| format!("{} cannot be unpacked", what()))
    }

    /// Whether it is jump's.
    pub(super) fn is_selector(&self) -> bool {
        self.prefix == PREFIX
    }

    fn parse(kernel: &[u8]) -> Option<Self> {
        let modules = modules(kernel)?;
        let text = |wanted| {
            let (_, body) = modules.iter().find(|(kind, _)| *kind == wanted)?;
            let text = body.split(|byte| *byte == 0).next()?;
            String::from_utf8(text.to_vec()).ok()
        };
        Some(Self {
            prefix: text(HEADS_PREFIX)?,
            config: text(CONFIG),
        })
    }
}

/// The kernel with its modules, from all sectors but the first. The decompressor's length is nowhere
/// said: what unpacks to the length said, with modules at its end, is it.
fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let (length, unpacked) = (number(packed, PACKED)?, number(packed, UNPACKED)?);
    let starts = DECOMPRESSOR_END.step_by(DECOMPRESSOR_ALIGN);
    starts
        // A range coder's first byte is 0.
        .filter(|start| packed.get(*start) == Some(&0))
        .filter_map(|start| inflate(packed.get(start..start + length)?, unpacked).ok())
        .find(|kernel| modules(kernel).is_some())
}

fn inflate(packed: &[u8], unpacked: usize) -> Result<Vec<u8>> {
    ensure!(unpacked <= MOST_UNPACKED, "{unpacked} bytes");
    let (lc, lp, pb, dictionary) = LZMA;
    let mut kernel = vec![0; unpacked];
    LzmaReader::new(packed, unpacked as u64, lc, lp, pb, dictionary, None)?
        .read_exact(&mut kernel)?;
    Ok(kernel)
}

/// The types and bodies of the modules, which reach to the kernel's end.
fn modules(kernel: &[u8]) -> Option<Vec<(u32, &[u8])>> {
    let mut heads = (0..kernel.len()).filter(|at| kernel[*at..].starts_with(MODULES));
    heads.find_map(|at| {
        let list = &kernel[at..];
        let (mut next, end) = (number(list, 4)?, number(list, 8)?);
        let mut found = Vec::new();
        while next < end && end == list.len() {
            let (kind, length) = (number(list, next)?, number(list, next + 4)?);
            found.push((
                u32::try_from(kind).ok()?,
                list.get(next + 8..next + length)?,
            ));
            next += length;
        }
        (next == end && !found.is_empty()).then_some(found)
    })
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::{CoreImage, unpack};
    use crate::run;

    /// A core image made by the host's GRUB, without its first sector.
    fn core(config: &str) -> Option<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let [text, image] = ["config", "core.img"].map(|name| folder.path().join(name));
        std::fs::write(&text, config).unwrap();
        let mut mkimage = run::command("grub-mkimage", ["-O", "i386-pc", "-p", "/here", "-c"]);
        mkimage
            .arg(&text)
            .arg("-o")
            .arg(&image)
            .args(["ext2", "part_msdos"]);
        run::quiet(&mut mkimage).ok()?;
        Some(std::fs::read(&image).unwrap().split_off(512))
    }

    #[test]
    fn a_core_image_gives_its_config_and_prefix_and_a_damaged_one_gives_nothing() {
        let Some(mut core) = core("echo 'here'\nreboot\n") else {
            println!("skipped: a_core_image_gives_its_config_and_prefix: no grub-pc-bin");
            return;
        };
        core.resize(core.len().next_multiple_of(512), 0);
        let kernel = unpack(&core).expect("unpacked");
        let expected = CoreImage {
            prefix: "/here".to_owned(),
            config: Some("echo 'here'\nreboot\n".to_owned()),
        };
        assert_eq!(CoreImage::parse(&kernel), Some(expected));
        let middle = core.len() / 2;
        core[middle..middle + 512].fill(0);
        assert_eq!(unpack(&core), None);
        assert_eq!(unpack(&[0; 4096]), None);
        assert_eq!(unpack(&[]), None);
    }
}
