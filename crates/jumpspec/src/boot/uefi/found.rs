//! What a UEFI node says of its firmware, and what lies on its EFI system partitions.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BootOrder, EntryNumber, EspFile, SHIM};
use crate::words::size::Size;

/// A node's firmware with its variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundUefi {
    /// 64 or 32 (`/sys/firmware/efi/fw_platform_size`); a firmware of 32 bits starts no loader of ours.
    pub bits: Option<u16>,
    /// Whether it starts signed programs only.
    pub secure_boot: bool,
    /// What makes two machines the same to us.
    pub model: FirmwareModel,
    /// Why its variables cannot be written, as the kernel says; none where a trial went well.
    pub unwritable: Option<String>,
    /// The entry that the running system was booted by.
    pub current: Option<EntryNumber>,
    /// An entry that is booted once, at the next boot.
    pub next: Option<EntryNumber>,
    /// The order in which entries are tried; none where there is no such variable.
    pub order: Option<BootOrder>,
    /// The entries, by number.
    pub entries: Vec<FoundEntry>,
    /// The EFI system partitions of all disks.
    pub esps: Vec<FoundEsp>,
}

/// Whose firmware it is, by DMI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirmwareModel {
    /// `sys_vendor`.
    pub vendor: String,
    /// `product_name`.
    pub product: String,
    /// `bios_version`.
    pub version: String,
}

impl FirmwareModel {
    /// Whether it says whose it is: what says nothing cannot be told from others.
    pub fn is_known(&self) -> bool {
        [&self.vendor, &self.product, &self.version]
            .iter()
            .all(|it| !it.trim().is_empty())
    }
}

impl fmt::Display for FirmwareModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, {}", self.vendor, self.product, self.version)
    }
}

/// A boot entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundEntry {
    /// Its number.
    pub number: EntryNumber,
    /// What people know it by.
    pub description: String,
    /// Whether it is tried when its turn comes.
    pub is_active: bool,
    /// What it starts, if that is a file on a partition of a GPT.
    pub file: Option<EspFile>,
    /// What that is told besides, as far as it is text ([`super::LoadOption::arguments`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

/// An EFI system partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundEsp {
    /// `/dev/vda1`.
    pub device: String,
    /// What is free there; none if it could not be read.
    pub free: Option<Size>,
    /// What an earlier run in memory has left there, which the next one of that kind removes.
    #[serde(default)]
    pub left: Size,
    /// The files of its directories `EFI/*`, with slashes, as they are written there. FAT knows no case.
    pub files: Vec<String>,
    /// Whether there is a script in `boot/grub`, which a signed GRUB would take for its own.
    pub has_boot_grub: bool,
    /// Whether the system has it mounted so that others than root may read it.
    #[serde(default)]
    pub open: bool,
}

impl FoundUefi {
    /// The entry with this number.
    pub fn entry(&self, number: EntryNumber) -> Option<&FoundEntry> {
        self.entries.iter().find(|entry| entry.number == number)
    }

    /// What people know the entry with this number by: `Boot0004 (debian)`.
    pub fn name(&self, number: EntryNumber) -> String {
        match self.entry(number) {
            Some(entry) if !entry.description.is_empty() => {
                format!("{number} ({})", entry.description)
            }
            _ => number.to_string(),
        }
    }

    /// Whether the next boot is by the selector: by its name, or as the first of the order.
    pub fn leads_to_selector(&self) -> bool {
        let first = self.order.as_ref().and_then(BootOrder::first);
        let entries = [self.next, first].into_iter().flatten();
        let mut files = entries.filter_map(|number| self.entry(number)?.file.as_ref());
        files.any(|file| file.path.eq_ignore_ascii_case(SHIM))
    }

    /// The EFI system partition on the partition `device`.
    pub fn esp(&self, device: &str) -> Option<&FoundEsp> {
        self.esps.iter().find(|esp| esp.device == device)
    }
}

impl FoundEsp {
    /// Whether there is anything in `directory`.
    pub fn has_any(&self, directory: &str) -> bool {
        let mut files = self.files.iter();
        files.any(|file| {
            let (above, rest) = file.split_at_checked(directory.len()).unwrap_or_default();
            above.eq_ignore_ascii_case(directory) && rest.starts_with('/')
        })
    }

    /// The file called `path`, which FAT may have written otherwise.
    pub fn file(&self, path: &str) -> Option<&str> {
        let mut files = self.files.iter().map(String::as_str);
        files.find(|file| file.eq_ignore_ascii_case(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fat_knows_no_case() {
        let esp = FoundEsp {
            device: "/dev/vda1".to_owned(),
            free: None,
            left: Size(0),
            files: vec!["EFI/BOOT/bootx64.efi".to_owned()],
            has_boot_grub: false,
            open: false,
        };
        assert!(esp.file("EFI/Boot/BOOTX64.EFI").is_some());
        assert_eq!(esp.file("EFI/BOOT/grubx64.efi"), None);
        assert!(esp.has_any("EFI/boot") && !esp.has_any("EFI/BOO") && !esp.has_any("EFI/jump"));
    }
}
