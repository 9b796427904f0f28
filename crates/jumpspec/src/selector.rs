//! The selector: the texts of our own GRUB core image, which decides at every boot
//! between the old system, the jump system and the new one.
//!
//! Three commit points are one variable each in one environment block. No prompt is
//! reachable, every path ends in a boot or a reboot, and nothing is booted once
//! before the loader has *read back* that the try is spent.

mod script;

use crate::boot::{Loaders, PlannedBoot, Serial};
use crate::places::{KEPT_KERNEL, KEPT_ROOT};
use crate::plan::Plan;
use crate::words::digest::Digest;
use crate::words::relpath::RelPath;

pub use script::{Actions, Leaf};

/// The selector's directory on the landing file system.
pub const DIRECTORY: &str = "jump/selector";
/// The path of one of the selector's files below the landing file system's root.
pub fn file(name: &str) -> String {
    format!("{DIRECTORY}/{name}")
}

/// The environment block in [`DIRECTORY`].
pub const ENV: &str = "env";
/// The selector's script in [`DIRECTORY`]: [`Selector::config`].
pub const CONFIG: &str = "grub.cfg";
/// The same text again, for when the first cannot be read.
pub const SPARE_CONFIG: &str = "grub.bak.cfg";
/// The lists for `hashsum` in [`DIRECTORY`]: [`Selector::hash_lists`]. One file each:
/// GRUB is content with a list that is empty or lacks a line.
pub const HASHES: [&str; 2] = ["kernel.sha256", "initramfs.sha256"];
/// The old system's boot sector, 512 bytes.
pub const OLD_SECTOR: &str = "old-mbr.bin";
/// The new system's boot sector, 512 bytes.
pub const NEW_SECTOR: &str = "new-mbr.bin";

/// The last word of the kernel's command line where the jump system is started once, and the environment
/// was seen to say "old" again: one that finds no disk to read that from knows where a reboot leads.
pub const ONCE: &str = "jump.once";

/// What `grub-mkimage -p` gets: nothing is ever loaded from there.
pub const PREFIX: &str = "/jump/selector";

/// One file that the selector boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootFile {
    /// Its path on the landing file system.
    pub path: RelPath,
    /// Its digest, checked by the loader before it is booted; none where no plan knows it.
    pub digest: Option<Digest>,
}

/// What is booted when the environment block cannot be read or says nothing known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Before the commit, while the old system is whole.
    Old,
    /// After it.
    Jump,
}

impl BootFile {
    fn hash_list(&self, digest: Digest) -> String {
        format!("{digest}  {}\n", self.path)
    }
}

/// What the selector has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// UUID of the landing file system.
    pub landing_uuid: String,
    /// The selector's directory there.
    pub directory: RelPath,
    /// The jump system's kernel.
    pub kernel: BootFile,
    /// Its initramfs.
    pub initramfs: BootFile,
    /// Kernel arguments, `root=` and `panic=` among them.
    pub arguments: Vec<String>,
    /// The systems' own loaders. The old one's is reached without the landing file system: the last
    /// resort when that cannot be read at all.
    pub loaders: Loaders,
    /// A serial port for messages.
    pub serial: Option<Serial>,
    /// What an unreadable environment block means.
    pub doubt: Doubt,
}

/// What cannot stand in a GRUB script, or is missing there.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SelectorError {
    /// Not hex digits and hyphens.
    #[error("{0:?} is not the UUID of a file system")]
    Uuid(String),
    /// A quote or a control character.
    #[error("{0:?} cannot be written into a GRUB script")]
    Text(String),
    /// A jump system that could not find its root.
    #[error("kernel {0} of the jump system has no initramfs")]
    NoInitramfs(String),
    /// `hashsum` splits its list at line ends and takes all after the digest as path,
    /// and GRUB takes a comma or a parenthesis for a device.
    #[error("GRUB cannot name the file {0}")]
    Path(RelPath),
}

/// The selector's texts, from parts that GRUB can express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(Parts);

