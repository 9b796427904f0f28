//! The steps of a plan, and the stages of a run. Each step is idempotent: done again from its start,
//! it ends the same. Whoever carries them out decides nothing; what varies is in the values.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::disk::Filesystem;
use crate::hook::Hook;
use crate::job::Joint;
use crate::words::abspath::AbsPath;
use crate::words::digest::Digest;
use crate::words::relpath::RelPath;
use crate::words::size::Size;

/// One step. Partitions of the replaced disk are named by number: the kernel's names
/// may be others after a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Step {
    // On the old system.
    /// Run a hook of the admin's, on whichever system its joint is.
    Hook(Hook),
    /// Stop swapping to the landing partition.
    SwapOff,
    /// Make the landing partition, in room that belongs to none, and tell the kernel.
    AddLanding,
    /// Make and mount the landing file system.
    MakeLanding,
    /// Take memory for the jump system's root, and make the directory of the EFI system partition that
    /// its boots begin from.
    TakeMemory,
    /// Receive an image into the landing file system and check its digest there.
    Receive {
        /// Which.
        image: ImageRole,
        /// The file's length in bytes.
        size: u64,
        /// The file's digest.
        digest: Digest,
    },
    /// Unpack the jump image, then remove its file.
    UnpackJump,
    /// Save what makes the node itself.
    SaveFiles {
        /// Below `/`; what is missing is passed over.
        paths: Vec<RelPath>,
    },
    /// Save what the hooks `saved` have added to it.
    SaveAdded,
    /// Give the jump system its network, keys, plan and host name.
    ConfigureJump,
    /// Pack the jump system, as it is now, into an initramfs: on the EFI system partition, or in memory.
    PackJump,
    /// Write the selector's files and core image; nothing boots it yet.
    WriteSelector,
    /// Turn the boot sector to the selector: jump once.
    Arm,
    /// Load the jump system's kernel and root for kexec: the reboot that is ordered with it starts them.
    LoadJump,

    // On the jump system.
    /// The firmware has booted the selector's entry, and kept its variables.
    ProveFirmware,
    /// The disks are the planned ones.
    ProveDisks,
    /// The network is up.
    ProveNetwork,
    /// sshd answers on the node's own address.
    ProveSshd,
    /// Wait until an image is in memory and has its digest.
    AwaitImage {
        /// Which.
        image: ImageRole,
        /// The file's length in bytes.
        size: u64,
        /// The file's digest.
        digest: Digest,
    },
    /// The staged image has its digest.
    ProveImage,
    /// What is to be copied is there, and what it is copied to can take it.
    ProveCopies {
        /// All of them.
        copies: Vec<TreeCopy>,
    },
    /// The admin host has logged in.
    ProveAdmin,
    /// The firmware follows its order: one more boot of the jump system, by that.
    FollowOrder,
    /// Put the selector in front of the firmware's order, which is taken on trust.
    TurnOrder,
    /// From here on jump is the default, and the old system may be destroyed.
    Commit,
    /// Lead the firmware's fallback to the selector.
    PlaceFallback,
    /// Write the new partition table and tell the kernel.
    Repartition,
    /// Make a file system.
    Mkfs {
        /// On which partition.
        number: u32,
        /// Of what kind.
        fs: Filesystem,
        /// With this UUID.
        uuid: String,
        /// With this label.
        label: Option<String>,
    },
    /// Copy a tree from one partition to another, and read it back. What was copied may be destroyed
    /// then, so that neither this nor what comes before it is done again: copies are counted.
    Copy(TreeCopy),
    /// Unpack the target image.
    Extract,
    /// Read the unpacked system back from the disk and hold it against the image.
    VerifyRoot,
    /// Put saved files back.
    RestoreFiles,
    /// Merge accounts.
    MergeAccounts,
    /// Write the new system's fstab.
    WriteFstab,
    /// Render the network for the new system.
    WriteNetwork,
    /// Write the files that were made of the job's templates.
    WriteFiles,
    /// Throw the switches of machinery that would make another node of this one when it boots.
    SwitchOff,
    /// Ask the new system's own sshd whether it takes its keys and configuration.
    CheckSshd,
    /// Put ourselves into the new system, for its first boot.
    InstallFirstBoot,
    /// Give the new system's loader and kernels this node's disk, swap and consoles.
    SettleLoader,
    /// Install GRUB's files by the image's own grub-install, without the boot sector.
    InstallGrub,
    /// Write the loader's configuration by the image's own grub-mkconfig and check it.
    ConfigureGrub,
    /// Label all of the new system by its own SELinux policy.
    LabelRoot {
        /// The policy's name.
        policy: String,
    },
    /// Unmount the new system, all of it on disk.
    SealRoot,
    /// Write GRUB's core image to its standard place.
    PlaceLoader,
    /// Give the new system its tries.
    Try,

    // On the new system.
    /// Units, network and sshd are sound, and the node is who it was.
    CheckHealth,
    /// The admin host has logged in.
    CheckAdmin,
    /// Turn the boot sector to the new system's own loader.
    Confirm,
    /// The firmware boots the new system by its own entry.
    FollowEntry,
    /// Copy journal and logs to `/var/log/jump`.
    CollectLogs,
    /// Erase what was staged and the selector, make the landing partition what it was: swap, empty, or none.
    ReturnLanding,
    /// Leave the report; the run is over once the traces are gone as well.
    Report,
    /// Remove what jump put into the new system.
    RemoveTraces,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// On the old system: the landing partition is being filled.
    Stage,
    /// The boot sector may lead to the selector.
    Armed,
    /// The jump system runs and checks itself; it may still go back.
    Prove,
    /// The jump system is the default; the rest of the disk is being replaced.
    Replace,
    /// The new system has its tries.
    Try,
    /// The new system is the default; leftovers are being removed.
    Finish,
    /// The jump system has given up and waits, reachable.
    Stuck,
}

impl Stage {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Armed => "armed",
            Self::Prove => "prove",
            Self::Replace => "replace",
            Self::Try => "try",
            Self::Finish => "finish",
            Self::Stuck => "stuck",
        }
    }
}

/// A tree that is copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeCopy {
    /// Where the old system has it.
    pub path: AbsPath,
    /// Where it lies.
    pub from: TreePlace,
    /// Where it goes, to a directory that is empty or not there.
    pub to: TreePlace,
    /// Whether the file system that it goes to was there before, and stays.
    pub kept: bool,
    /// What it takes at the most.
    pub size: Size,
}

/// A directory of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreePlace {
    /// The partition's number.
    pub number: u32,
    /// The type by which it is mounted.
    pub fs: Filesystem,
    /// The directory, from the top of the file system.
    pub directory: AbsPath,
}

/// The two images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageRole {
    /// The jump system.
    Jump,
    /// The new system.
    Target,
}

impl ImageRole {
    /// Its file name below the landing file system's image directory.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Jump => "jump.tar.zst",
            Self::Target => "target.tar.zst",
        }
    }
}

impl fmt::Display for ImageRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jump => "jump image",
            Self::Target => "target image",
        })
    }
}

impl Step {
    /// Whether the journal is written around it: not while the landing partition is still, or again,
    /// somebody else's.
    pub fn is_journalled(&self) -> bool {
        !matches!(
            self,
            Self::SwapOff
                | Self::AddLanding
                | Self::TakeMemory
                | Self::ReturnLanding
                | Self::Report
                | Self::RemoveTraces
                | Self::Hook(Hook {
                    at: Joint::Prep | Joint::Finished,
                    ..
                })
        )
    }
}
