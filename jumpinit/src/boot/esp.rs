//! The selector's files on the EFI system partition. What others have there is not touched.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::boot::uefi::{
    CONFIG, DIRECTORY, FALLBACK, FALLBACK_CONFIG, FALLBACK_DIRECTORY, FALLBACK_GRUB, GRUB,
    GRUB_ABOVE, GRUB_DIRECTORY, SHIM, UefiBoot,
};
use jumpspec::image::loader::SelectorLoader;
use jumpspec::places::{FSCK_VFAT, NEW_ROOT};
use jumpspec::plan::Keeper;
use jumpspec::selector::{Actions, Selector};
use jumpsys::cmd::{CmdError, Program};
use jumpsys::disk::durable;
use jumpsys::files::freeze;
use jumpsys::files::mount::{self, MountGuard, MountSpec, MsFlags};
use jumpsys::files::mountinfo;
use jumpsys::files::root::{Owner, Root};

use crate::boot::fat::{remove, remove_below, remove_if_empty};
use crate::node::mounted::mount_at;
use crate::run::context::Context;
use crate::run::kept;

/// Where the EFI system partition is mounted meanwhile.
const MOUNT: &str = "/run/jump-esp";
/// How long mending it may take; it takes a second.
const FSCK_LIMIT: Duration = Duration::from_mins(2);
/// It may take two: a directory whose cluster is nobody's is given none by the first, and is removed by the
/// second (dosfstools 4.2).
const MENDINGS: usize = 2;
/// Bytes of the script, whatever it says: it is written in its place, for FAT keeps no journal, and
/// a cluster is freed by nobody.
const CONFIG_SIZE: usize = 4096;

/// A file: its path on the EFI system partition, and its bytes.
pub(super) type EspBytes = (&'static str, Vec<u8>);

/// The selector's files: the jump image's signed loaders, and the script that leads to the landing file
/// system, whose root is `landing`.
pub(super) fn selectors_files(
    landing: &Root,
    loaders: &SelectorLoader,
    texts: &Selector,
) -> Result<[EspBytes; 3]> {
    let SelectorLoader::Signed(loaders) = loaders else {
        bail!("the plan has no signed loaders for a UEFI");
    };
    let loader = |path: &str| {
        let bytes = landing.read(path)?;
        bytes.with_context(|| format!("the jump system has no /{path}"))
    };
    Ok([
        (SHIM, loader(loaders.shim.as_str())?),
        (GRUB, loader(loaders.grub.as_str())?),
        (CONFIG, padded(&texts.embedded_config(&Actions::Real))?),
    ])
}

/// A script of always the same length.
fn padded(text: &str) -> Result<Vec<u8>> {
    let mut bytes = text.as_bytes().to_vec();
    ensure!(
        bytes.len() <= CONFIG_SIZE,
        "the selector's script is too long"
    );
    bytes.resize(CONFIG_SIZE, b'\n');
    Ok(bytes)
}

/// Writes files and reads them back from the device. Before them the directory for want of which their
/// GRUB would look for an installer's script.
pub(super) fn write(cx: &Context, uefi: &UefiBoot, files: &[EspBytes]) -> Result<()> {
    mounted(cx, uefi, |root| {
        root.create_dir_all(GRUB_DIRECTORY, Owner::root(0o755))?;
        for (path, bytes) in files {
            root.write(path, bytes, Owner::root(0o644))?;
        }
        freeze::settle(root.path())?;
        for (path, bytes) in files {
            let found = durable::read_uncached(&root.path().join(path), 0, bytes.len())?;
            ensure!(found == *bytes, "/{path} is not what was written to it");
        }
        Ok(())
    })
}

/// Mends what a power cut has left half written, before the jump system writes there: FAT keeps no
/// journal, a file's name is on the disk before its clusters are (the kernel's `fat_file_fsync`), and
/// the kernel writes no more to a file system in which it meets such a name. The old and the new system
/// do so at their boots.
///
/// Where that fails the kernel may still write there, and says so if not.
///
/// A jump system in memory has it mounted, and has mended it before.
pub(super) fn mend(cx: &mut Context, uefi: &UefiBoot) -> Result<()> {
    if cx.plan.landing.is_in_memory() {
        return Ok(());
    }
    unmount_left()?;
    let device = cx.esp_device(uefi);
    if let Some(told) = mended(&device, cx.at_most(FSCK_LIMIT)) {
        cx.reporter.note(told);
    }
    Ok(())
}

/// Mends the file system on `device`, which is mounted nowhere, and says what was to be said.
fn mended(device: &Path, limit: Duration) -> Option<String> {
    let (begun, mut told) = (Instant::now(), None);
    for _ in 0..MENDINGS {
        let fsck = Program::new(Path::new("/").join(FSCK_VFAT)).arg("-a");
        let left = limit.saturating_sub(begun.elapsed());
        match fsck.arg(device).timeout(left).run() {
            Ok(_) => break,
            // There was something (fsck.fat(8), "EXIT STATUS").
            Err(CmdError::Failed { status, .. }) if status.code() == Some(1) => {
                told = Some("the EFI system partition was not whole, and is mended".to_owned());
            }
            Err(error) => {
                return Some(format!(
                    "the EFI system partition could not be mended: {error}"
                ));
            }
        }
    }
    told
}

/// The same for a jump system in memory that begins, before it has anything.
pub(super) fn mend_first(device: &Path) -> Option<String> {
    mended(device, FSCK_LIMIT)
}

/// Turns the scripts to the new system's own loader: in their places, and read back.
pub(super) fn lead_to_new(cx: &Context, uefi: &UefiBoot, texts: &Selector) -> Result<()> {
    let config = padded(&texts.finished_config(&Actions::Real))?;
    mounted(cx, uefi, |root| {
        for path in scripts(uefi) {
            if root.is_there(path) {
                durable::write_at(&root.path().join(path), 0, &config)?;
            }
        }
        Ok(())
    })
}

/// The scripts of the selector.
fn scripts(uefi: &UefiBoot) -> impl Iterator<Item = &'static str> {
    let fallback = uefi.fallback.then_some(FALLBACK_CONFIG);
    [CONFIG].into_iter().chain(fallback)
}

