//! `cargo xtask vm`: starts the victim for use by hand.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use jumplab::vm::{Bus, Firmware, Hardware, Machine, NODE, Node, Table, Victim};
use jumplab::{run, workspace};

/// Which victim, and on what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What it boots by
    #[arg(long, value_enum, default_value_t = Boots::Bios)]
    firmware: Boots,
    /// With Secure Boot on; UEFI only
    #[arg(long)]
    secure_boot: bool,
    /// With a GPT instead of an MBR; with UEFI it always is one
    #[arg(long)]
    gpt: bool,
    /// The size of its disk's sectors, 512 or 4096; the latter is for UEFI only
    #[arg(long, value_name = "BYTES", default_value_t = 512)]
    sectors: u32,
    /// What its disk is attached to
    #[arg(long, value_enum, value_name = "BUS", default_value_t = Disk::Virtio)]
    disk: Disk,
    /// With the disk of an earlier start, as that left it
    #[arg(long)]
    again: bool,
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

impl Options {
    fn table(&self) -> Result<Table> {
        match (self.firmware, self.sectors) {
            (Boots::Uefi, 512) => Ok(Table::Efi),
            (Boots::Uefi, 4096) if self.disk == Disk::Ide => {
                bail!("IDE has no sectors of 4096 bytes\nhint: --disk nvme")
            }
            (Boots::Uefi, 4096) => Ok(Table::Efi4k),
            (Boots::Bios, 512) if self.secure_boot => {
                bail!("a BIOS knows no Secure Boot\nhint: --firmware uefi")
            }
            (Boots::Bios, 512) if self.gpt => Ok(Table::Gpt),
            (Boots::Bios, 512) => Ok(Table::Mbr),
            (Boots::Bios | Boots::Uefi, other) => {
                bail!("no node has sectors of {other} bytes\nhint: 512, or with UEFI 4096")
            }
        }
    }

    fn victim(&self) -> Result<Victim> {
        let victim = Victim::prepare(self.table()?)?;
        Ok(if self.secure_boot {
            victim.secured()
        } else {
            victim
        })
    }

    fn bus(&self) -> Bus {
        match self.disk {
            Disk::Virtio => Bus::Virtio,
            Disk::Ide => Bus::Ide,
            Disk::Nvme => Bus::Nvme,
        }
    }

    fn node(&self) -> Result<Node> {
        let victim = self.victim()?;
        let secure = match victim.firmware {
            Firmware::SecureBoot => "-secure",
            Firmware::Bios | Firmware::Uefi => "",
        };
        let name = format!("hand-{}{secure}", victim.table.name());
        if !self.again {
            return victim.copy(&name);
        }
        let node = victim.reuse(&name);
        if !node.disk.exists() {
            bail!("there was no earlier start\nhint: leave --again out");
        }
        Ok(node)
    }
}

/// Starts the victim, tells how to log in, and leaves it running.
pub(crate) fn by_hand(options: &Options) -> Result<()> {
    let hardware = Hardware {
        bus: options.bus(),
        ..Hardware::default()
    };
    let mut machine = Machine::start(&options.node()?, &hardware)?;
    let waited = machine.wait_for_ssh(Duration::from_mins(10))?;
    eprintln!("vm: {NODE} answers SSH after {} s", waited.as_secs());
    say_how_to_log_in(machine);
    Ok(())
}

/// Lets `machine` run on and prints how to reach and end it.
pub(crate) fn say_how_to_log_in(machine: Machine) {
    let mut ssh = run::command("ssh", ["-F"]);
    println!(
        "log in:     {}",
        run::line(ssh.arg(machine.ssh_config()).arg(NODE))
    );
    println!("serial log: {}", workspace::shown(machine.serial_log()));
    if let Some(id) = machine.leave_running() {
        println!("end it:     kill {id}");
    }
}
