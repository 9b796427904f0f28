//! Installs the victim: partitions, file systems, the golden root, who it is, and GRUB; but for what
//! UEFI starts of it, which is installed in the node's first boot, with an entry in the firmware. A
//! small node has none such: what grub-install would copy is copied.
//! Root only. Touches the image it is given, and the host only by loop devices and mounts.

mod esp;

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::layout::{BOOT_UUID, DATA_UUID, ESP_UUID, ROOT_UUID, SWAP_UUID};
use super::layout::{Role, Table};
use super::{ALICE, Firmware, Identity, LoopDevice, Mount, SWAP_LABEL, content, files};
use crate::run;
pub(crate) use esp::LOADER;

/// Makes the disk `image` from the golden `root`.
pub(super) fn install(root: &Path, table: Table, identity: &Identity, image: &Path) -> Result<()> {
    let new = image.with_extension("new");
    drop(std::fs::remove_file(&new));
    File::create(&new)?.set_len(table.disk_bytes())?;
    let disk = LoopDevice::partition_new(&new, table.sector_bytes(), &table.sfdisk())?;
    make_file_systems(&disk, table)?;
    let at = image.with_extension("root");
    let mounts = mount(&disk, table, &at)?;
    run::quiet(
        run::command("cp", ["--archive"])
            .arg(root.join("."))
            .arg(&at),
    )?;
    files::write(&at, table, identity)?;
    let count = if table.is_small() {
        content::SMALL_DATA_FILES
    } else {
        content::DATA_FILES
    };
    content::fill(&at.join("data"), count)?;
    configure(&at, &disk, table)?;
    if table.is_small() && table.partition(Role::Esp).is_some() {
        esp::fill(&node(&disk, table, Role::Esp)?, &at)?;
    }
    for mount in mounts.into_iter().rev() {
        mount.unmount()?;
    }
    disk.detach()?;
    std::fs::remove_dir(&at)?;
    std::fs::rename(&new, image)?;
    Ok(())
}

/// Each of Linux's own file systems' role, UUID and mount point.
const FILE_SYSTEMS: &[(Role, &str, &str)] = &[
    (Role::Root, ROOT_UUID, ""),
    (Role::Boot, BOOT_UUID, "boot"),
    (Role::Data, DATA_UUID, "data"),
];

/// Those of them that a disk with that table has, parents first.
fn file_systems(table: Table) -> impl Iterator<Item = &'static (Role, &'static str, &'static str)> {
    let there = move |(role, ..): &&(Role, _, _)| table.partition(*role).is_some();
    FILE_SYSTEMS.iter().filter(there)
}

fn node(disk: &LoopDevice, table: Table, role: Role) -> Result<std::path::PathBuf> {
    let partition = table
        .partition(role)
        .with_context(|| format!("no {role:?} partition"))?;
    Ok(disk.partition(partition.number))
}

fn make_file_systems(disk: &LoopDevice, table: Table) -> Result<()> {
    for (role, uuid, _) in file_systems(table) {
        let mut mkfs = run::command("mkfs.ext4", ["-q", "-F", "-U", uuid]);
        run::quiet(mkfs.arg(node(disk, table, *role)?))?;
    }
    if table.partition(Role::Esp).is_some() {
        let id = ESP_UUID.replace('-', "");
        let mut mkfs = run::command("mkfs.vfat", ["-F", "32", "-i", &id]);
        run::quiet(mkfs.arg(node(disk, table, Role::Esp)?))?;
    }
    if table.partition(Role::Swap).is_some() {
        let mut mkswap = run::command("mkswap", ["--uuid", SWAP_UUID, "--label", SWAP_LABEL]);
        run::quiet(mkswap.arg(node(disk, table, Role::Swap)?))?;
    }
    Ok(())
}

fn mount(disk: &LoopDevice, table: Table, at: &Path) -> Result<Vec<Mount>> {
    let mut mounts = Vec::new();
    for (role, _, point) in file_systems(table) {
        let source = node(disk, table, *role)?;
        mounts.push(Mount::new(&source, &at.join(point), &["-t", "ext4"])?);
    }
    Ok(mounts)
}

