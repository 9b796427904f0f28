//! Can an image do its job? What its manifest must show, by kind.

use crate::manifest::{Kind, Manifest};
use crate::size::Size;

/// Something that an image lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nothing to boot.
    #[error("it has no kernel in /boot or /usr/lib/modules")]
    NoKernel,
    /// A kernel that could not find its root.
    #[error("kernel {0} has no initramfs")]
    NoInitramfs(String),
    /// Nothing for the kernel to start.
    #[error("it has neither systemd nor sysvinit")]
    NoInit,
    /// Nothing to install or boot a loader with.
    #[error("it has no GRUB (grub-install, grub-mkimage and a platform in /usr/lib/grub)")]
    NoLoader,
    /// A step could not be carried out.
    #[error(
        "it has no /{0}, which a step runs (an image of an older jumpimg does not say: build it again)"
    )]
    NoProgram(&'static str),
    /// A jump system that nobody could log in to.
    #[error("it has no SSH server")]
    NoSshd,
    /// A jump system that would not be reachable.
    #[error("it starts none of systemd-networkd, ifupdown and NetworkManager")]
    NoNetwork,
    /// A jump system that could not make the new root.
    #[error("it has no mkfs.ext4")]
    NoMkfs,
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

/// What an image with this manifest, in a file of `size` bytes, lacks for its job.
pub fn check(manifest: &Manifest, size: Size) -> Vec<Unfit> {
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
    for program in manifest.missing_programs() {
        need(manifest.loaders.is_empty(), Unfit::NoProgram(program));
    }
    if manifest.kind == Kind::Jump {
        need(manifest.sshd, Unfit::NoSshd);
        need(!manifest.network.is_empty(), Unfit::NoNetwork);
        let mkfs = manifest.filesystems.iter().any(|name| name == "ext4");
        need(mkfs && !manifest.toolbox.is_empty(), Unfit::NoMkfs);
    }
    unfit.extend(over_budget(manifest, size));
    unfit
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
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::manifest::Budget;
    use crate::manifest::{FORMAT, Init, Kernel, NetworkStack, OsRelease};

    fn programs(kind: Kind) -> Vec<crate::relpath::RelPath> {
        let paths = kind.programs().iter().map(|path| path.parse());
        paths.collect::<Result<_, _>>().unwrap()
    }

    fn manifest(kind: Kind) -> Manifest {
        Manifest {
            format: FORMAT,
            tool: "test".to_owned(),
            kind,
            name: "test".to_owned(),
            os: OsRelease::default(),
            architecture: "x86_64".to_owned(),
            kernels: vec![Kernel {
                release: "6.1".to_owned(),
                image: "boot/vmlinuz-6.1".parse().unwrap(),
                image_digest: Digest::of(b""),
                initramfs: Some("boot/initrd.img-6.1".parse().unwrap()),
                initramfs_digest: Some(Digest::of(b"")),
            }],
            init: Some(Init::Systemd),
            network: vec![NetworkStack::Networkd],
            sshd: true,
            openssh: None,
            accounts: None,
            shells: Vec::new(),
            selinux: None,
            grub_pc: false,
            first_boot: None,
            loaders: vec!["i386-pc".to_owned()],
            filesystems: vec!["ext4".to_owned()],
            toolbox: vec!["usr/sbin/mke2fs".parse().unwrap()],
            programs: programs(kind),
            unpacked: Size::mib(400),
            directories: std::collections::BTreeMap::new(),
            entries: 1,
            inodes: 1,
            budget: Budget::default(),
            index_digest: Digest::of(b""),
        }
    }

    #[test]
    fn a_whole_image_is_fit() {
        assert_eq!(check(&manifest(Kind::Jump), Size::mib(100)), []);
    }

    #[test]
    fn a_target_needs_neither_network_nor_mkfs() {
        let mut target = manifest(Kind::Target);
        (target.network, target.toolbox, target.sshd) = (Vec::new(), Vec::new(), false);
        assert_eq!(check(&target, Size::mib(100)), []);
        (target.kind, target.programs) = (Kind::Jump, programs(Kind::Jump));
        let unfit = [Unfit::NoSshd, Unfit::NoNetwork, Unfit::NoMkfs];
        assert_eq!(check(&target, Size::mib(100)), unfit);
    }

    #[test]
    fn a_kernel_without_initramfs_is_named() {
        let mut image = manifest(Kind::Target);
        image.kernels[0].initramfs = None;
        assert_eq!(
            check(&image, Size(0)),
            [Unfit::NoInitramfs("6.1".to_owned())]
        );
    }

    #[test]
    fn a_grub_by_other_names_is_not_enough() {
        let mut target = manifest(Kind::Target);
        target.programs.clear();
        let missing = ["usr/sbin/grub-install", "usr/sbin/grub-mkconfig"];
        assert_eq!(check(&target, Size(0)), missing.map(Unfit::NoProgram));
    }

    #[test]
    fn budgets_are_limits_not_goals() {
        let mut image = manifest(Kind::Target);
        image.budget.compressed = Some(Size::mib(100));
        image.budget.unpacked = Some(Size::mib(400));
        assert_eq!(over_budget(&image, Size::mib(100)), []);
        assert_eq!(over_budget(&image, Size::mib(101)).len(), 1);
    }
}
