//! Which node a task is for, and on which machine: the options by which an admin of the lab says so.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use jumplab::vm::{Bus, Hardware, Table, Victim};

/// The node, and what its disk is attached to.
#[derive(Debug, Args)]
pub(crate) struct Machinery {
    /// What it boots by
    #[arg(long, value_enum, default_value_t = Boots::Bios)]
    firmware: Boots,
    /// With Secure Boot on; UEFI only
    #[arg(long)]
    secure_boot: bool,
    /// With a GPT instead of an MBR; with UEFI it always is one
    #[arg(long)]
    gpt: bool,
    /// Without a swap partition; UEFI only
    #[arg(long)]
    no_swap: bool,
    /// The size of its disk's sectors, 512 or 4096; the latter is for UEFI only
    #[arg(long, value_name = "BYTES", default_value_t = 512)]
    sectors: u32,
    /// What its disk is attached to
    #[arg(long, value_enum, value_name = "BUS", default_value_t = Disk::Virtio)]
    disk: Disk,
}

/// A firmware's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Boots {
    /// A PC's BIOS
    Bios,
    /// OVMF
    Uefi,
}

/// A bus's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Disk {
    /// /dev/vda
    Virtio,
    /// /dev/sda
    Ide,
    /// /dev/nvme0n1
    Nvme,
}

impl Machinery {
    /// Makes the node's disk, or finds it made.
    pub(crate) fn victim(&self) -> Result<Victim> {
        let victim = Victim::prepare(self.table()?)?;
        Ok(if self.secure_boot {
            victim.secured()
        } else {
            victim
        })
    }

    /// The machine.
    pub(crate) fn hardware(&self) -> Hardware {
        let bus = match self.disk {
            Disk::Virtio => Bus::Virtio,
            Disk::Ide => Bus::Ide,
            Disk::Nvme => Bus::Nvme,
        };
        Hardware {
            bus,
            ..Hardware::default()
        }
    }

    fn table(&self) -> Result<Table> {
        match self.firmware {
            Boots::Bios => self.of_bios(),
            Boots::Uefi => self.of_uefi(),
        }
    }

    fn of_bios(&self) -> Result<Table> {
        if self.secure_boot || self.no_swap || self.sectors != 512 {
            bail!(
                "the lab's nodes with a BIOS have a swap partition, sectors of 512 bytes, and no \
                 Secure Boot\nhint: --firmware uefi"
            );
        }
        Ok(if self.gpt { Table::Gpt } else { Table::Mbr })
    }

    fn of_uefi(&self) -> Result<Table> {
        match (self.sectors, self.no_swap) {
            (512, false) => Ok(Table::Efi),
            (512, true) => Ok(Table::EfiWithoutSwap),
            (4096, _) if self.disk == Disk::Ide => {
                bail!("IDE has no sectors of 4096 bytes\nhint: --disk nvme")
            }
            (4096, false) => Ok(Table::Efi4k),
            (4096, true) => bail!("no node has large sectors and no swap partition"),
            (other, _) => bail!("no node has sectors of {other} bytes\nhint: 512 or 4096"),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use jumplab::vm::Table;

    use super::Machinery;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        machinery: Machinery,
    }

    fn table(options: &str) -> Option<Table> {
        let words = ["xtask"].into_iter().chain(options.split_whitespace());
        Line::parse_from(words).machinery.table().ok()
    }

    #[test]
    fn a_node_that_the_lab_does_not_have_is_refused() {
        assert_eq!(table(""), Some(Table::Mbr));
        assert_eq!(table("--gpt"), Some(Table::Gpt));
        assert_eq!(table("--firmware uefi --secure-boot"), Some(Table::Efi));
        assert_eq!(
            table("--firmware uefi --disk nvme --sectors 4096"),
            Some(Table::Efi4k)
        );
        assert_eq!(table("--firmware uefi --disk ide --sectors 4096"), None);
        assert_eq!(table("--firmware uefi --sectors 520"), None);
        for of_uefi in ["--secure-boot", "--no-swap", "--sectors 4096"] {
            assert_eq!(table(of_uefi), None, "{of_uefi}");
        }
    }
}
