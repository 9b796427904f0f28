//! Facts: what a node is, as `jumpinit facts` reports it and the planner reads it.
//!
//! Sectors are 512 bytes everywhere; a disk with larger logical sectors is reported
//! and refused by the planner.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::boot::uefi::found::FoundUefi;
use crate::disk::{Disk, FoundPartition, LeadsTo};
use crate::job::CopyWish;
use crate::node::luks::LuksVolume;
use crate::node::network::Network;
use crate::node::os_release::OsRelease;
use crate::node::sshd::SshServer;
use crate::node::starting::Starting;
use crate::words::abspath::AbsPath;
use crate::words::relpath::RelPath;
use crate::words::run_id::RunId;
use crate::words::size::Size;

/// The newest facts format that this code reads and the one it writes.
pub const FORMAT: u32 = 2;

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// [`FORMAT`].
    pub format: u32,
    /// Host name as the kernel has it.
    pub hostname: String,
    /// Whether the program that gathered the facts ran as root.
    pub root_user: bool,
    /// `uname -m`.
    pub architecture: String,
    /// The running system.
    pub os: OsRelease,
    /// `uname -r`.
    pub kernel: String,
    /// `/proc/cmdline`, split at white space.
    pub kernel_arguments: Vec<String>,
    /// `/proc/sys/kernel/random/boot_id`: tells one boot from the next.
    pub boot_id: String,
    /// How the machine was booted.
    pub firmware: Firmware,
    /// The MBR signature, 8 hex digits, of the disk that the BIOS calls 0x80 and boots from,
    /// where the kernel knows it (EDD).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bios_disk: Option<String>,
    /// The file system of its own that is mounted at `/boot`, where it is an ext2, ext3 or ext4 on a
    /// partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<FoundBoot>,
    /// The firmware and its variables, where it is UEFI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uefi: Option<FoundUefi>,
    /// Main memory.
    pub memory: Size,
    /// Memory that programs can have without anything being swapped out: `MemAvailable` of
    /// `/proc/meminfo`. `None` is not known.
    #[serde(default)]
    pub memory_available: Option<Size>,
    /// Processors that are at work. `None` is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processors: Option<u32>,
    /// What kexec would start at a reboot, in the boot loader's place.
    #[serde(default)]
    pub kexec: Kexec,
    /// Whether another kernel can be started without the firmware.
    #[serde(default)]
    pub starting: Starting,
    /// Hardware watchdogs, by `/sys/class/watchdog/*/identity`; softdog left out.
    pub watchdogs: Vec<String>,
    /// Disks, by name.
    pub disks: Vec<Disk>,
    /// LUKS volumes that are open or opened at boot, and that a TPM may have part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub luks: Vec<LuksVolume>,
    /// `/proc/self/mountinfo`, what lies on block devices.
    pub mounts: Vec<Mount>,
    /// What is mounted from elsewhere, see [`crate::node::remote`]; nobody has looked into it.
    #[serde(default)]
    pub remote_mounts: Vec<RemoteMount>,
    /// Devices that the system swaps to, from `/proc/swaps`.
    pub swaps: Vec<String>,
    /// How much lies in each of them; empty where that is not known.
    #[serde(default)]
    pub swap_use: Vec<SwapUse>,
    /// The text of `/etc/fstab`.
    pub fstab: String,
    /// Links, addresses, routes, name servers.
    pub network: Network,
    /// Human accounts whose home directory is there, or lies on a file system of elsewhere.
    pub accounts: Vec<crate::node::accounts::Account>,
    /// All accounts and groups, without their secrets.
    #[serde(default)]
    pub public_accounts: crate::node::accounts::PublicAccounts,
    /// What would be saved, by path: existing files with their sizes.
    pub saved: Vec<SavedPath>,
    /// Of the paths that hooks' interpreters would be at, those at which there is a program.
    #[serde(default)]
    pub interpreters: BTreeSet<String>,
    /// What would be copied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<FoundCopy>,
    /// Whether root's `authorized_keys` holds at least one key that lets somebody in, see
    /// [`crate::node::authorized`].
    pub authorized_keys: bool,
    /// The host keys that the node's sshd shows; none where it was not asked or did not answer.
    #[serde(default)]
    pub host_keys: Vec<crate::node::identity::HostKey>,
    /// The port that the node's sshd was reached at, from `SSH_CONNECTION`.
    pub ssh_port: Option<u16>,
    /// The node's own address that its sshd was reached at, from `SSH_CONNECTION`.
    #[serde(default)]
    pub ssh_address: Option<std::net::IpAddr>,
    /// What its sshd is configured with.
    #[serde(default)]
    pub ssh_server: SshServer,
    /// A jump that was begun on this node and not finished or taken back.
    pub jump: Option<JumpInProgress>,
}

impl Facts {
    /// The disk called `name` (`vda`).
    pub fn disk(&self, name: &str) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.name == name)
    }

    /// The disk whose device is `device` (`/dev/vda`).
    pub fn disk_at(&self, device: &str) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.device == device)
    }

    /// The partition whose device is `device` (`/dev/vda2`), with its disk.
    pub fn partition(&self, device: &str) -> Option<(&Disk, &FoundPartition)> {
        self.partitions()
            .find(|(_, partition)| partition.device == device)
    }

    /// All partitions with their disks.
    pub fn partitions(&self) -> impl Iterator<Item = (&Disk, &FoundPartition)> {
        self.disks.iter().flat_map(|disk| {
            disk.partitions
                .iter()
                .map(move |partition| (disk, partition))
        })
    }

    /// The device mounted at `/`, if that is a partition.
    pub fn root(&self) -> Option<(&Disk, &FoundPartition)> {
        self.mounts
            .iter()
            .find(|mount| mount.target == "/")
            .and_then(|mount| self.partition(&mount.device))
    }
}

