//! The plan: facts, manifests and job worked out into values and ordered steps.
//!
//! A plan is complete: whoever carries it out asks nobody and decides nothing. The
//! same input gives the same plan, byte for byte.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::boot::{PlannedBoot, Serial};
use crate::disk::{
    DiskIdentity, Extent, FoundPartition, OtherDisk, Partition, Swap, TableKind, WantedDisk,
};
use crate::hook::Hook;
use crate::image::loader::{NewGrub, SelectorLoader};
use crate::image::manifest::Kernel;
use crate::job::{Health, Waits};
use crate::node::accounts::Owners;
use crate::node::network::{Demand, Network, NetworkFile, NetworkStack};
use crate::node::sshd::FileOwner;
use crate::places::{ON_BOOT, ON_ESP};
use crate::step::{ImageRole, Step};
use crate::words::abspath::AbsPath;
use crate::words::digest::Digest;
use crate::words::relpath::RelPath;
use crate::words::run_id::RunId;
use crate::words::size::Size;

/// Everything that happens to one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_FORMAT`](crate::image::manifest::PLAN_FORMAT).
    pub format: u32,
    /// The run's id.
    pub run: RunId,
    /// The node's host name.
    pub hostname: String,
    /// The node as the admin has named it, without an account.
    #[serde(default)]
    pub host: String,
    /// Whether this is a rehearsal: the jump system proves itself and goes back.
    pub rehearsal: bool,
    /// The digest of a secret that only the admin host has: who shows the secret to a node is
    /// the admin host.
    pub admin_mark: Digest,
    /// The boot id of the old system that the facts were read from.
    pub boot_id: String,
    /// The two images.
    pub images: PlannedImages,
    /// The disk that boots and is replaced.
    pub disk: PlannedDisk,
    /// The partition that is borrowed.
    pub landing: PlannedLanding,
    /// What boots the three systems, and where it lies.
    pub boot: PlannedBoot,
    /// The jump system's kernel and its arguments.
    pub jump: JumpBoot,
    /// The new system's file systems, parents before children.
    pub filesystems: Vec<PlannedFilesystem>,
    /// The new system's `/etc/fstab`, the landing partition as swap included.
    pub fstab: String,
    /// The network as captured, if it is carried over.
    pub network: Option<PlannedNetwork>,
    /// What keeps the images' first boots from making another node of this one.
    #[serde(default)]
    pub switches: crate::node::first_boot::Switches,
    /// Host keys by which the node is known and that are carried over. The new system may have
    /// others besides, of the image or of the admin's hook.
    #[serde(default)]
    pub host_keys: Vec<crate::node::identity::HostKey>,
    /// The port that sshd listens on, on the node itself.
    pub ssh_port: u16,
    /// What becomes of the SSH server's files.
    #[serde(default)]
    pub ssh: PlannedSsh,
    /// The new system's loader, and what it and the kernels go by for good.
    pub loader: PlannedLoader,
    /// System accounts and groups that come along for the sake of their files.
    #[serde(default)]
    pub owners: Owners,
    /// Files of the admin's own for the new system.
    #[serde(default)]
    pub files: Vec<RenderedFile>,
    /// Variables of the admin's own, for the hooks.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// When the new system counts as sound.
    pub health: Health,
    /// How long to wait for what.
    pub wait: Waits,
    /// What is done, system by system.
    pub steps: Steps,
    /// What is lost, for people to read.
    pub destroyed: Vec<String>,
    /// What stays, for people to read.
    pub kept: Vec<String>,
    /// What no software can promise on this machine, for people to read.
    pub not_promised: Vec<String>,
    /// What an admin should know besides, for people to read.
    pub notes: Vec<String>,
}

impl Plan {
    /// The image that plays `role`.
    pub fn image(&self, role: ImageRole) -> &PlannedImage {
        match role {
            ImageRole::Jump => &self.images.jump,
            ImageRole::Target => &self.images.target,
        }
    }

    /// The disk that the landing partition lies on.
    pub fn landing_disk(&self) -> WantedDisk<'_> {
        let other = self.landing.beside.as_ref();
        other.map_or_else(|| self.disk.wanted(), OtherDisk::wanted)
    }

    /// The disk that the EFI system partition lies on, if the node boots by a UEFI.
    pub fn esp_disk(&self) -> Option<WantedDisk<'_>> {
        let other = self.boot.uefi()?.beside.as_ref();
        Some(other.map_or_else(|| self.disk.wanted(), OtherDisk::wanted))
    }

    /// All disks that the run needs, the one that is replaced first; one may stand there twice.
    pub fn disks(&self) -> impl Iterator<Item = WantedDisk<'_>> {
        let others = [Some(self.landing_disk()), self.esp_disk()];
        [self.disk.wanted()]
            .into_iter()
            .chain(others.into_iter().flatten())
    }
}

