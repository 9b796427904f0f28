//! Can an image do its job? What its manifest must show, by kind: one list, which `verify` asks when
//! an image is made, and the planner before a node is changed.

use crate::disk::Filesystem;
use crate::image::kind::Kind;
use crate::image::loader::Loader;
use crate::image::manifest::{Init, Kernel, Manifest, PLAN_FORMAT};
use crate::image::obstacle;
use crate::places;
use crate::words::relpath::RelPath;
use crate::words::size::Size;

/// The first Linux with `CONFIG_RD_ZSTD`, which is on by default.
const FIRST_WITH_ZSTD: (u32, u32) = (5, 9);

/// Something that an image lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nothing to boot.
    #[error("it has no kernel in /boot or /usr/lib/modules")]
    NoKernel,
    /// A kernel that could not find its root.
    #[error("kernel {0} has no initramfs")]
    NoInitramfs(String),
    /// A kernel that the new system's own GRUB would not find.
    #[error(
        "kernel {0} and its initramfs are not both in /boot, where grub-mkconfig looks for them"
    )]
    NotInBoot(String),
    /// Nothing for the kernel to start.
    #[error("it has neither systemd nor sysvinit")]
    NoInit,
    /// Nothing to confirm a new system with.
    #[error("it has no systemd to start the first-boot unit")]
    NoSystemd,
    /// Nothing to install or boot a loader with.
    #[error("it has no GRUB (grub-install, grub-mkimage and a platform in /usr/lib/grub)")]
    NoLoader,
    /// The loader's step could not be carried out.
    #[error("its GRUB has no grub-mkconfig (or grub2-mkconfig), which a step runs")]
    NoMkconfig,
    /// The same.
    #[error("its GRUB for {} lacks {} in /{}", .0.platform, .0.lacks.join(", "), .0.modules)]
    LoaderLacks(Box<Loader>),
    /// Its configuration could not be checked, nor put on trial.
    #[error(
        "its grub-mkconfig names no kernels (GRUB_ENABLE_BLSCFG), and what GRUB would boot is not known"
    )]
    LoaderBls,
    /// A step could not be carried out.
    #[error("it has no /{0}, which a step runs")]
    NoProgram(&'static str),
    /// A directory could not be used, or made, for there is something else.
    #[error("its /{0} is no directory and leads to none; a step needs /{1}")]
    NoDirectory(RelPath, &'static str),
    /// Nobody could log in.
    #[error("it has no SSH server")]
    NoSshd,
    /// Its SSH server would not start.
    #[error("it has no user {0}, without whom its sshd does not start")]
    NoUser(String),
    /// Nobody could reach it.
    #[error("it starts none of systemd-networkd, ifupdown and NetworkManager")]
    NoNetwork,
    /// A jump system that could not make the landing file system, or the new root.
    #[error("it has no mkfs.{}", .0.name())]
    NoMkfs(Filesystem),
    /// One whose mkfs the old system could not run.
    #[error("it has no toolbox for the old system")]
    NoToolbox,
    /// A jump system that could not read its plan.
    #[error(
        "its jumpinit reads plans of format {reads}, and this program writes {}",
        PLAN_FORMAT
    )]
    OtherPlan {
        /// The image's.
        reads: u32,
    },
    /// The image file is larger than its recipe allows.
    #[error("it takes {size}, and its budget is {budget}")]
    TooLarge {
        /// Of the image file.
        size: Size,
        /// The recipe's limit.
        budget: Size,
    },
    /// Its files are larger than its recipe allows.
    #[error("unpacked it takes {size}, and its budget is {budget}")]
    TooLargeUnpacked {
        /// Of its files.
        size: Size,
        /// The recipe's limit.
        budget: Size,
    },
}

impl Unfit {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::LoaderBls => {
                "write GRUB_ENABLE_BLSCFG=false to /etc/default/grub of the golden root and build the image again"
            }
            Self::NoDirectory(..) => {
                "put a directory there in the golden root, or leave the link out (excludes), and build again"
            }
            Self::TooLarge { .. } | Self::TooLargeUnpacked { .. } => {
                "exclude more, or give the recipe a larger budget"
            }
            Self::OtherPlan { .. } => "build the image again with the jumpimg that pushes it",
            _ => "install it in the golden root, or exclude less, and build the image again",
        }
    }
}

/// What an image with this manifest, in a file of `size` bytes, lacks for its job, or has too much of
/// for its recipe.
pub fn check(manifest: &Manifest, size: Size) -> Vec<Unfit> {
    let mut unfit = lacks(manifest);
    unfit.extend(over_budget(manifest, size));
    unfit
}

