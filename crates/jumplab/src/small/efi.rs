//! What the small world's roots have besides where their node has a UEFI: loaders and dosfstools from
//! Debian's packages, and kernel modules for the partition that these lie on.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::vm::UmlKernel;
use crate::{cache, mirror, run, workspace};

/// The release of the small root.
const SUITE: &str = "bookworm";
/// The packages of the loaders and the tools.
const PACKAGES: &[&str] = &[
    "dosfstools",
    "grub-efi-amd64-bin",
    "grub-efi-amd64-signed",
    "shim-helpers-amd64-signed",
    "shim-signed",
];
/// What is taken of them: all that grub-install takes, and the selector's GRUB.
const FILES: &[&str] = &[
    "usr/lib/grub/x86_64-efi",
    "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed",
    "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
    "usr/lib/shim/fbx64.efi.signed",
    "usr/lib/shim/mmx64.efi.signed",
    "usr/lib/shim/shimx64.efi.signed",
];
/// dosfstools, in the package's `/sbin` and the root's `/usr/sbin`.
const TOOLS: &[&str] = &["fsck.fat", "fsck.vfat", "mkfs.fat", "mkfs.vfat"];
/// GRUBs that nobody signed, each as large as a signed one.
const NOT_THESE: &str = "usr/lib/grub/x86_64-efi/monolithic";
/// The kernel's modules for FAT, whatever they are packed with.
const MODULES: &[&str] = &[
    "kernel/fs/fat/fat.ko",
    "kernel/fs/fat/vfat.ko",
    "kernel/fs/nls/nls_iso8859-1.ko",
    "kernel/fs/nls/nls_cp437.ko",
];
/// What a kernel can mount without a module. User-mode Linux has no efivarfs; the lab's stand-in is there.
const BUILT_IN: &str = "modules.builtin";
const EFIVARFS: &str = "kernel/fs/efivarfs/efivarfs.ko\n";

/// Changes with what [`add`] adds, but for the packages.
pub(super) fn source() -> &'static str {
    include_str!("efi.rs")
}

/// Adds it to a root.
pub(super) fn add(root: &Path, kernel: &UmlKernel) -> Result<()> {
    let packages = packages()?;
    for file in FILES {
        copy(&packages.join(file), &root.join(file))?;
    }
    for tool in TOOLS {
        copy(
            &packages.join("sbin").join(tool),
            &root.join("usr/sbin").join(tool),
        )?;
    }
    std::fs::remove_dir_all(root.join(NOT_THESE))?;
    let modules = root.join("usr/lib/modules").join(&kernel.release);
    for entry in std::fs::read_dir(&kernel.modules)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            copy(&entry.path(), &modules.join(entry.file_name()))?;
        }
    }
    for module in MODULES {
        let packed = ["", ".xz", ".zst", ".gz"].map(|packed| format!("{module}{packed}"));
        let found = packed.iter().find(|it| kernel.modules.join(it).exists());
        let found = found.with_context(|| format!("user-mode Linux has no {module}"))?;
        copy(&kernel.modules.join(found), &modules.join(found))?;
    }
    let built_in = modules.join(BUILT_IN);
    let list = std::fs::read_to_string(&built_in)?;
    Ok(std::fs::write(built_in, list + EFIVARFS)?)
}

/// The packages, unpacked once.
fn packages() -> Result<PathBuf> {
    let folder = workspace::target("golden").join("small-efi-packages");
    let stamp = folder.with_extension("stamp");
    let mut digest = cache::Digest::new("small packages 1");
    digest.text(&format!("{SUITE} {PACKAGES:?}"));
    let digest = digest.finish();
    if !cache::is_current(&stamp, &digest) || !folder.exists() {
        cache::forget(&stamp)?;
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        mirror::unpack(SUITE, PACKAGES, &folder)?;
        cache::remember(&stamp, &digest)?;
    }
    Ok(folder)
}

/// Copies a file or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().context("a path below the root")?;
    std::fs::create_dir_all(parent)?;
    run::quiet(run::command("cp", ["--archive"]).arg(from).arg(to))
}