impl Plan {
    /// The directories of the new system, of those that are made anew, that are copies: what the
    /// image has there is left out.
    pub fn copied_into_new(&self) -> Vec<AbsPath> {
        let copies = self.steps.replace.iter().filter_map(|step| match step {
            Step::Copy(copy) if !copy.kept => Some(&copy.to),
            _ => None,
        });
        let places = copies.filter_map(|to| {
            let mut filesystems = self.filesystems.iter();
            let filesystem = filesystems.find(|it| it.number == to.number)?;
            Some(to.directory.mounted_at(&filesystem.mount))
        });
        places.collect()
    }
}

/// A file that was made of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedFile {
    /// Where it goes, below the new root.
    pub path: RelPath,
    /// Its permission bits; root owns it.
    pub mode: u32,
    /// What is in it.
    pub text: String,
}

/// The two images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedImages {
    /// The jump system.
    pub jump: PlannedImage,
    /// The new system.
    pub target: PlannedImage,
}

/// An image file, known by its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedImage {
    /// Its recipe's name.
    pub name: String,
    /// `PRETTY_NAME` of what it holds.
    pub os: String,
    /// The file's length in bytes.
    pub size: u64,
    /// The file's digest.
    pub digest: Digest,
}

/// The disk that boots and is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedDisk {
    /// The old system's device name, for people to read and for the old system to use.
    pub device: String,
    /// What it is found by after a boot; all that match must agree.
    pub identities: Vec<DiskIdentity>,
    /// Length in sectors.
    pub sectors: u64,
    /// Kind of its partition table; it stays.
    pub table: TableKind,
    /// The table's identifier; it stays.
    pub table_id: String,
    /// Partitions as they are.
    pub before: Vec<FoundPartition>,
    /// Partitions as they will be, all of them.
    pub after: Vec<Partition>,
    /// Whether the table is written at all.
    pub rewrite: bool,
}

impl PlannedDisk {
    /// What it is found by.
    pub fn wanted(&self) -> WantedDisk<'_> {
        WantedDisk {
            device: &self.device,
            identities: &self.identities,
            sectors: self.sectors,
            before: &self.before,
        }
    }

    /// How long partition `number` will be; nothing, if there will be none.
    pub fn size_after(&self, number: u32) -> Size {
        let found = self.after.iter().find(|it| it.number == number);
        found.map_or(Size(0), Partition::size)
    }
}

/// The partition that is borrowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLanding {
    /// The old system's device name.
    pub device: String,
    /// Its number on its disk.
    pub number: u32,
    /// The disk that it lies on, where that is not the one that is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<OtherDisk>,
    /// First sector.
    pub start: u64,
    /// Length in sectors.
    pub sectors: u64,
    /// UUID of the file system on it, by which the loader finds it.
    pub fs_uuid: String,
    /// What it is to the run.
    #[serde(flatten)]
    pub kind: LandingKind,
}

/// What a landing partition is to its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LandingKind {
    /// A partition of the node's whose content makes way for the jump system.
    Lent {
        /// The swap to make again at the end, if it was one.
        swap: Option<Swap>,
    },
    /// Made for the run, in free room, and removed at its end.
    Made,
    /// One that stays as it is: the jump system's root lies in memory, and a directory there has what
    /// boots it.
    InMemory {
        /// Which.
        on: Keeper,
    },
    /// Not touched: the run is a rehearsal in memory. Kexec starts the jump system, and what the run keeps
    /// is in that system's root, and gone with it.
    Volatile,
}

/// A partition that keeps what a jump system in memory is booted from, beside what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keeper {
    /// The EFI system partition, a FAT.
    Esp,
    /// The old system's `/boot`, an ext2, ext3 or ext4.
    Boot,
}

impl Keeper {
    /// What people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Esp => "the EFI system partition",
            Self::Boot => "the partition of /boot",
        }
    }

    /// The directory there that is laid out as a landing file system is.
    pub fn directory(self) -> &'static str {
        match self {
            Self::Esp => ON_ESP,
            Self::Boot => ON_BOOT,
        }
    }

    /// What Linux mounts it with: its ext4 mounts ext2 and ext3 as well.
    pub fn driver(self) -> &'static str {
        match self {
            Self::Esp => "vfat",
            Self::Boot => "ext4",
        }
    }

    /// Whether what blkid calls `kind` is such a file system.
    pub fn is(self, kind: &str) -> bool {
        match self {
            Self::Esp => kind == "vfat",
            Self::Boot => matches!(kind, "ext2" | "ext3" | "ext4"),
        }
    }
}

impl PlannedLanding {
    /// Its number, if it lies on the disk that is replaced.
    pub fn number_on_replaced(&self) -> Option<u32> {
        self.beside.is_none().then_some(self.number)
    }