/// What an image with this manifest lacks for its job, whatever its recipe says.
pub fn lacks(manifest: &Manifest) -> Vec<Unfit> {
    let mut unfit = Vec::new();
    let mut need = |there: bool, what: Unfit| {
        if !there {
            unfit.push(what);
        }
    };
    need(!manifest.kernels.is_empty(), Unfit::NoKernel);
    for kernel in &manifest.kernels {
        need(
            kernel.initramfs.is_some(),
            Unfit::NoInitramfs(kernel.release.clone()),
        );
    }
    need(manifest.init.is_some(), Unfit::NoInit);
    need(!manifest.loaders.is_empty(), Unfit::NoLoader);
    need(manifest.sshd, Unfit::NoSshd);
    need(!manifest.network.is_empty(), Unfit::NoNetwork);
    match manifest.kind {
        Kind::Jump => {
            need(
                can_make(manifest, Filesystem::Ext4),
                Unfit::NoMkfs(Filesystem::Ext4),
            );
            need(!manifest.toolbox.is_empty(), Unfit::NoToolbox);
            let reads = manifest.plan_format;
            need(reads == PLAN_FORMAT, Unfit::OtherPlan { reads });
        }
        Kind::Target => {
            need(manifest.init != Some(Init::Sysvinit), Unfit::NoSystemd);
            for kernel in &manifest.kernels {
                let release = kernel.release.clone();
                need(kernel.is_in_boot(), Unfit::NotInBoot(release));
            }
        }
    }
    unfit.extend(unfit_loaders(manifest));
    let missing = manifest.missing_programs();
    unfit.extend(
        missing
            .filter(|it| is_told_apart(manifest, it))
            .map(Unfit::NoProgram),
    );
    unfit.extend(no_directories(manifest));
    unfit.extend(no_sshd_user(manifest));
    unfit
}

/// Whether a missing program says more than that the whole of what it belongs to is missing.
fn is_told_apart(manifest: &Manifest, program: &str) -> bool {
    match program {
        places::SSHD | places::SSH_KEYGEN => manifest.sshd,
        places::SYSTEMCTL => manifest.init == Some(Init::Systemd),
        _ => true,
    }
}

/// What its loaders lack for the steps.
fn unfit_loaders(manifest: &Manifest) -> Vec<Unfit> {
    let mut unfit = Vec::new();
    for loader in &manifest.loaders {
        if !loader.lacks.is_empty() {
            unfit.push(Unfit::LoaderLacks(Box::new(loader.clone())));
        }
    }
    let target = manifest.kind == Kind::Target;
    let has = |fault: fn(&Loader) -> bool| target && manifest.loaders.iter().any(fault);
    unfit.extend(has(|it| it.mkconfig.is_none()).then_some(Unfit::NoMkconfig));
    unfit.extend(has(|it| it.bls).then_some(Unfit::LoaderBls));
    unfit
}

/// Directories that a step could not use.
fn no_directories(manifest: &Manifest) -> Vec<Unfit> {
    let needed = obstacle::needed(manifest.kind).into_iter();
    let mut unfit: Vec<Unfit> = Vec::new();
    for directory in needed {
        let Some((path, _)) = obstacle::blocking(&manifest.obstacles, directory) else {
            continue;
        };
        let is_told = |it: &Unfit| matches!(it, Unfit::NoDirectory(told, _) if told == path);
        if !unfit.iter().any(is_told) {
            unfit.push(Unfit::NoDirectory(path.clone(), directory));
        }
    }
    unfit
}

fn no_sshd_user(manifest: &Manifest) -> Option<Unfit> {
    let (user, accounts) = (manifest.sshd_user.as_ref()?, manifest.accounts.as_ref()?);
    let is_there = |line: &str| line.split(':').next() == Some(user);
    let missing = !accounts.passwd.lines().any(is_there);
    missing.then(|| Unfit::NoUser(user.clone()))
}

/// Whether an image can make a file system.
pub fn can_make(manifest: &Manifest, fs: Filesystem) -> bool {
    manifest.filesystems.iter().any(|made| made == fs.name())
}

/// Whether an image's kernel is known to mount a file system. The landing file system is ext4.
pub fn can_mount(manifest: &Manifest, fs: Filesystem) -> bool {
    fs == Filesystem::Ext4 || manifest.mountable.iter().any(|it| it == fs.name())
}

/// Whether an image's newest kernel unpacks an initramfs that is compressed with zstd: its configuration says
/// so, or, where that is not known, it is of a version that has it unless it was left out on purpose.
pub fn unpacks_zstd(manifest: &Manifest) -> bool {
    if let Some(codecs) = &manifest.initramfs_codecs {
        return codecs.iter().any(|codec| codec == "zstd");
    }
    let version = manifest.kernels.last().and_then(Kernel::version);
    version.is_some_and(|version| version >= FIRST_WITH_ZSTD)
}

/// The limits that an image with this manifest, in a file of `size` bytes, exceeds.
pub fn over_budget(manifest: &Manifest, size: Size) -> Vec<Unfit> {
    let budget = &manifest.budget;
    let compressed = budget.compressed.filter(|budget| size > *budget);
    let unpacked = budget.unpacked.filter(|budget| manifest.unpacked > *budget);
    let compressed = compressed.map(|budget| Unfit::TooLarge { size, budget });
    let unpacked = unpacked.map(|budget| Unfit::TooLargeUnpacked {
        size: manifest.unpacked,
        budget,
    });
    compressed.into_iter().chain(unpacked).collect()
}

#[cfg(test)]
mod tests;
