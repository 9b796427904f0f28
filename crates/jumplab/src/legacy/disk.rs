//! The disk of a node of 2009, as its installer left it.

use std::fs::File;
use std::path::Path;

use anyhow::{Result, ensure};

use super::systems::{self, System};
use crate::run;
use crate::vm::{Identity, LoopDevice, Mount, with_own_mounts};

/// sda1 `/`, sda2 swap, sda3 `/boot`, for sfdisk(8).
const PARTITIONS: &str = "label: dos\n\
    start=1MiB, size=1792MiB, type=83, bootable\n\
    size=1280MiB, type=82\n\
    size=128MiB, type=83\n";
/// The disk's size in bytes.
const BYTES: u64 = 3202 << 20;
/// The size of its sectors.
const SECTOR_BYTES: u32 = 512;
/// Where the stages of GRUB legacy are in a root.
const STAGES: &str = "usr/lib/grub/x86_64-pc";
/// Where a root's `grub` sees the folder of the disk.
const SEEN_AT: &str = "mnt";

/// Makes `image` from the root `root`.
pub(super) fn make(root: &Path, identity: &Identity, image: &Path) -> Result<()> {
    with_own_mounts(|| make_here(root, identity, image))
}

fn make_here(root: &Path, identity: &Identity, image: &Path) -> Result<()> {
    let new = image.with_extension("new");
    drop(std::fs::remove_file(&new));
    File::create(&new)?.set_len(BYTES)?;
    let disk = LoopDevice::partition_new(&new, SECTOR_BYTES, PARTITIONS)?;
    for number in [1, 3] {
        run::quiet(run::command("mkfs.ext3", ["-q", "-F"]).arg(disk.partition(number)))?;
    }
    run::quiet(run::command("mkswap", ["--quiet"]).arg(disk.partition(2)))?;
    let at = image.with_extension("root");
    let top = Mount::new(&disk.partition(1), &at, &["-t", "ext3"])?;
    let boot = Mount::new(&disk.partition(3), &at.join("boot"), &["-t", "ext3"])?;
    run::quiet(
        run::command("cp", ["--archive"])
            .arg(root.join("."))
            .arg(&at),
    )?;
    systems::write(&at, System::Old, identity)?;
    for stage in ["stage1", "stage2", "e2fs_stage1_5"] {
        std::fs::copy(
            root.join(STAGES).join(stage),
            at.join("boot/grub").join(stage),
        )?;
    }
    boot.unmount()?;
    top.unmount()?;
    disk.detach()?;
    std::fs::remove_dir(&at)?;
    set_up_loader(root, &new)?;
    Ok(std::fs::rename(&new, image)?)
}

/// GRUB legacy's own shell writes its first stages (its manual, "Installing GRUB natively"). It says
/// how that went, and ends with 0 all the same.
fn set_up_loader(root: &Path, image: &Path) -> Result<()> {
    let folder = image.parent().unwrap_or(Path::new("/"));
    let seen = Mount::new(folder, &root.join(SEEN_AT), &["--bind"])?;
    let name = image.file_name().unwrap_or_default().to_string_lossy();
    let orders = format!("device (hd0) /{SEEN_AT}/{name}\nroot (hd0,2)\nsetup (hd0)\nquit\n");
    let mut grub = run::command("chroot", [root]);
    grub.args(["/usr/sbin/grub", "--batch", "--device-map=/dev/null"]);
    let said = run::feed(&mut grub, orders.as_bytes());
    seen.unmount()?;
    let said = said?;
    ensure!(
        said.contains("succeeded") && !said.contains("Error"),
        "GRUB legacy was not set up: {said}"
    );
    Ok(())
}