    /// The number of the partition of the disk that is replaced whose content makes way for the jump
    /// system, if there is one.
    pub fn borrowed(&self) -> Option<u32> {
        self.number_on_replaced().filter(|_| !self.is_in_memory())
    }

    /// Whether the jump system's root lies in memory.
    pub fn is_in_memory(&self) -> bool {
        self.is_kept() || self.is_volatile()
    }

    /// Whether a partition keeps what the boots of a jump system in memory begin from.
    pub fn is_kept(&self) -> bool {
        self.keeper().is_some()
    }

    /// Whether nothing is kept of the run: it is a rehearsal in memory.
    pub fn is_volatile(&self) -> bool {
        self.kind == LandingKind::Volatile
    }

    /// What keeps the files of a jump system whose root lies in memory.
    pub fn keeper(&self) -> Option<Keeper> {
        match self.kind {
            LandingKind::InMemory { on } => Some(on),
            LandingKind::Lent { .. } | LandingKind::Made | LandingKind::Volatile => None,
        }
    }

    /// Whether it is made for the run.
    pub fn is_made(&self) -> bool {
        self.kind == LandingKind::Made
    }

    /// The swap to make again at the end, if it was one.
    pub fn swap(&self) -> Option<&Swap> {
        match &self.kind {
            LandingKind::Lent { swap } => swap.as_ref(),
            LandingKind::Made | LandingKind::InMemory { .. } | LandingKind::Volatile => None,
        }
    }

    /// Where it lies.
    pub fn extent(&self) -> Extent {
        Extent {
            start: self.start,
            sectors: self.sectors,
        }
    }
}

/// Label of the landing file system; by it a later run knows that its content may go.
pub const LANDING_LABEL: &str = "jump-landing";

/// The jump system's kernel and its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JumpBoot {
    /// The kernel with its initramfs.
    pub kernel: Kernel,
    /// The kernel's command line.
    pub arguments: Vec<String>,
    /// By what the selector is started that boots it.
    pub loader: SelectorLoader,
    /// The serial port that the selector speaks on, if the node's console is one.
    pub serial: Option<Serial>,
}

/// One file system of the new system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFilesystem {
    /// Its partition's number.
    pub number: u32,
    /// Where it is mounted, `/` or an absolute path.
    pub mount: String,
    /// Its type.
    pub fs: String,
    /// Its UUID: the one it has, or the one it gets.
    pub uuid: String,
    /// Whether its content stays. Such a file system is mounted only by the new system.
    pub kept: bool,
}

/// The network to set up again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedNetwork {
    /// As captured.
    pub network: Network,
    /// The jump system's network stack.
    pub jump: NetworkStack,
    /// The files that set it up there.
    pub jump_files: Vec<NetworkFile>,
    /// The new system's; `None` leaves the image's own settings.
    pub target: Option<NetworkStack>,
    /// The files that set it up there; none where the image's own settings stay.
    pub target_files: Vec<NetworkFile>,
    /// Whether addresses and routes that servers and routers give may be others than before.
    #[serde(default)]
    pub may_change: bool,
    /// The node's address that the admin host logged in at.
    #[serde(default)]
    pub login: Option<std::net::IpAddr>,
}

impl PlannedNetwork {
    /// What jump and the new system have to have of it.
    pub fn demand(&self) -> Demand<'_> {
        Demand {
            network: &self.network,
            may_change: self.may_change,
            login: self.login,
        }
    }
}

/// What of the SSH server's files is restored otherwise than it was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSsh {
    /// Owners and modes that restored files get, for sshd asks for them.
    pub owners: Vec<FileOwner>,
    /// Restored configuration files: a line that the new sshd refuses is left out of them, unless
    /// it says who may log in.
    pub config: Vec<RelPath>,
}

/// The new system's loader, and what it and the kernels go by for good, in place of the golden host's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLoader {
    /// What installs and configures it, as the image has it.
    pub grub: NewGrub,
    /// Kernel arguments besides the image's own.
    pub arguments: Vec<String>,
    /// `RESUME=` of initramfs-tools, where the image has that; `None` leaves it as it is.
    pub resume: Option<String>,
    /// Whether debconf is told this node's disk, for updates of grub-pc.
    pub debconf: bool,
}

/// What is done, system by system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// On the old system.
    pub old: Vec<Step>,
    /// On the jump system, before its commit: anything amiss leads back to the old one. A
    /// rehearsal ends with them.
    pub prove: Vec<Step>,
    /// On the jump system, after its commit.
    pub replace: Vec<Step>,
    /// On the new system.
    pub new: Vec<Step>,
}

impl Steps {
    /// All hooks, in the order in which they run.
    pub fn hooks(&self) -> impl Iterator<Item = &Hook> {
        let steps = [&self.old, &self.prove, &self.replace, &self.new];
        steps.into_iter().flatten().filter_map(|step| match step {
            Step::Hook(hook) => Some(hook),
            _ => None,
        })
    }
}