/// Whether the new system's loader is in its place.
pub(super) fn ensure_new_loader(cx: &Context, uefi: &UefiBoot) -> Result<()> {
    mounted(cx, uefi, |root| {
        let there = root.is_there(uefi.new.as_str());
        ensure!(
            there,
            "grub-install left no /{} on the EFI system partition",
            uefi.new
        );
        Ok(freeze::settle(root.path())?)
    })
}

/// Removes the selector's files.
pub(super) fn erase(cx: &Context, uefi: &UefiBoot) -> Result<()> {
    mounted(cx, uefi, |root| {
        erase_files(root, uefi.fallback)?;
        Ok(freeze::settle(root.path())?)
    })
}

/// The script last: without it the loader would have nothing to do. All that is in our directory is ours,
/// also what a power cut left unfinished. At the fallback path only what is still ours: a new system may
/// have put its own there.
fn erase_files(root: &Root, fallback: bool) -> Result<()> {
    if fallback {
        let copies = [
            (FALLBACK, SHIM),
            (FALLBACK_GRUB, GRUB),
            (FALLBACK_CONFIG, CONFIG),
        ];
        for (copy, ours) in copies {
            if root.read(copy)? == root.read(ours)? {
                remove(root, copy)?;
            }
        }
        remove_if_empty(root, FALLBACK_DIRECTORY)?;
    }
    remove_below(root, DIRECTORY, CONFIG)?;
    remove(root, CONFIG)?;
    for directory in [DIRECTORY, GRUB_DIRECTORY, GRUB_ABOVE] {
        remove_if_empty(root, directory)?;
    }
    Ok(())
}

/// Mounts the EFI system partition, mended, where the new system will have it.
pub(super) fn mount_in_new(cx: &mut Context, uefi: &UefiBoot) -> Result<MountGuard> {
    mend(cx, uefi)?;
    let top = Root::open(&cx.on_landing(NEW_ROOT))?;
    let spec = MountSpec {
        source: &cx.esp_device(uefi),
        target: &top.mount_point(uefi.mount.as_str())?,
        fstype: "vfat",
        flags: MsFlags::MS_NODEV | MsFlags::MS_NOSUID,
        data: None,
    };
    Ok(mount::mount(&spec)?)
}

/// Does something with the EFI system partition, mounted for it.
fn mounted<T>(cx: &Context, uefi: &UefiBoot, act: impl FnOnce(&Root) -> Result<T>) -> Result<T> {
    unmount_left()?;
    let device = cx.esp_device(uefi);
    let done = mounted_now(&device, act);
    let why = done
        .as_ref()
        .err()
        .and_then(|_| kept::why_read_only(Keeper::Esp, &device));
    kept::explained(done, why)
}

fn mounted_now<T>(device: &Path, act: impl FnOnce(&Root) -> Result<T>) -> Result<T> {
    let target = PathBuf::from(MOUNT);
    let flags = MsFlags::MS_NODEV | MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount_at(device, &target, "vfat", flags)?;
    let done = Root::open(&target)
        .map_err(anyhow::Error::from)
        .and_then(|root| act(&root));
    mount::unmount(&target)?;
    std::fs::remove_dir(&target).with_context(|| format!("cannot remove {MOUNT}"))?;
    done
}

/// A call that was killed may have left it mounted, and taking the run back must not fail by that.
fn unmount_left() -> Result<()> {
    let target = Path::new(MOUNT);
    let mounts = mountinfo::read_mountinfo()?;
    if mounts.iter().any(|mount| mount.mount_point == target) {
        mount::unmount(target)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn esp(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let scratch = tempfile::tempdir().unwrap();
        let root = Root::open(scratch.path()).unwrap();
        root.create_dir_all(GRUB_DIRECTORY, Owner::root(0o755))
            .unwrap();
        for (path, text) in files {
            let whole = scratch.path().join(path);
            std::fs::create_dir_all(whole.parent().unwrap()).unwrap();
            std::fs::write(whole, text).unwrap();
        }
        (scratch, root)
    }

    #[test]
    fn nothing_of_the_selector_stays_also_not_what_a_power_cut_left_unfinished() {
        let old = "EFI/debian/shimx64.efi";
        let (_scratch, root) = esp(&[
            (SHIM, "shim"),
            (FALLBACK, "shim"),
            (CONFIG, "script"),
            ("EFI/jump/.grubx64.efi.jump-new", "gr"),
            ("EFI/jump/landing/journal", ""),
            ("EFI/jump/landing/jump/selector/env", "old"),
            (old, "shim"),
        ]);
        for _ in 0..2 {
            erase_files(&root, true).unwrap();
            assert_eq!(root.list("").unwrap(), ["EFI"]);
            assert_eq!(root.list("EFI").unwrap(), ["debian"]);
        }
        assert!(root.is_there(old));
    }

    #[test]
    fn what_others_have_put_where_ours_was_stays() {
        let (_scratch, root) = esp(&[
            (SHIM, "shim"),
            (FALLBACK, "theirs"),
            ("boot/grub/grub.cfg", "x"),
        ]);
        erase_files(&root, true).unwrap();
        assert!(root.is_there(FALLBACK) && root.is_there("boot/grub/grub.cfg"));
        assert!(!root.is_there(DIRECTORY));
    }
}
