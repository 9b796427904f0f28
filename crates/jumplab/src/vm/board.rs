//! The hardware of a user-mode Linux, as its kernel's command line. Other hardware than the node's own
//! is a fault.

use std::path::PathBuf;

use super::netns::TAP;
use super::node::disks;
use super::{DISK_SERIAL, Firmware, MAC_STATIC, Node, StandIn};

/// Enough for the jump system and grub-mkconfig; it is backed by a file in /tmp or /dev/shm.
const MEMORY_MIB: u32 = 768;
/// Enough for the small world's.
const SMALL_MEMORY_MIB: u32 = 256;
/// Enough for a jump system that lies in memory, which takes 768 MiB beside what the kernel keeps.
const MEMORY_WITH_ROOT_MIB: u32 = 832;
/// Benchmarks of RAID code, which a boot would wait a second for and no node here uses.
const UNUSED: &str = "initcall_blacklist=raid6_select_algo,calibrate_xor_blocks";

/// The serial number of a node's second disk.
const BESIDE_SERIAL: &str = "JUMP0002";

/// What a kernel's root is.
pub(super) enum Root {
    /// The partition with that number.
    Partition(u32),
    /// An initramfs in this file, which stays the root.
    Initramfs(PathBuf),
}

/// What a guest is made of.
#[derive(Debug, Clone)]
pub struct Board {
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Whether it has its interface.
    pub interface: bool,
    /// Further disks that come before the node's own, as images with serial numbers.
    pub before: Vec<(PathBuf, String)>,
    /// The same, behind it.
    pub behind: Vec<(PathBuf, String)>,
    /// The serial number of the node's own disk.
    pub serial: String,
    /// `root=`, if it is not the partition that is booted.
    pub root: Option<String>,
}

impl Board {
    /// The node's own.
    pub fn of(node: &Node) -> Self {
        let memory_mib = if node.table.lands_in_memory() {
            MEMORY_WITH_ROOT_MIB
        } else if node.table.is_small() {
            SMALL_MEMORY_MIB
        } else {
            MEMORY_MIB
        };
        let behind = disks(&node.disk).into_iter().skip(1);
        Self {
            memory_mib,
            interface: true,
            before: Vec::new(),
            behind: behind.map(|it| (it, BESIDE_SERIAL.to_owned())).collect(),
            serial: DISK_SERIAL.to_owned(),
            root: None,
        }
    }

    /// The kernel's command line. A disk without a serial number would get `(null)` for one.
    pub(super) fn arguments(&self, node: &Node, from: &Root) -> Vec<String> {
        let own = (node.disk.clone(), self.serial.clone());
        let disks = self.before.iter().chain([&own]).chain(&self.behind);
        let mut arguments: Vec<String> = disks
            .enumerate()
            .map(|(index, (disk, serial))| format!("ubd{index}={},,{serial}", disk.display()))
            .collect();
        let letter = ('a'..='z').nth(self.before.len()).unwrap_or('a');
        arguments.extend(match (&self.root, from) {
            (Some(root), _) => vec![format!("root={root}")],
            (None, Root::Partition(number)) => vec![format!("root=/dev/ubd{letter}{number}")],
            (None, Root::Initramfs(file)) => vec![
                format!("initrd={}", file.display()),
                "rootfstype=ramfs".to_owned(),
            ],
        });
        arguments.extend([
            format!("mem={}M", self.memory_mib),
            "rw".to_owned(),
            "panic=1".to_owned(),
            UNUSED.to_owned(),
            "con=null".to_owned(),
            "con0=null,fd:1".to_owned(),
        ]);
        // The guest sees no other folder of the host's, and mounts this one where sysfs has a firmware's.
        let firmware = StandIn::of(&node.folder);
        let hostfs = || format!("hostfs={}", firmware.folder().display());
        arguments.extend((node.firmware == Firmware::Uefi).then(hostfs));
        arguments.extend(
            self.interface.then(|| {
                format!("vec0:transport=tap,ifname={TAP},depth=128,gro=1,mac={MAC_STATIC}")
            }),
        );
        arguments
    }
}
