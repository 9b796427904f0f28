//! The partitions of the victim's disk, for each kind of partition table and firmware, and of the
//! small world's.

use std::fmt::Write as _;
use std::ops::Range;

use super::Firmware;

/// The UUIDs of the victim's file systems, so that tests can name them.
pub const BOOT_UUID: &str = "b0070000-6a75-4d70-8000-000000000001";
/// The swap partition's.
pub const SWAP_UUID: &str = "5a990000-6a75-4d70-8000-000000000002";
/// The root's.
pub const ROOT_UUID: &str = "40070000-6a75-4d70-8000-000000000003";
/// The one of /data.
pub const DATA_UUID: &str = "da7a0000-6a75-4d70-8000-000000000004";

/// The EFI system partition's, as FAT has them: a volume id.
pub const ESP_UUID: &str = "E5B0-0007";

/// The kind of partition table, and what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// p1 /boot, p2 swap, p3 /, p4 /data.
    Mbr,
    /// p1 BIOS boot partition, p2 /boot, p3 swap, p4 /, p5 /data.
    Gpt,
    /// A GPT with p1 EFI system partition, p2 /boot, p3 swap, p4 /, p5 /data; for UEFI.
    Efi,
    /// The same on a disk with sectors of 4096 bytes.
    Efi4k,
    /// The first without its swap: p3 /, p4 /data, and free room at the end.
    EfiWithoutSwap,
    /// An MBR with p1 swap, p2 /, p3 /data, all of them small: [`crate::small::SmallWorld`]'s.
    Small,
    /// The same without its swap: p1 /, p2 /data, and free room for a landing partition.
    SmallWithoutSwap,
    /// The same without that room, and with p1 /boot, p2 /, p3 /data: what a jump system in memory is
    /// booted from.
    SmallInMemory,
    /// A GPT with p1 EFI system partition, p2 swap, p3 /, p4 /data, all of them small: the small world's
    /// with a UEFI.
    SmallEfi,
    /// The same without its swap: p2 /, p3 /data, and free room for a landing partition.
    SmallEfiWithoutSwap,
    /// The same without that room, and with a larger EFI system partition: what a jump system in memory is
    /// booted from.
    SmallEfiInMemory,
}

/// What a partition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// GRUB's core image, on a GPT disk.
    BiosBoot,
    /// The EFI system partition, FAT32, /boot/efi.
    Esp,
    /// /boot, ext4.
    Boot,
    /// Swap: the landing partition.
    Swap,
    /// /, ext4.
    Root,
    /// /data, ext4, which survives.
    Data,
}

/// One partition.
#[derive(Debug, Clone, Copy)]
pub struct Partition {
    /// The partition's number, from 1.
    pub number: u32,
    /// What it is for.
    pub role: Role,
    /// Its size in MiB.
    pub mib: u64,
}

/// Before the first partition: sector 2048 is where partitioners of the last decade begin.
const HEAD_MIB: u64 = 1;
/// After the last one: the backup GPT, and some slack.
const TAIL_MIB: u64 = 2;
/// Room that belongs to no partition, for a landing partition.
const FREE_MIB: u64 = 2048;
/// The EFI system partition, as Debian's installer makes it. It is FAT32 also with large sectors, which
/// takes 65525 clusters (Microsoft's FAT specification).
const ESP_MIB: u64 = 512;
/// The small world's: its job makes a partition there, so that a new table is written.
const SMALL_TAIL_MIB: u64 = 34;
/// Its EFI system partition: FAT32 again, with clusters of one sector.
const SMALL_ESP_MIB: u64 = 40;
/// The same where the jump system's root lies there as well. Not larger than it has to be for clusters of
/// 4 KiB, which those of this age have (mkfs.fat(8), "-s").
const SMALL_ESP_WITH_ROOT_MIB: u64 = 300;
/// Its /boot where a jump system in memory is booted from that: what the planner asks for, and a kernel.
const SMALL_BOOT_WITH_ROOT_MIB: u64 = 160;
/// What its jump system lands on.
const SMALL_LANDING_MIB: u64 = 320;

