//! The small world's three roots, which are one root with a few files laid over, and its two images.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::efi;
use crate::dist::Dist;
use crate::vm::{Firmware, UmlKernel};
use crate::{cache, golden, images, workspace};

/// What stands for an initramfs: nothing reads it, but loaders hash it. An empty archive in cpio's
/// "newc" format (kernel documentation, driver-api/early-userspace/buffer-format).
const TRAILER: &str = "070701000000000000000000000000000000000000000100000000000000000000000000000000000000000000000b00000000TRAILER!!!\0\0\0\0";

/// Roots and images, made.
pub(super) struct Roots {
    /// The old system's root.
    pub(super) old: PathBuf,
    /// Of all that it was made from, and of the images' files.
    pub(super) digests: Vec<String>,
}

/// A root: its name, what is laid over it, and whether it has what a UEFI needs.
struct Wanted {
    name: &'static str,
    overlays: &'static [&'static str],
    efi: bool,
}

/// The old system's, the jump system's and the new one's.
fn wanted(firmware: Firmware) -> [Wanted; 3] {
    let efi = firmware != Firmware::Bios;
    let root = |name, overlays| Wanted {
        name,
        overlays,
        efi,
    };
    if efi {
        [
            root("small-efi-old", &[images::SMALL_EFI]),
            root(
                images::SMALL_EFI_JUMP,
                &[images::SMALL_JUMP, images::SMALL_EFI],
            ),
            root(
                images::SMALL_EFI_NODE,
                &[images::SMALL_NODE, images::SMALL_EFI],
            ),
        ]
    } else {
        [
            root("small-old", &[]),
            root(images::SMALL_JUMP, &[images::SMALL_JUMP]),
            root(images::SMALL_NODE, &[images::SMALL_NODE]),
        ]
    }
}

/// Makes what is missing.
pub(super) fn make(dist: &Dist, firmware: Firmware) -> Result<Roots> {
    let base = golden::make(images::SMALL, &golden::Options::default())?;
    let [old, jump, node] = wanted(firmware);
    let old = overlaid(&base, &old)?;
    let mut digests = vec![golden::stamp(&old)?];
    for wanted in [jump, node] {
        let root = overlaid(&base, &wanted)?;
        let image = images::build_from(wanted.name, &root, &golden::stamp(&root)?, dist)?;
        digests.push(cache::sha256(&image)?);
    }
    Ok(Roots { old, digests })
}

/// A copy of `base` with a kernel, and what is wanted besides.
fn overlaid(base: &Path, wanted: &Wanted) -> Result<PathBuf> {
    let root = base.with_file_name(wanted.name);
    let stamp = root.with_extension("stamp");
    let kernel = UmlKernel::choose()?;
    let mut digest = cache::Digest::new("small root 2");
    digest.text(&golden::stamp(base)?);
    digest.text(&kernel.release);
    for name in wanted.overlays {
        digest.tree(&workspace::image(name).join("overlay"))?;
    }
    if wanted.efi {
        digest.text(efi::source());
    }
    let digest = digest.finish();
    if cache::is_current(&stamp, &digest) && root.join("etc").is_dir() {
        return Ok(root);
    }
    cache::forget(&stamp)?;
    golden::copy(base, &root)?;
    add_kernel(&root, kernel)?;
    if wanted.efi {
        efi::add(&root, kernel)?;
    }
    for name in wanted.overlays {
        golden::lay_over(name, &root)?;
    }
    cache::remember(&stamp, &digest)?;
    Ok(root)
}

/// User-mode Linux as the root's kernel, so that loaders have something to read and hash.
fn add_kernel(root: &Path, kernel: &UmlKernel) -> Result<()> {
    let (boot, release) = (root.join("boot"), &kernel.release);
    let program = &kernel.program;
    std::fs::copy(program, boot.join(format!("vmlinuz-{release}")))
        .with_context(|| format!("cannot copy {}", program.display()))?;
    std::fs::write(boot.join(format!("initrd.img-{release}")), TRAILER)?;
    Ok(())
}