/// How a machine was booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Firmware {
    /// PC BIOS, or UEFI in its compatibility mode.
    Bios,
    /// UEFI.
    Uefi,
}

/// A `/boot` with a file system of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundBoot {
    /// `/dev/vda1`.
    pub device: String,
    /// What is free there.
    pub free: Size,
    /// What an earlier run in memory has left there, which the next one of that kind removes.
    #[serde(default)]
    pub left: Size,
    /// Whether it is mounted to be written to.
    pub writable: bool,
    /// Whether what is written to a file goes to the journal first, where no loader looks.
    pub data_in_journal: bool,
    /// The features without which nobody may read it (`s_feature_incompat` of its superblock).
    pub features: u32,
}

/// A kernel that kexec has loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kexec {
    /// Facts of before this was asked.
    #[default]
    Unknown,
    /// None.
    Empty,
    /// One that is unloaded before the reboot.
    Loaded,
    /// One that the running kernel does not let go of (`kernel.kexec_load_disabled`).
    Locked,
}

/// One mount of a block device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// `/dev/vda3`.
    pub device: String,
    /// Where.
    pub target: String,
    /// File system type.
    pub fs: String,
    /// Bytes in use, by statvfs.
    pub used: Size,
    /// Who owns files there; unknown for the root, which never stays.
    #[serde(default)]
    pub owners: Option<FileOwners>,
}

/// Who owns the files of a file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOwners {
    /// User ids, ascending.
    pub uids: Vec<u32>,
    /// Group ids, ascending.
    pub gids: Vec<u32>,
    /// Whether all files were looked at, within the bounds of number and time.
    pub complete: bool,
}

/// What lies in a swap area, from `/proc/swaps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwapUse {
    /// `/dev/vda2`, or a file.
    pub device: String,
    /// What it has room for.
    pub size: Size,
    /// What is swapped out to it.
    pub used: Size,
}

/// One mount of a file system that does not lie on the node's disks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteMount {
    /// Where.
    pub target: String,
    /// File system type.
    pub fs: String,
}

/// A path of the job's save list, as it is on the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPath {
    /// The path below `/`.
    pub path: RelPath,
    /// Bytes of it and all below, in 4 KiB blocks; `None` when it is not there, or lies on a file
    /// system of elsewhere.
    pub size: Option<Size>,
}

/// A tree that the job copies, as it is on the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundCopy {
    /// The job's.
    pub wish: CopyWish,
    /// The tree; none is no directory there.
    pub tree: Option<FoundTree>,
    /// The directory that it goes to, on each mounted partition of that number.
    pub places: Vec<FoundPlace>,
}

/// A directory with all below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundTree {
    /// What its file system lies on: `/dev/vda3`, or a name where that is no device.
    pub device: String,
    /// Its type.
    pub fs: String,
    /// The directory, from the top of that file system.
    pub directory: AbsPath,
    /// What it takes at the most, in blocks of 4 KiB: all that is in use of its file system, where
    /// there is too much in it to look at.
    pub size: Size,
    /// Inodes, at the most.
    pub inodes: u64,
    /// Who owns files there.
    pub owners: FileOwners,
    /// What is mounted below it.
    pub below: Vec<String>,
}

/// A directory that a tree may be copied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPlace {
    /// The partition, e.g. `/dev/vda4`.
    pub device: String,
    /// Bytes that are free on it.
    pub free: Size,
    /// Inodes that are free on it; none where they are not counted.
    pub free_inodes: Option<u64>,
    /// What is there.
    pub state: PlaceState,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceState {
    /// Nothing.
    Missing,
    /// A directory with nothing in it, but for what e2fsck wants.
    Empty,
    /// A directory with something in it.
    Occupied,
    /// Something else, or something else on the way there, such as a symlink.
    NoDirectory,
}

/// What facts see of an earlier jump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JumpInProgress {
    /// Its run id.
    pub run: RunId,
    /// The stage that its journal stands at, if there is a journal.
    pub stage: Option<crate::step::Stage>,
    /// Whether a process of that run is alive on the node, or its landing file system mounted.
    pub live: bool,
    /// Who began it, and when by their clock.
    #[serde(default)]
    pub origin: Option<String>,
    /// The partition that it has borrowed, e.g. `/dev/vda2`.
    #[serde(default)]
    pub landing: Option<String>,
    /// The partition that keeps what its jump system in memory is booted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// The swap that this partition was, by the run's record.
    #[serde(default)]
    pub swap: Option<crate::disk::Swap>,
    /// Whether this partition was made for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made: bool,
}

impl JumpInProgress {
    /// Whether the next boot of a node with these disks leads to its selector: the partition that it has
    /// borrowed, or is kept on, is there, and a disk boots by one, or the UEFI does.
    pub fn is_armed(&self, disks: &[Disk], uefi: Option<&FoundUefi>) -> bool {
        if let Some(uefi) = uefi {
            return uefi.leads_to_selector();
        }
        let mut partitions = disks.iter().flat_map(|disk| &disk.partitions);
        let ours = [&self.landing, &self.kept];
        let is_ours = |device| ours.into_iter().flatten().any(|ours| ours == device);
        // The landing partition may be on another disk than the one that boots.
        let mut areas = disks.iter().filter_map(|disk| disk.loader.as_ref());
        partitions.any(|it| is_ours(&it.device))
            && areas.any(|area| area.leads_to() == LeadsTo::Selector)
    }

    /// Whether it is under way on a node with these disks, wherever its admin host went: while a
    /// process of it is alive or its landing file system mounted, and while it is armed.
    pub fn is_under_way(&self, disks: &[Disk], uefi: Option<&FoundUefi>) -> bool {
        self.live || self.is_armed(disks, uefi)
    }
}
