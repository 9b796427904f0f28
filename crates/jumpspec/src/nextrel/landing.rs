//! The partition that `jump(usepartition, …)` takes: the scripts that make the jump system's file system
//! on it, and the variables that it sets.

use super::device::DiskPartition;

/// The label of the file system that is made: what is found again by `--from`, and may be made anew.
pub const MARK: &str = "jump2nr";

/// The partition that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    pub(super) partition: DiskPartition,
    /// Its disk, as the BIOS counts.
    pub(super) drive: u32,
    /// Where it is to be mounted.
    pub(super) mount: String,
    /// Whether it is in use as swap.
    pub(super) is_swap_on: bool,
    /// Whether it is mounted there.
    pub(super) is_mounted: bool,
}

impl Landing {
    /// `/dev/sda2`.
    pub fn device(&self) -> &str {
        &self.partition.device
    }

    /// The values of [`super::JUMP_SETS`], in its order.
    pub fn values(&self) -> [String; 4] {
        let DiskPartition { device, disk, .. } = &self.partition;
        let id = self.partition.grub_id(self.drive);
        [device.clone(), disk.clone(), id, self.mount.clone()]
    }

    /// Makes the file system and mounts it. ext3 with inodes of 128 bytes is what any GRUB legacy
    /// reads: those of 256, which mke2fs makes since 1.40.5, want a patched one. On a partition that an
    /// MBR calls swap it reads none (its stage2/fsys_ext2fs.c, `ext2fs_mount`), so that becomes 83.
    pub fn make_script(&self) -> String {
        let DiskPartition {
            device,
            disk,
            number,
        } = &self.partition;
        let mount = &self.mount;
        let swap = if self.is_swap_on {
            format!("swapoff '{device}'\n")
        } else {
            String::new()
        };
        let unmount = if self.is_mounted {
            format!("umount '{mount}'\n")
        } else {
            String::new()
        };
        format!(
            "set -e\nPATH=$PATH:/usr/sbin:/sbin; export PATH\n\
             kind=$(blkid -p -o value -s PART_ENTRY_TYPE '{device}' || :)\n\
             [ \"$kind\" != 0x82 ] || sfdisk --version >/dev/null\n\
             {swap}{unmount}mkfs.ext3 -q -F -I 128 -L {MARK} '{device}'\n\
             [ \"$kind\" != 0x82 ] || sfdisk -q --no-reread --no-tell-kernel --part-type '{disk}' {number} 83\n{}",
            self.mount_line()
        )
    }

    /// Mounts what was made before, unless it is.
    pub fn mount_script(&self) -> Option<String> {
        let script = format!(
            "set -e\nPATH=$PATH:/usr/sbin:/sbin; export PATH\n{}",
            self.mount_line()
        );
        (!self.is_mounted).then_some(script)
    }

    fn mount_line(&self) -> String {
        let (device, mount) = (&self.partition.device, &self.mount);
        format!("mkdir -p '{mount}'\nmount -t ext3 '{device}' '{mount}'\n")
    }
}
