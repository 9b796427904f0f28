//! The small world's three roots, which are one root with a few files laid over, and its two images.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::dist::Dist;
use crate::vm::UmlKernel;
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

/// Makes what is missing.
pub(super) fn make(dist: &Dist) -> Result<Roots> {
    let base = golden::make(images::SMALL, &golden::Options::default())?;
    let old = overlaid(&base, "small-old")?;
    let mut digests = vec![golden::stamp(&old)?];
    for name in [images::SMALL_JUMP, images::SMALL_NODE] {
        let root = overlaid(&base, name)?;
        let image = images::build_from(name, &root, &golden::stamp(&root)?, dist)?;
        digests.push(cache::sha256(&image)?);
    }
    Ok(Roots { old, digests })
}

/// A copy of `base` with a kernel and the overlay of the image `name`, if there is one.
fn overlaid(base: &Path, name: &str) -> Result<PathBuf> {
    let root = base.with_file_name(name);
    let stamp = root.with_extension("stamp");
    let kernel = UmlKernel::choose()?;
    let mut digest = cache::Digest::new("small root 1");
    digest.text(&golden::stamp(base)?);
    digest.text(&kernel.release);
    let overlay = workspace::image(name).join("overlay");
    if overlay.exists() {
        digest.tree(&overlay)?;
    }
    let digest = digest.finish();
    if cache::is_current(&stamp, &digest) && root.join("etc").is_dir() {
        return Ok(root);
    }
    cache::forget(&stamp)?;
    golden::copy(base, &root)?;
    add_kernel(&root, kernel)?;
    golden::lay_over(name, &root)?;
    cache::remember(&stamp, &digest)?;
    Ok(root)
}

/// User-mode Linux as the root's kernel, so that loaders have something to read and hash.
fn add_kernel(root: &Path, kernel: &UmlKernel) -> Result<()> {
    let (boot, release) = (root.join("boot"), &kernel.release);
    let program = &kernel.program;
    std::fs::copy(program, boot.join(format!("vmlinuz-{release}-uml")))
        .with_context(|| format!("cannot copy {}", program.display()))?;
    std::fs::write(boot.join(format!("initrd.img-{release}-uml")), TRAILER)?;
    Ok(())
}