impl Table {
    /// A word for file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mbr => "mbr",
            Self::Gpt => "gpt",
            Self::Efi => "efi",
            Self::Efi4k => "efi4k",
            Self::EfiWithoutSwap => "efi-without-swap",
            Self::Small => "small",
            Self::SmallWithoutSwap => "small-without-swap",
            Self::SmallInMemory => "small-in-memory",
            Self::SmallEfi => "small-efi",
            Self::SmallEfiWithoutSwap => "small-efi-without-swap",
            Self::SmallEfiInMemory => "small-efi-in-memory",
        }
    }

    /// Whether it is one of the small world's.
    pub fn is_small(self) -> bool {
        match self {
            Self::Mbr | Self::Gpt | Self::Efi | Self::Efi4k | Self::EfiWithoutSwap => false,
            Self::Small
            | Self::SmallWithoutSwap
            | Self::SmallInMemory
            | Self::SmallEfi
            | Self::SmallEfiWithoutSwap
            | Self::SmallEfiInMemory => true,
        }
    }

    /// The firmware that can boot it; Secure Boot is for the machine to say.
    pub fn firmware(self) -> Firmware {
        match self {
            Self::Mbr | Self::Gpt | Self::Small | Self::SmallWithoutSwap | Self::SmallInMemory => {
                Firmware::Bios
            }
            Self::Efi
            | Self::Efi4k
            | Self::EfiWithoutSwap
            | Self::SmallEfi
            | Self::SmallEfiWithoutSwap
            | Self::SmallEfiInMemory => Firmware::Uefi,
        }
    }

    /// What has room for no more than what a jump system in memory is booted from, where that is all the
    /// room that there is.
    pub fn keeper(self) -> Option<Role> {
        match self {
            Self::SmallInMemory => Some(Role::Boot),
            Self::SmallEfiInMemory => Some(Role::Esp),
            _ => None,
        }
    }

    /// Whether the jump system's root lies in memory.
    pub fn lands_in_memory(self) -> bool {
        self.keeper().is_some()
    }

    /// The size of the disk's logical sectors.
    pub fn sector_bytes(self) -> u32 {
        match self {
            Self::Efi4k => 4096,
            _ => 512,
        }
    }

    /// The names of the interfaces with DHCP and with a static address: the older machine's slots are
    /// hot-plug slots, those of the newer one's root complex are not (systemd.net-naming-scheme(7)).
    pub(super) fn interfaces(self) -> [&'static str; 2] {
        match self.firmware() {
            Firmware::Bios => ["ens3", "ens4"],
            Firmware::Uefi | Firmware::SecureBoot => ["enp0s3", "enp0s4"],
        }
    }

    /// The partitions in their order on the disk.
    pub fn partitions(self) -> Vec<Partition> {
        let large = [
            (Role::Boot, 384),
            (Role::Swap, 2048),
            (Role::Root, 3072),
            (Role::Data, 512),
        ];
        let small = [
            (Role::Swap, SMALL_LANDING_MIB),
            (Role::Root, 256),
            (Role::Data, 16),
        ];
        let sizes = match self {
            Self::Mbr => large.to_vec(),
            Self::Gpt => [&[(Role::BiosBoot, 2)], large.as_slice()].concat(),
            Self::Efi | Self::Efi4k | Self::EfiWithoutSwap => {
                [&[(Role::Esp, ESP_MIB)], large.as_slice()].concat()
            }
            Self::Small | Self::SmallWithoutSwap => small.to_vec(),
            Self::SmallInMemory => {
                [&[(Role::Boot, SMALL_BOOT_WITH_ROOT_MIB)], small.as_slice()].concat()
            }
            Self::SmallEfi | Self::SmallEfiWithoutSwap => {
                [&[(Role::Esp, SMALL_ESP_MIB)], small.as_slice()].concat()
            }
            Self::SmallEfiInMemory => {
                [&[(Role::Esp, SMALL_ESP_WITH_ROOT_MIB)], small.as_slice()].concat()
            }
        };
        let there = |(role, _): &(Role, u64)| *role != Role::Swap || self.has_swap();
        (1..)
            .zip(sizes.into_iter().filter(there))
            .map(|(number, (role, mib))| Partition { number, role, mib })
            .collect()
    }

    fn has_swap(self) -> bool {
        !matches!(
            self,
            Self::EfiWithoutSwap
                | Self::SmallWithoutSwap
                | Self::SmallInMemory
                | Self::SmallEfiWithoutSwap
                | Self::SmallEfiInMemory
        )
    }

    /// The partition with that role, if there is one.
    pub fn partition(self, role: Role) -> Option<Partition> {
        self.partitions()
            .into_iter()
            .find(|partition| partition.role == role)
    }

    /// The number of the partition that the jump system lands on: swap, or the first that is free; or
    /// the one that its root in memory comes from.
    pub fn landing(self) -> u32 {
        let keeper = self.keeper().and_then(|role| self.partition(role));
        if let Some(keeper) = keeper {
            return keeper.number;
        }
        let free = (1..=u32::MAX).find(|number| {
            let mut partitions = self.partitions().into_iter();
            partitions.all(|it| it.number != *number)
        });
        let swap = self.partition(Role::Swap).map(|swap| swap.number);
        swap.or(free).unwrap_or_default()
    }

    /// Where the partition with that role is, in bytes from the start of the disk.
    pub fn place(self, role: Role) -> Option<Range<u64>> {
        let mut start = HEAD_MIB << 20;
        for partition in self.partitions() {
            let end = start + (partition.mib << 20);
            if partition.role == role {
                return Some(start..end);
            }
            start = end;
        }
        None
    }

    /// The disk's size in bytes.
    pub fn disk_bytes(self) -> u64 {
        let partitions: u64 = self
            .partitions()
            .iter()
            .map(|partition| partition.mib)
            .sum();
        let tail = match self {
            Self::Mbr | Self::Gpt | Self::Efi | Self::Efi4k => TAIL_MIB,
            Self::EfiWithoutSwap => TAIL_MIB + FREE_MIB,
            Self::Small | Self::SmallInMemory | Self::SmallEfi | Self::SmallEfiInMemory => {
                SMALL_TAIL_MIB
            }
            Self::SmallWithoutSwap | Self::SmallEfiWithoutSwap => {
                SMALL_TAIL_MIB + SMALL_LANDING_MIB
            }
        };
        (HEAD_MIB + partitions + tail) << 20
    }

    /// The script that makes this table, for `sfdisk` (sfdisk(8), "Input formats").
    pub(crate) fn sfdisk(self) -> String {
        let mut script = match self {
            Self::Mbr | Self::Small | Self::SmallWithoutSwap | Self::SmallInMemory => {
                String::from("label: dos\nlabel-id: 0x6a756d70\n")
            }
            Self::Gpt
            | Self::Efi
            | Self::Efi4k
            | Self::EfiWithoutSwap
            | Self::SmallEfi
            | Self::SmallEfiWithoutSwap
            | Self::SmallEfiInMemory => String::from("label: gpt\n"),
        };
        let mut start = HEAD_MIB;
        for Partition { role, mib, .. } in self.partitions() {
            let kind = self.kind(role);
            let active = if self == Self::Mbr && role == Role::Boot {
                ", bootable"
            } else {
                ""
            };
            let _ = writeln!(
                script,
                "start={start}MiB, size={mib}MiB, type={kind}{active}"
            );
            start += mib;
        }
        script
    }

    fn kind(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::Mbr | Self::Small, Role::Swap) => "82",
            (Self::Mbr | Self::Small | Self::SmallWithoutSwap | Self::SmallInMemory, _) => "83",
            (_, Role::BiosBoot) => "21686148-6449-6E6F-744E-656564454649",
            (_, Role::Esp) => "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
            (_, Role::Swap) => "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F",
            (_, Role::Boot | Role::Root | Role::Data) => "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, Table};

    #[test]
    fn numbers_shift_by_one_on_gpt() {
        let number = |table: Table| {
            table
                .partition(Role::Swap)
                .map(|partition| partition.number)
        };
        assert_eq!((number(Table::Mbr), number(Table::Gpt)), (Some(2), Some(3)));
        assert_eq!(
            (number(Table::Efi), number(Table::Efi4k)),
            (Some(3), Some(3))
        );
    }

    #[test]
    fn the_script_starts_at_sector_2048_and_leaves_no_gaps() {
        let script = Table::Mbr.sfdisk();
        assert!(
            script.contains("start=1MiB, size=384MiB, type=83, bootable\n"),
            "{script}"
        );
        assert!(
            script.contains("start=385MiB, size=2048MiB, type=82\n"),
            "{script}"
        );
    }
}
