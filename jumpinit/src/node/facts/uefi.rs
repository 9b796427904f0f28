//! A UEFI's boot entries, and what lies on the EFI system partitions that they lead to.

use std::path::Path;

use anyhow::Result;
use jumpspec::boot::uefi::found::{FirmwareModel, FoundEntry, FoundEsp, FoundUefi};
use jumpspec::boot::uefi::{
    BOOT_CURRENT, BOOT_NEXT, BOOT_ORDER, BootOrder, EntryNumber, GRUB_SCRIPTS, LoadOption,
    SECURE_BOOT,
};
use jumpspec::disk::table::GPT_ESP;
use jumpspec::disk::{Disk, FoundPartition};
use jumpspec::places;
use jumpspec::words::size::Size;
use jumpsys::boot::efivars::{EFIVARS, EfiVars};
use jumpsys::files::mountinfo;
use jumpsys::files::root::Root;
use jumpsys::files::usage;
use jumpsys::kernel::sysfs;

use super::device_of;
use crate::node::mounted::with_mounted;

/// What begins the place where jump itself mounts something, which only root may enter.
const OURS: &str = "/run/jump-";
/// The permission bits of others than the owner, inode(7).
const OTHERS: u32 = 0o077;
/// Where loaders are on an EFI system partition, a directory for each system.
const LOADERS: &str = "EFI";
/// Files of loaders that are told; a system has some ten.
const FILES: usize = 500;
/// Entries that are told.
const ENTRIES: usize = 500;
/// Characters that are told of a name.
const NAME: usize = 200;

/// What this node's firmware says; none on a BIOS.
pub(crate) fn read(disks: &[Disk]) -> Option<FoundUefi> {
    let sys = Path::new(sysfs::SYS);
    if sysfs::firmware(sys) != sysfs::Firmware::Efi {
        return None;
    }
    let vars = EfiVars::at(Path::new(EFIVARS));
    let number = |name| EntryNumber::from_bytes(&value(&vars, name)?);
    let dmi = |name| short(&sysfs::dmi(sys, name).unwrap_or_default());
    Some(FoundUefi {
        bits: sysfs::efi_bits(sys),
        secure_boot: value(&vars, SECURE_BOOT).is_some_and(|value| value == [1]),
        model: FirmwareModel {
            vendor: dmi("sys_vendor"),
            product: dmi("product_name"),
            version: dmi("bios_version"),
        },
        unwritable: unwritable(&vars),
        current: number(BOOT_CURRENT),
        next: number(BOOT_NEXT),
        order: value(&vars, BOOT_ORDER).and_then(|value| BootOrder::from_bytes(&value)),
        entries: entries(&vars),
        esps: disks.iter().flat_map(esps).collect(),
    })
}

/// A variable that cannot be read is one that is not there.
fn value(vars: &EfiVars, name: &str) -> Option<Vec<u8>> {
    vars.read(name).ok().flatten()
}

fn unwritable(vars: &EfiVars) -> Option<String> {
    let error = vars.try_writing().err()?;
    Some(format!("{:#}", anyhow::Error::from(error)))
}

fn entries(vars: &EfiVars) -> Vec<FoundEntry> {
    let names = vars.names().unwrap_or_default();
    let numbers = names
        .iter()
        .filter_map(|name| EntryNumber::of_variable(name));
    let entries = numbers.filter_map(|number| {
        let value = value(vars, &number.to_string())?;
        let option = LoadOption::parse(&value).ok()?;
        Some(FoundEntry {
            number,
            description: short(&option.description),
            is_active: option.is_active,
            file: option.file,
            arguments: LoadOption::arguments(&value).map(|it| short(&it)),
        })
    });
    entries.take(ENTRIES).collect()
}

fn short(text: &str) -> String {
    text.chars().take(NAME).collect()
}

fn esps(disk: &Disk) -> impl Iterator<Item = FoundEsp> {
    let partitions = disk.partitions.iter();
    partitions
        .filter(|partition| partition.type_code == GPT_ESP)
        .map(esp)
}

/// One that cannot be read is told without its room and files.
fn esp(partition: &FoundPartition) -> FoundEsp {
    let unread = FoundEsp {
        device: partition.device.clone(),
        free: None,
        left: Size(0),
        files: Vec::new(),
        has_boot_grub: false,
        open: false,
    };
    let open = is_open(&partition.device);
    let found = with_mounted(&partition.device, "vfat", |root| {
        Ok(FoundEsp {
            device: partition.device.clone(),
            free: Some(Size(usage::space(root.path())?.free)),
            left: Size(usage::usage(&root.path().join(places::ON_ESP))?.bytes),
            files: files(root)?,
            has_boot_grub: GRUB_SCRIPTS.iter().any(|script| root.is_there(script)),
            open,
        })
    });
    found.unwrap_or(unread)
}

/// Whether the system has it mounted, and open to others. Where jump itself has it, nobody else comes.
fn is_open(device: &str) -> bool {
    let mounts = mountinfo::read_mountinfo().unwrap_or_default();
    let mut theirs = mounts.iter().filter(|mount| {
        device_of(mount) == device && !mount.mount_point.to_string_lossy().starts_with(OURS)
    });
    theirs.any(|mount| !is_roots_alone(&mount.super_options))
}

/// Whether only root may read a FAT with these options (mount(8), "Mount options for vfat").
fn is_roots_alone(options: &str) -> bool {
    let is_closed = |option: &str| {
        let mask = option
            .strip_prefix("fmask=")
            .or_else(|| option.strip_prefix("dmask="));
        let mask = mask.and_then(|mask| u32::from_str_radix(mask, 8).ok());
        mask.is_some_and(|mask| mask & OTHERS == OTHERS)
    };
    let is_others = |option: &str| option.starts_with("uid=") || option.starts_with("gid=");
    options.split(',').any(is_closed) && !options.split(',').any(is_others)
}

fn files(root: &Root) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for system in list(root, LOADERS)? {
        let directory = format!("{LOADERS}/{system}");
        let names = list(root, &directory).unwrap_or_default();
        files.extend(names.iter().map(|name| format!("{directory}/{name}")));
    }
    files.truncate(FILES);
    Ok(files)
}

fn list(root: &Root, directory: &str) -> Result<Vec<String>> {
    if root.is_there(directory) {
        Ok(root.list(directory)?)
    } else {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_root_s_alone_by_its_masks_and_owners() {
        for closed in ["rw,fmask=0077,dmask=0077,utf8", "rw,fmask=0022,dmask=0077"] {
            assert!(is_roots_alone(closed), "{closed}");
        }
        for open in [
            "rw,fmask=0022,dmask=0022,utf8",
            "rw,fmask=0027,dmask=0027",
            "rw,uid=1000,fmask=0077,dmask=0077",
            "rw,gid=6,fmask=0077,dmask=0077",
            "rw",
        ] {
            assert!(!is_roots_alone(open), "{open}");
        }
    }
}
