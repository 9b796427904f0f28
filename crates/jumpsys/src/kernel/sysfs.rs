//! Disks, firmware and watchdogs as sysfs shows them. Every function takes the root of sysfs
//! ([`SYS`] in earnest), so that tests can give it a made directory. Only reads.
//!
//! Source: the kernel's Documentation/ABI/stable/sysfs-block and testing/sysfs-class-watchdog.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jumpspec::disk::Extent;

use crate::error::{At as _, PathError};

/// Where sysfs is.
pub const SYS: &str = "/sys";

/// What sort of block device a disk is; only [`DiskKind::Plain`] is one that can be held in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskKind {
    /// A real or virtual disk: sd, vd, nvme, mmcblk, ubd, xvd …
    Plain,
    /// A loop device with a file behind it.
    Loop,
    /// Device-mapper: LVM, crypt, multipath.
    Mapper,
    /// Linux software RAID.
    Md,
}

/// A disk which has a size. RAM disks, zram, optical and floppy drives are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The kernel's name, `sda`; slashes in the device name are `!` here.
    pub name: String,
    /// What sort it is.
    pub kind: DiskKind,
    /// Device number, major and minor.
    pub device: (u32, u32),
    /// Size in bytes.
    pub size: u64,
    /// Logical block size in bytes.
    pub logical_block_size: u32,
    /// Whether it can't be written to.
    pub read_only: bool,
    /// Whether its medium can be taken out.
    pub removable: bool,
    /// Whether it spins (or says so: virtual disks often do).
    pub rotational: bool,
    /// The maker's name for the model.
    pub model: Option<String>,
    /// The serial number, from wherever its driver shows one.
    pub serial: Option<String>,
    /// The World Wide Identifier (`naa.…`, `eui.…`, `t10.…`).
    pub wwid: Option<String>,
    /// Names of what is stacked on the whole disk (dm, md).
    pub holders: Vec<String>,
    /// Names of what it is stacked on.
    pub slaves: Vec<String>,
    /// The partitions which the kernel knows, by number.
    pub partitions: Vec<KernelPartition>,
}

/// A partition which the kernel knows of, which need not be what the table on the disk says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelPartition {
    /// The kernel's name, `sda1`.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// Device number, major and minor.
    pub device: (u32, u32),
    /// Where it lies, in 512-byte sectors whatever the disk's block size.
    pub extent: Extent,
    /// Names of what is stacked on it.
    pub holders: Vec<String>,
}

/// How many processors are online; none where that is not told (cputopology.rst in the kernel's documentation).
pub fn processors(sys: &Path) -> Option<u32> {
    let online = fs::read_to_string(sys.join("devices/system/cpu/online")).ok()?;
    length(online.trim())
}

/// The numbers in a list such as `0-3,8`.
fn length(list: &str) -> Option<u32> {
    list.split(',')
        .map(|range| {
            let (begin, end) = range.split_once('-').unwrap_or((range, range));
            let (begin, end): (u32, u32) = (begin.parse().ok()?, end.parse().ok()?);
            end.checked_sub(begin)?.checked_add(1)
        })
        .try_fold(0_u32, |sum, range| sum.checked_add(range?))
}

/// How the machine was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// By a BIOS, or a kernel started without firmware services.
    Bios,
    /// By UEFI, with its runtime services at hand.
    Efi,
}

/// A watchdog which the kernel has a driver for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchdogInfo {
    /// `watchdog0`, also the name of its node in /dev.
    pub name: String,
    /// What it is: `iTCO_wdt`, `Software Watchdog`.
    pub identity: Option<String>,
    /// Seconds until it resets the machine, if known.
    pub timeout: Option<u32>,
    /// Whether it can't be stopped once started.
    pub nowayout: Option<bool>,
}

/// Every disk, by name.
pub fn read_disks(sys: &Path) -> Result<Vec<Disk>, PathError> {
    let mut disks = Vec::new();
    for name in names(&sys.join("block"))? {
        if ["ram", "zram", "sr", "fd"]
            .iter()
            .any(|p| numbered(&name, p))
        {
            continue;
        }
        let disk = read_disk(sys, &name)?;
        if disk.size > 0 {
            disks.push(disk);
        }
    }
    Ok(disks)
}

/// One disk by the kernel's name. `ENOENT` if there is none.
pub fn read_disk(sys: &Path, name: &str) -> Result<Disk, PathError> {
    let dir = sys.join("block").join(name);
    Ok(Disk {
        name: name.to_owned(),
        kind: kind(name),
        device: device_number(&dir)?,
        size: number(&dir.join("size"))? * jumpspec::disk::SECTOR,
        logical_block_size: text(&dir.join("queue/logical_block_size"))
            .and_then(|t| t.parse().ok())
            .unwrap_or(512),
        read_only: flag(&dir.join("ro")),
        removable: flag(&dir.join("removable")),
        rotational: flag(&dir.join("queue/rotational")),
        model: text(&dir.join("device/model")),
        serial: serial(&dir),
        wwid: text(&dir.join("wwid")).or_else(|| text(&dir.join("device/wwid"))),
        holders: names_if_any(&dir.join("holders"))?,
        slaves: names_if_any(&dir.join("slaves"))?,
        partitions: partitions(&dir)?,
    })
}

