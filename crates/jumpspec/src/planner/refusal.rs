//! Why a node is not jumped: every reason has a code that scripts can rely on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One reason, found before anything was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Its stable code.
    pub code: RefusalCode,
    /// The object and the reason, with figures.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: RefusalCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Stable codes, printed in kebab case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// The facts were not gathered by root.
    NotRoot,
    /// Another jump is under way on the node.
    JumpInProgress,
    /// The node's next reboot goes by kexec, which the boot loader has no part in.
    KexecLocked,
    /// The node's kernel takes no other one by kexec.
    KexecDisabled,
    /// The node's kernel takes signed kernels alone, and the jump system's is not known to be one.
    KernelUnsigned,
    /// Nothing would reset the node if the jump system's kernel hangs.
    WatchdogMissing,
    /// The node's init is not known to unmount its file systems before kexec.
    InitUnsupported,
    /// A TPM opens a volume of the node only if it boots as it did.
    TpmSealed,
    /// The image is for another architecture.
    ArchitectureMismatch,
    /// An image cannot install a loader for the way the node boots.
    BootModeNotOffered,
    /// An image is of the wrong kind or lacks something that its job needs.
    ImageUnfit,
    /// A link that the node is reached by works by a driver that cannot start in an image.
    DriverUnfit,
    /// There is no swap partition, or the named device is not a partition.
    NoLandingPartition,
    /// The landing partition cannot take jump system, image and saved files.
    LandingTooSmall,
    /// What the run's journal has to keep of the node takes more room than it has.
    JournalRoom,
    /// The landing partition is the root.
    LandingIsRoot,
    /// The landing partition is mounted.
    LandingMounted,
    /// The node has too little memory for a jump system that lies there.
    MemoryTooSmall,
    /// What is swapped out to the landing partition has no room elsewhere.
    SwapInUse,
    /// The landing partition holds something other than swap.
    LandingHoldsData,
    /// The landing partition is part of LVM, RAID or LUKS, or lies on one.
    LandingStacked,
    /// The layout would change the landing partition.
    LandingInLayout,
    /// The layout would change the partition that the loaders and the selector lie in.
    LoaderInLayout,
    /// Something would be written over what the run needs.
    ExtentsOverlap,
    /// Nothing tells the disk from others after a reboot.
    DiskNotIdentifiable,
    /// A name that the new system needs stands for several devices of the node.
    NameNotUnique,
    /// The firmware boots from another disk than the one that is to be replaced.
    BootsFromAnotherDisk,
    /// The disk's logical sectors are of a size that nobody here counts in.
    SectorSizeUnsupported,
    /// The kernel works with another partition table than the one on the disk.
    PartitionTableStale,
    /// The disk has no partition table.
    NoPartitionTable,
    /// The old root is not a partition of a disk, so `disk = "root"` names none.
    RootNotOnDisk,
    /// The layout contradicts itself or the disk.
    LayoutImpossible,
    /// A label is longer than its file system takes, or not printable.
    LabelInvalid,
    /// A kernel argument of the job is the jump system's own to set, or cannot be passed on.
    KernelArgument,
    /// A wait of the job can never be met.
    WaitOutOfBounds,
    /// The job names a unit that systemd cannot have.
    UnitName,
    /// The job's hooks contradict themselves, or a hook cannot be had as it is wished.
    HookImpossible,
    /// A hook may take longer than its stage, or a time that is out of bounds.
    HookTimeout,
    /// The system that a hook is run in does not have its interpreter.
    HookInterpreter,
    /// A variable of the job has a name or a value that no environment should have.
    VariableInvalid,
    /// The table of hostvars has no row for the node.
    NoHostValues,
    /// A template uses a variable that the node does not have.
    TemplateKey,
    /// A template is too large, or would be written where something else is.
    TemplateImpossible,
    /// A partition to be changed is part of LVM, RAID or LUKS.
    PartitionStacked,
    /// What a partition holds is not known, and the layout would destroy it.
    ContentUnknown,
    /// A new file system cannot take what the image puts there.
    FilesystemTooSmall,
    /// The image has no program to make a file system that the layout asks for.
    FilesystemNotOffered,
    /// A tree that is to be copied is not there, or cannot be read in the jump system.
    CopySource,
    /// Where a tree is to be copied to there is no room for it, or something else.
    CopyDestination,
    /// What is to be copied would be gone before there is a place for it.
    CopyOrder,
    /// What boots the node is not known: its boot sector is not GRUB's, or its boot entry starts no
    /// file that can be seen.
    LoaderUnknown,
    /// The node's UEFI is of a kind that jump cannot lead to its selector.
    FirmwareUnsupported,
    /// The variables of the node's UEFI cannot be written.
    FirmwareUnwritable,
    /// Somebody else decides what the node's UEFI boots next.
    BootOrderForeign,
    /// The EFI system partition that the node boots from is not known, or cannot be used.
    EspUnknown,
    /// It has no room for the selector.
    EspFull,
    /// The partition of `/boot` has no room for what boots a jump system in memory.
    BootFull,
    /// The partition of `/boot` cannot keep what boots a jump system in memory.
    BootUnfit,
    /// Others than root could read there what a run keeps of the node.
    EspOpen,
    /// Secure Boot is on, and an image has no signed loader.
    LoaderUnsigned,
    /// There is too little free room beside the loader for the selector.
    GapTooSmall,
    /// The network cannot be set up again from what was captured.
    NetworkUnsupported,
    /// Nobody could log in to the jump system.
    NoWayIn,
    /// The new system's sshd would refuse a restored line that says who may log in.
    SshdConfigRefused,
    /// The restored sshd_config names host keys, and none of them is saved.
    HostKeysNotSaved,
    /// The image enforces SELinux and cannot label what is put into it.
    SelinuxUnlabelled,
    /// An image holds something that changes a node at its first boot and has no known switch.
    FirstBootUnknown,
    /// The node's host name is not one.
    HostnameInvalid,
    /// A run that is stuck cannot go on with another jump image than the one that runs.
    OtherJumpImage,
    /// A run that is stuck cannot go on with another landing partition, disk or boot setting.
    OtherLanding,
    /// The new plan keeps a partition that the plan before it has begun to destroy.
    KeepsWhatIsLost,
    /// The new plan has other copies, or another layout, than the plan whose copies were begun.
    OtherCopies,
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_job_files_manual() {
        let manual = include_str!("../../../../docs/job.md");
        let variants = include_str!("refusal.rs").lines().filter_map(|line| {
            let name = line.strip_prefix("    ")?.strip_suffix(',')?;
            let is_variant = name.starts_with(|c: char| c.is_ascii_uppercase())
                && name.chars().all(|c| c.is_ascii_alphanumeric());
            is_variant.then_some(name)
        });
        let codes: Vec<RefusalCode> = variants
            .map(|name| {
                let kebab = name.chars().flat_map(|c| {
                    let dash = c.is_ascii_uppercase().then_some('-');
                    dash.into_iter().chain(c.to_lowercase())
                });
                let kebab: String = kebab.collect();
                serde_json::from_value(kebab.trim_start_matches('-').into()).unwrap()
            })
            .collect();
        assert!(codes.len() > 40, "{codes:?}");
        for code in codes {
            assert!(manual.contains(&format!("`{code}`")), "{code} is missing");
        }
    }

    #[test]
    fn codes_print_in_kebab_case() {
        assert_eq!(
            RefusalCode::LandingTooSmall.to_string(),
            "landing-too-small"
        );
    }
}
