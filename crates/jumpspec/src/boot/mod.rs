//! What a machine boots by.

pub mod bios;
pub mod environment;
pub mod trial;

use serde::{Deserialize, Serialize};

pub use bios::BiosBoot;

/// What boots the three systems of a run, by the node's firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "firmware", rename_all = "kebab-case")]
pub enum PlannedBoot {
    /// GRUB's core images in sectors, found by the boot sector.
    Bios(BiosBoot),
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
