//! What a machine boots by.

pub mod bios;
pub mod environment;
pub mod trial;
pub mod uefi;

use serde::{Deserialize, Serialize};

pub use bios::BiosBoot;
pub use uefi::UefiBoot;

use crate::words::relpath::RelPath;

/// What boots the three systems of a run, by the node's firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "firmware", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a plan")]
pub enum PlannedBoot {
    /// GRUB's core images in sectors, found by the boot sector.
    Bios(BiosBoot),
    /// Loaders as files of the EFI system partition, found by entries.
    Uefi(UefiBoot),
}

impl PlannedBoot {
    /// The sectors, on a BIOS.
    pub fn bios(&self) -> Option<&BiosBoot> {
        match self {
            Self::Bios(bios) => Some(bios),
            Self::Uefi(_) => None,
        }
    }

    /// The entries and files, on a UEFI.
    pub fn uefi(&self) -> Option<&UefiBoot> {
        match self {
            Self::Bios(_) => None,
            Self::Uefi(uefi) => Some(uefi),
        }
    }
}

/// How the selector reaches the systems' own loaders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaders {
    /// By boot sectors: those among its files, or the raw copy on the disk of the landing partition.
    Sectors {
        /// Where the raw copy is.
        raw_copy: u64,
    },
    /// By files of the EFI system partition that it was started from.
    Files {
        /// The old system's.
        old: RelPath,
        /// The new system's.
        new: RelPath,
    },
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