/// Accounts and GRUB, by the root's own programs.
fn configure(at: &Path, disk: &LoopDevice, table: Table) -> Result<()> {
    let (name, uid, password) = ALICE;
    let uid = uid.to_string();
    std::fs::create_dir_all(at.join("data/home"))?;
    let home = format!("/data/home/{name}");
    let shell = ["--create-home", "--home-dir", &home, "--shell", "/bin/bash"];
    chroot(
        at,
        "useradd",
        &["--uid", &uid, "--comment", "Alice L."],
        &shell,
        &[name],
        b"",
    )?;
    chroot(
        at,
        "chpasswd",
        &[],
        &[],
        &[],
        format!("{name}:{password}\n").as_bytes(),
    )?;
    if table.partition(Role::Esp).is_some() {
        std::fs::create_dir_all(at.join("boot/efi"))?;
        // grub-install comes later here, and update-grub makes no directory.
        std::fs::create_dir_all(at.join("boot/grub"))?;
    }
    set_up_grub(at, disk, table)
}

fn set_up_grub(at: &Path, disk: &LoopDevice, table: Table) -> Result<()> {
    let devices = device_nodes(at, disk, table)?;
    let proc = Mount::new(Path::new("proc"), &at.join("proc"), &["-t", "proc"])?;
    let sys = Mount::new(Path::new("sysfs"), &at.join("sys"), &["-t", "sysfs"])?;
    if table.firmware() == Firmware::Bios {
        let whole = disk.path().to_string_lossy().into_owned();
        chroot(
            at,
            "grub-install",
            &["--target=i386-pc"],
            &[],
            &[&whole],
            b"",
        )?;
    }
    chroot(at, "update-grub", &[], &[], &[], b"")?;
    for mount in [sys, proc, devices] {
        mount.unmount()?;
    }
    check_grub(&std::fs::read_to_string(at.join("boot/grub/grub.cfg"))?)
}

fn chroot(
    at: &Path,
    program: &str,
    options: &[&str],
    more: &[&str],
    operands: &[&str],
    input: &[u8],
) -> Result<()> {
    let mut command = run::command("chroot", [at.as_os_str(), program.as_ref()]);
    command.args(options).args(more).args(operands);
    command
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C.UTF-8");
    run::feed(&mut command, input).map(drop)
}

/// A /dev with the disk alone, and with its `by-uuid` links: without them `update-grub` writes
/// `root=/dev/loop…`.
fn device_nodes(at: &Path, disk: &LoopDevice, table: Table) -> Result<Mount> {
    let dev = Mount::new(Path::new("dev"), &at.join("dev"), &["-t", "tmpfs"])?;
    let mut copy = run::command("cp", ["--archive"]);
    copy.args(["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"])
        .arg(disk.path());
    for partition in table.partitions() {
        copy.arg(disk.partition(partition.number));
    }
    run::quiet(copy.arg(dev.path()))?;
    let links = dev.path().join("disk/by-uuid");
    std::fs::create_dir_all(&links)?;
    for (role, uuid, _) in file_systems(table) {
        symlink(node(disk, table, *role)?, links.join(uuid))?;
    }
    Ok(dev)
}

fn check_grub(config: &str) -> Result<()> {
    if !config.contains(&format!("root=UUID={ROOT_UUID}")) || config.contains("/dev/loop") {
        bail!("update-grub wrote a grub.cfg that cannot find the victim's root");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ROOT_UUID, check_grub};

    #[test]
    fn a_grub_config_that_names_a_loop_device_is_refused() {
        let good = format!("linux /vmlinuz root=UUID={ROOT_UUID} ro");
        assert!(check_grub(&good).is_ok());
        assert!(check_grub("linux /vmlinuz root=/dev/loop0p3 ro").is_err());
        assert!(check_grub(&format!("{good}\nset root=/dev/loop0")).is_err());
    }
}
