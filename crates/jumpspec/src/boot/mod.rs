//! What a machine boots by.

use serde::{Deserialize, Serialize};

use crate::disk::Extent;

/// Where a BIOS loader is and could be: the sectors between the boot sector and the
/// first partition (MBR), or the BIOS boot partition (GPT).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoaderArea {
    /// Whether the boot sector is GRUB's.
    pub grub: bool,
    /// The sector that the boot sector loads, if it is GRUB's.
    pub kernel_sector: Option<u64>,
    /// Sectors that the core image in use takes.
    pub core: Vec<Extent>,
    /// The whole area.
    pub area: Option<Extent>,
    /// Runs of the area that hold nothing (or only an earlier selector of ours).
    pub free: Vec<Extent>,
}

/// What boots the three systems of a run, by the node's firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "firmware", rename_all = "kebab-case")]
pub enum PlannedBoot {
    /// GRUB's core images in sectors, found by the boot sector.
    Bios(BiosBoot),
}

/// Where the selector and the loaders go on a BIOS, in sectors of the planned disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BiosBoot {
    /// Room for the selector's core image.
    pub core: Extent,
    /// The sector that keeps a raw copy of the old boot sector.
    pub old_boot_sector: u64,
    /// Room for the new system's core image, at the standard place.
    pub new_core: Extent,
}

impl BiosBoot {
    /// The raw copy of a boot sector.
    pub fn raw_copy(&self) -> Extent {
        Extent {
            start: self.old_boot_sector,
            sectors: 1,
        }
    }
}

/// How the selector reaches the old system's own loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldLoader {
    /// The raw copy of its boot sector, on the disk of the landing partition.
    Sector(u64),
}

/// A serial port that the loader's messages go to, besides the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serial {
    /// Its number, from 0.
    pub unit: u8,
    /// Baud.
    pub speed: u32,
}

impl Serial {
    /// The port that a kernel's `console=ttyS0,115200n8` names (kernel documentation,
    /// admin-guide/serial-console); without a speed the kernel's 9600.
    pub fn from_console(argument: &str) -> Option<Self> {
        let port = argument.strip_prefix("console=ttyS")?;
        let (unit, speed) = port.split_once(',').unwrap_or((port, "9600"));
        let digits = speed
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(speed.len());
        Some(Self {
            unit: unit.parse().ok()?,
            speed: speed[..digits].parse().ok()?,
        })
    }
}
