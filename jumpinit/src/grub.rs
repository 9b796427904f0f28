//! The new system's own loader: GRUB by the image's own programs, its core image at the
//! standard place. The boot sector is turned to it elsewhere, last.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::places::NEW_ROOT;
use jumpspec::selector::NEW_SECTOR;
use jumpsys::bootsector::{compose, place_core};
use jumpsys::bootwrite;
use jumpsys::cmd::Program;
use jumpsys::durable;
use jumpsys::mount::{self, MountGuard};
use jumpsys::root::Root;

use crate::context::Context;
use crate::replace::{mount_new, new_filesystem_of, unmount_new};
use crate::selector::{ensure_fits, read_sector, selector_file};

/// How long grub-install and grub-mkconfig may take; the latter is a shell script that
/// runs dozens of programs.
const GRUB_LIMIT: Duration = Duration::from_mins(15);
/// How long to wait for udev to see a new file system.
const UDEV_LIMIT: Duration = Duration::from_secs(10);

/// Installs GRUB's files in the new system by its own grub-install; the disk's sectors
/// are ours to write.
pub(crate) fn install(cx: &mut Context) -> Result<()> {
    mount_new(cx)?;
    let disk = cx.disk.display().to_string();
    let mounts = enter_new(cx)?;
    Program::new("/usr/sbin/grub-install")
        .args([
            "--target=i386-pc",
            "--no-bootsector",
            "--no-floppy",
            "--boot-directory=/boot",
            &disk,
        ])
        .in_root(Some(&cx.on_landing(NEW_ROOT)))
        .timeout(GRUB_LIMIT)
        .run()?;
    leave(mounts)
}

/// Writes GRUB's configuration by the image's own grub-mkconfig, and reads what it wrote:
/// it is known to name loop devices or partitions where udev's links are missing.
pub(crate) fn configure(cx: &mut Context) -> Result<()> {
    mount_new(cx)?;
    let root_fs = new_filesystem_of(cx, "/")?;
    wait_for_link(
        &format!("/dev/disk/by-uuid/{}", root_fs.uuid),
        &cx.partition(root_fs.number),
    )?;
    let mounts = enter_new(cx)?;
    Program::new("/usr/sbin/grub-mkconfig")
        .args(["-o", "/boot/grub/grub.cfg"])
        .in_root(Some(&cx.on_landing(NEW_ROOT)))
        .timeout(GRUB_LIMIT)
        .run()?;
    leave(mounts)?;
    let root = Root::open(&cx.on_landing(NEW_ROOT))?;
    let config = root
        .read_text("boot/grub/grub.cfg")?
        .context("grub-mkconfig wrote no configuration")?;
    check_config(&config, &root_fs.uuid)
}

fn check_config(config: &str, root_uuid: &str) -> Result<()> {
    let kernels: Vec<&str> = config
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("linux"))
        .collect();
    ensure!(!kernels.is_empty(), "grub.cfg boots no kernel");
    let wanted = format!("root=UUID={root_uuid}");
    match kernels
        .iter()
        .find(|line| !line.split_whitespace().any(|word| word == wanted))
    {
        None => Ok(()),
        Some(line) => bail!("grub.cfg has a kernel without {wanted}: {line}"),
    }
}

/// udev makes the link; where no udev runs, we do.
fn wait_for_link(link: &str, device: &Path) -> Result<()> {
    let deadline = Instant::now() + UDEV_LIMIT;
    while !Path::new(link).exists() {
        if Instant::now() > deadline {
            let parent = Path::new(link).parent().unwrap_or(Path::new("/dev"));
            std::fs::create_dir_all(parent)?;
            return std::os::unix::fs::symlink(device, link)
                .with_context(|| format!("cannot link {link}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// What programs in the new root need to see of the machine.
fn enter_new(cx: &Context) -> Result<Vec<MountGuard>> {
    let root = cx.on_landing(NEW_ROOT);
    let mut mounts = Vec::new();
    for name in ["dev", "proc", "sys", "run"] {
        std::fs::create_dir_all(root.join(name))?;
        mounts.push(mount::bind(
            &Path::new("/").join(name),
            &root.join(name),
            false,
        )?);
    }
    Ok(mounts)
}

fn leave(mounts: Vec<MountGuard>) -> Result<()> {
    for mount in mounts.into_iter().rev() {
        mount.unmount()?;
    }
    Ok(())
}

/// Writes the new system's core image to its standard place, which is free since the
/// commit, and keeps its boot sector for the tries and the last turn.
pub(crate) fn place(cx: &mut Context) -> Result<()> {
    mount_new(cx)?;
    let root = Root::open(&cx.on_landing(NEW_ROOT))?;
    let core = root
        .read("boot/grub/i386-pc/core.img")?
        .context("grub-install left no core image")?;
    let boot_img = read_sector(&root, "boot/grub/i386-pc/boot.img")?;
    drop(root);
    unmount_new(cx)?;
    let area = cx.plan.selector.new_core;
    let placed = place_core(&core, area.start)?;
    ensure_fits(&placed, area, "the new system's core image")?;
    bootwrite::write_core(&cx.disk, area.start, &placed)?;
    let now = bootwrite::read_boot_sector(&cx.disk)?;
    let sector = compose(&boot_img, &now, area.start);
    durable::write_at(&cx.on_landing(&selector_file(NEW_SECTOR)), 0, &sector)?;
    // The selector's last resort leads here too: the old loader is no more.
    let raw = cx.plan.selector.old_boot_sector * jumpsys::SECTOR_SIZE;
    Ok(durable::write_at(&cx.disk, raw, &sector)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_with_a_device_name_is_refused() {
        let good = "menuentry 'x' {\n\tlinux /vmlinuz root=UUID=abcd ro\n}\n";
        check_config(good, "abcd").unwrap();
        let bad = good.replace("UUID=abcd", "/dev/loop0p3");
        assert!(
            check_config(&bad, "abcd")
                .unwrap_err()
                .to_string()
                .contains("/dev/loop0p3")
        );
        assert!(check_config("", "abcd").is_err());
    }
}