impl Selector {
    /// Takes `parts` if all of them can be written down for GRUB.
    pub fn new(parts: Parts) -> Result<Self, SelectorError> {
        let uuid = &parts.landing_uuid;
        if uuid.is_empty() || !uuid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            return Err(SelectorError::Uuid(uuid.clone()));
        }
        if let Some(text) = parts.arguments.iter().find(|text| !quotable(text)) {
            return Err(SelectorError::Text(text.clone()));
        }
        let mut paths = vec![&parts.directory, &parts.kernel.path, &parts.initramfs.path];
        if let Loaders::Files { old, new } = &parts.loaders {
            paths.extend([old, new]);
        }
        if let Some(path) = paths.into_iter().find(|path| !nameable(path.as_str())) {
            return Err(SelectorError::Path(path.clone()));
        }
        Ok(Self(parts))
    }

    /// The texts of a plan's selector; `doubt` is what it does when its environment cannot be
    /// read.
    pub fn of(plan: &Plan, doubt: Doubt) -> Result<Self, SelectorError> {
        let loaders = match &plan.boot {
            PlannedBoot::Bios(bios) => Loaders::Sectors {
                raw_copy: bios.old_boot_sector,
            },
            PlannedBoot::Uefi(uefi) => Loaders::Files {
                old: uefi.old.clone(),
                new: uefi.new.clone(),
            },
        };
        let (kernel, initramfs) = boot_files(plan)?;
        Self::new(Parts {
            landing_uuid: plan.landing.fs_uuid.clone(),
            directory: on_landing(plan, DIRECTORY)?,
            kernel,
            initramfs,
            arguments: plan.jump.arguments.clone(),
            loaders,
            serial: plan.jump.serial,
            doubt,
        })
    }

    /// What leads a loader to [`CONFIG`]: embedded in the core image on a BIOS (`grub-mkimage -c`),
    /// beside the loader on the EFI system partition. The rescue parser runs it: lines of plain
    /// commands, where a failing one is passed over.
    pub fn embedded_config(&self, actions: &Actions) -> String {
        script::embedded(&self.0, actions)
    }

    /// The same once the new system is the default for good, where firmware may come here still:
    /// the landing file system is no more.
    pub fn finished_config(&self, actions: &Actions) -> String {
        script::finished(&self.0, actions)
    }

    /// The script [`CONFIG`] and [`SPARE_CONFIG`].
    pub fn config(&self, actions: &Actions) -> String {
        script::config(&self.0, actions)
    }

    /// The lists [`HASHES`] in their order, as `sha256sum` writes them, as far as the plan knows the
    /// digests; paths are relative to the landing file system.
    pub fn hash_lists(&self) -> [Option<String>; 2] {
        let list = |file: &BootFile| Some(file.hash_list(file.digest?));
        [list(&self.0.kernel), list(&self.0.initramfs)]
    }

    /// The second of them where no plan knows what is in the initramfs: the root of a jump system in
    /// memory is packed on its node.
    pub fn initramfs_list(&self, digest: Digest) -> String {
        self.0.initramfs.hash_list(digest)
    }
}

/// What the jump system is booted by.
fn boot_files(plan: &Plan) -> Result<(BootFile, BootFile), SelectorError> {
    let kernel = plan.jump.kernel.clone();
    if plan.landing.is_in_memory() {
        let file = |path, digest| {
            let path = on_landing(plan, path)?;
            Ok(BootFile { path, digest })
        };
        let image_digest = Some(kernel.image_digest);
        return Ok((file(KEPT_KERNEL, image_digest)?, file(KEPT_ROOT, None)?));
    }
    let path = kernel.initramfs;
    let file = |path, digest| BootFile { path, digest };
    Ok((
        file(kernel.image, Some(kernel.image_digest)),
        file(
            path.ok_or(SelectorError::NoInitramfs(kernel.release))?,
            kernel.initramfs_digest,
        ),
    ))
}

/// Where something of the landing file system is on the partition that has it.
fn on_landing(plan: &Plan, path: &str) -> Result<RelPath, SelectorError> {
    let path = match plan.landing.keeper() {
        Some(keeper) => format!("{}/{path}", keeper.directory()),
        None => path.to_owned(),
    };
    path.parse().map_err(|_| SelectorError::Text(path))
}

/// Whether `text` can stand between single quotes, where GRUB expands nothing.
fn quotable(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c == '\'' || c.is_control())
}

/// Whether a script of GRUB's can name a file so.
pub(crate) fn nameable(path: &str) -> bool {
    path.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/._+-~:".contains(&b))
}

#[cfg(test)]
mod tests;
