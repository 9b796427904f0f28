//! Names of partitions as Linux gives them, and of the same in GRUB legacy.

/// A partition of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskPartition {
    /// `/dev/sda2`, `/dev/nvme0n1p2`.
    pub device: String,
    /// `/dev/sda`, `/dev/nvme0n1`.
    pub disk: String,
    /// 2. From 1.
    pub number: u32,
}

/// Disks that are told apart by letters: the kernel's Documentation/admin-guide/devices.txt.
const LETTERED: [&str; 4] = ["sd", "hd", "vd", "xvd"];

impl DiskPartition {
    /// Reads a device's name. Logical volumes, RAID arrays, whole disks and links are none.
    pub fn parse(device: &str) -> Option<Self> {
        let name = device.strip_prefix("/dev/")?;
        let before = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = name[before.len()..]
            .parse()
            .ok()
            .filter(|number| *number > 0)?;
        // A `p` stands between two numbers (block/partitions/core.c, add_partition).
        let numbered = before.strip_suffix('p').filter(|disk| is_numbered(disk));
        let disk = numbered.or_else(|| letters(before).map(|_| before))?;
        Some(Self {
            device: device.to_owned(),
            disk: format!("/dev/{disk}"),
            number,
        })
    }

    /// What GRUB legacy calls it if the disk is BIOS drive `drive` (0 is the first): it counts
    /// partitions from 0, logical ones from 4 ("Naming convention" in its manual).
    pub fn grub_id(&self, drive: u32) -> String {
        format!("hd{drive},{}", self.number - 1)
    }

    /// Which BIOS drive the disk is, from its name alone: `sda` and `nvme0n1` are the first.
    pub fn drive_by_name(&self) -> u32 {
        let name = self.disk.trim_start_matches("/dev/");
        if let Some(letters) = letters(name) {
            let place = |sum: u32, byte: u8| {
                sum.saturating_mul(26)
                    .saturating_add(u32::from(byte - b'a') + 1)
            };
            return letters.bytes().fold(0, place).saturating_sub(1);
        }
        let before = name.strip_prefix("nvme").and_then(|it| it.split_once('n'));
        let number = before.map_or_else(|| trailing_digits(name), |(controller, _)| controller);
        number.parse().unwrap_or(0)
    }
}

/// `a` of `sda`.
fn letters(disk: &str) -> Option<&str> {
    let found = LETTERED.iter().find_map(|kind| disk.strip_prefix(kind))?;
    let sound = !found.is_empty() && found.bytes().all(|byte| byte.is_ascii_lowercase());
    sound.then_some(found)
}

/// Disks whose names end in a number: NVMe, SD cards, loop devices, controllers such as
/// `cciss/c0d0`. Arrays (`md0`) end in one too, and no BIOS reads them.
fn is_numbered(disk: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'/';
    disk.bytes().all(sound) && !trailing_digits(disk).is_empty() && !disk.starts_with("md")
}

fn trailing_digits(name: &str) -> &str {
    &name[name.trim_end_matches(|c: char| c.is_ascii_digit()).len()..]
}

#[cfg(test)]
mod tests {
    use super::DiskPartition;

    #[test]
    fn partitions_have_a_disk_a_number_and_a_name_in_grub_legacy() {
        let cases = [
            ("/dev/sda2", "/dev/sda", "hd0,1"),
            ("/dev/hdb5", "/dev/hdb", "hd1,4"),
            ("/dev/sdaa10", "/dev/sdaa", "hd26,9"),
            ("/dev/xvda1", "/dev/xvda", "hd0,0"),
            ("/dev/nvme0n1p2", "/dev/nvme0n1", "hd0,1"),
            ("/dev/nvme12n1p3", "/dev/nvme12n1", "hd12,2"),
            ("/dev/mmcblk0p2", "/dev/mmcblk0", "hd0,1"),
            ("/dev/cciss/c0d1p2", "/dev/cciss/c0d1", "hd1,1"),
        ];
        for (device, disk, grub) in cases {
            let partition = DiskPartition::parse(device).unwrap();
            assert_eq!(partition.disk, disk);
            assert_eq!(
                partition.grub_id(partition.drive_by_name()),
                grub,
                "{device}"
            );
        }
    }

    #[test]
    fn what_no_bios_reads_is_no_partition_of_a_disk() {
        for device in [
            "/dev/sda",
            "/dev/sda0",
            "/dev/nvme0n1",
            "/dev/mmcblk0",
            "/dev/md0",
            "/dev/md0p1",
            "/dev/dm-1",
            "/dev/zram0",
            "/dev/mapper/vg-swap1",
            "/dev/disk/by-id/x-part2",
            "sda2",
            "/dev/sd2",
            "/dev/sda4294967296",
            "/dev/s da2",
            "/dev/$(reboot)p2",
            "",
        ] {
            assert_eq!(DiskPartition::parse(device), None, "{device}");
        }
    }
}
