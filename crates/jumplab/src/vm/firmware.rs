//! What a machine boots by: a PC's BIOS, or OVMF with the node's own variable store.

use std::path::{Path, PathBuf};

/// Where Debian's package ovmf has its files. The 4M build is the one that it goes on with.
const OVMF: &str = "/usr/share/OVMF";

/// A kind of firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Firmware {
    /// SeaBIOS.
    Bios,
    /// OVMF, built without Secure Boot.
    Uefi,
    /// OVMF with Secure Boot on: it knows Microsoft's keys.
    SecureBoot,
}

impl Firmware {
    /// The variable store as it leaves the factory; a BIOS has none.
    pub(super) fn store(self) -> Option<PathBuf> {
        let name = match self {
            Self::Bios => return None,
            Self::Uefi => "OVMF_VARS_4M.fd",
            Self::SecureBoot => "OVMF_VARS_4M.ms.fd",
        };
        Some(PathBuf::from(OVMF).join(name))
    }

    /// What QEMU names the machine. Secure Boot keeps the store from the system by system management
    /// mode, which the older machine does not have (OVMF's README, "SMM support").
    fn machine(self) -> &'static str {
        match self {
            Self::Bios => "pc",
            Self::Uefi => "q35",
            Self::SecureBoot => "q35,smm=on",
        }
    }

    /// How many of `processors` its machine has. With two, OVMF under QEMU 7.2's TCG does not come back from
    /// every reset: with system management mode from none, without from most. With one it does.
    pub(super) fn processors(self, processors: u32) -> u32 {
        match self {
            Self::Bios => processors,
            Self::Uefi | Self::SecureBoot => 1,
        }
    }

    /// QEMU's options for a machine with it, whose store is the file `variables`.
    pub(super) fn options(self, variables: &Path) -> Vec<String> {
        let machine = ["-machine", self.machine()].map(str::to_owned);
        let code = match self {
            Self::Bios => return machine.into(),
            Self::Uefi => "OVMF_CODE_4M.fd",
            Self::SecureBoot => "OVMF_CODE_4M.ms.fd",
        };
        let mut options = machine.to_vec();
        if self == Self::SecureBoot {
            options.extend(
                [
                    "-global",
                    "driver=cfi.pflash01,property=secure,value=on",
                    // Not kept by the store's guard (OVMF's README, as above).
                    "-global",
                    "ICH9-LPC.disable_s3=1",
                ]
                .map(str::to_owned),
            );
        }
        let flash = |unit: u8, file: String| format!("if=pflash,format=raw,unit={unit},{file}");
        options.extend([
            "-drive".to_owned(),
            flash(0, format!("readonly=on,file={OVMF}/{code}")),
            "-drive".to_owned(),
            flash(1, format!("file={}", variables.display())),
        ]);
        options
    }
}