/// Whether the block device called `name` is an open volume of cryptsetup's, which calls its mappings
/// `CRYPT-LUKS2-…`, `CRYPT-INTEGRITY-…` and the like (cryptsetup, lib/libdevmapper.c).
pub fn is_crypt(sys: &Path, name: &str) -> bool {
    let uuid = text(&sys.join("block").join(name).join("dm/uuid"));
    uuid.is_some_and(|uuid| uuid.starts_with("CRYPT-"))
}

/// EFI if and only if the kernel has the firmware's runtime services.
pub fn firmware(sys: &Path) -> Firmware {
    if sys.join("firmware/efi").exists() {
        Firmware::Efi
    } else {
        Firmware::Bios
    }
}

/// Bits of a UEFI's words: a firmware of 32 bits may have booted a kernel of 64.
pub fn efi_bits(sys: &Path) -> Option<u16> {
    let bits = text(&sys.join("firmware/efi/fw_platform_size"))?;
    bits.parse().ok()
}

/// A word of the machine's maker on it (kernel documentation, ABI/testing/sysfs-class-dmi).
pub fn dmi(sys: &Path, name: &str) -> Option<String> {
    text(&sys.join("class/dmi/id").join(name))
}

/// Every watchdog, by name; none where the kernel has no such class.
pub fn watchdogs(sys: &Path) -> Result<Vec<WatchdogInfo>, PathError> {
    let class = sys.join("class/watchdog");
    let info = |name: String| {
        let dir = class.join(&name);
        WatchdogInfo {
            identity: text(&dir.join("identity")),
            timeout: text(&dir.join("timeout")).and_then(|t| t.parse().ok()),
            nowayout: text(&dir.join("nowayout")).map(|t| t == "1"),
            name,
        }
    };
    Ok(names_if_any(&class)?.into_iter().map(info).collect())
}

fn partitions(disk: &Path) -> Result<Vec<KernelPartition>, PathError> {
    let mut found = Vec::new();
    for name in names(disk)? {
        let dir = disk.join(&name);
        if !dir.join("partition").exists() {
            continue;
        }
        let value = number(&dir.join("partition"))?;
        let invalid = || PathError::new("read", &dir, io::ErrorKind::InvalidData);
        found.push(KernelPartition {
            number: u32::try_from(value).map_err(|_| invalid())?,
            device: device_number(&dir)?,
            extent: Extent {
                start: number(&dir.join("start"))?,
                sectors: number(&dir.join("size"))?,
            },
            holders: names_if_any(&dir.join("holders"))?,
            name,
        });
    }
    found.sort_by_key(|p| p.number);
    Ok(found)
}

fn kind(name: &str) -> DiskKind {
    if numbered(name, "loop") {
        DiskKind::Loop
    } else if numbered(name, "dm-") {
        DiskKind::Mapper
    } else if name.starts_with("md") {
        DiskKind::Md
    } else {
        DiskKind::Plain
    }
}

/// Each driver shows the serial number elsewhere: virtio and mmc on the disk or its device, NVMe on
/// its device, SCSI in the raw page 0x80 of the Vital Product Data.
fn serial(dir: &Path) -> Option<String> {
    text(&dir.join("serial"))
        .or_else(|| text(&dir.join("device/serial")))
        .or_else(|| parse_vpd_pg80(&fs::read(dir.join("device/vpd_pg80")).ok()?))
}

/// SCSI Unit Serial Number page (SPC-4, 7.8.15): byte 1 is 0x80, bytes 2 and 3 the length, big
/// endian, and from byte 4 the serial number, padded with spaces.
pub fn parse_vpd_pg80(page: &[u8]) -> Option<String> {
    let header = page.first_chunk::<4>().filter(|h| h[1] == 0x80)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let serial = page[4..].get(..length)?;
    let serial = String::from_utf8_lossy(serial);
    let serial = serial.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!serial.is_empty()).then(|| serial.to_owned())
}

fn numbered(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The MBR signature of the disk that the BIOS calls 0x80, as 8 hex digits, where the kernel has
/// asked for it (the kernel's drivers/firmware/edd.c, which prints
/// `0x%08x`).
pub fn bios_disk_signature(sys: &Path) -> Option<String> {
    let said = text(&sys.join("firmware/edd/int13_dev80/mbr_signature"))?;
    let signature = u32::from_str_radix(said.strip_prefix("0x")?, 16).ok()?;
    (signature != 0).then(|| format!("{signature:08x}"))
}

fn names(dir: &Path) -> Result<Vec<String>, PathError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).at("list", dir)? {
        let name = entry.at("list", dir)?.file_name();
        names.extend(name.into_string().ok());
    }
    names.sort();
    Ok(names)
}

fn names_if_any(dir: &Path) -> Result<Vec<String>, PathError> {
    match names(dir) {
        Err(e) if e.source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// An attribute's text without the space around it; `None` if absent, unreadable or empty.
fn text(path: &Path) -> Option<String> {
    let text = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

fn flag(path: &Path) -> bool {
    text(path).is_some_and(|t| t != "0")
}

fn number(path: &Path) -> Result<u64, PathError> {
    let text = fs::read_to_string(path).at("read", path)?;
    let invalid = |_| PathError::new("read", path, io::ErrorKind::InvalidData);
    text.trim().parse().map_err(invalid)
}

fn device_number(dir: &Path) -> Result<(u32, u32), PathError> {
    let path: PathBuf = dir.join("dev");
    let text = fs::read_to_string(&path).at("read", &path)?;
    text.trim()
        .split_once(':')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .ok_or_else(|| PathError::new("read", &path, io::ErrorKind::InvalidData))
}

#[cfg(test)]
mod tests;
