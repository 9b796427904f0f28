//! The manifest in front of every image: what the image is and what it can do.
//!
//! It answers every question that the planner asks of an image, so that a plan
//! needs no second look into the archive.

use serde::{Deserialize, Serialize};

use crate::image::driver::UnfitDriver;
use crate::image::kind::Kind;
use crate::image::loader::{Loader, Platform, SignedLoaders};
use crate::image::obstacle::Obstacles;
use crate::node::network::NetworkStack;
use crate::node::os_release::OsRelease;
use crate::words::digest::Digest;
use crate::words::relpath::RelPath;
use crate::words::size::Size;

/// The newest manifest format that this code reads and the one it writes.
pub const FORMAT: u32 = 2;

/// The newest plan format that this code reads and the one it writes. It stands here, for an image
/// says which its own jumpinit reads.
pub const PLAN_FORMAT: u32 = 9;

/// Upper limits of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Of the image file, in bytes.
    pub compressed: Option<Size>,
    /// Of all files' contents, in bytes.
    pub unpacked: Option<Size>,
}

/// What an image is and can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The program that wrote it, with its version.
    pub tool: String,
    /// What the image is for.
    pub kind: Kind,
    /// The recipe's name.
    pub name: String,
    /// From the tree's `os-release`.
    pub os: OsRelease,
    /// Machine name as `uname -m` prints it, e.g. `x86_64`.
    pub architecture: String,
    /// Kernels found in the tree, newest last.
    pub kernels: Vec<Kernel>,
    /// The init system that the tree boots into, if one was found.
    pub init: Option<Init>,
    /// Network stacks that the tree would start at boot.
    pub network: Vec<NetworkStack>,
    /// Whether the tree has an SSH server.
    pub sshd: bool,
    /// The user that its sshd becomes before anybody has logged in (sshd(8), "privilege
    /// separation"); without it sshd does not start.
    #[serde(default)]
    pub sshd_user: Option<String>,
    /// Its OpenSSH's version, e.g. `9.2p1`, if it is one and says so.
    #[serde(default)]
    pub openssh: Option<String>,
    /// Its accounts and groups, without their secrets.
    #[serde(default)]
    pub accounts: Option<crate::node::accounts::PublicAccounts>,
    /// Login shells that it has, by all their absolute paths.
    #[serde(default)]
    pub shells: Vec<String>,
    /// How it uses SELinux, if it is set up for it.
    #[serde(default)]
    pub selinux: Option<crate::node::selinux::Selinux>,
    /// Whether Debian's package grub-pc is installed: its updates ask debconf for the disk.
    #[serde(default)]
    pub grub_pc: bool,
    /// What would give a node another identity at its first boot; `None` in images of versions
    /// that did not look.
    #[serde(default)]
    pub first_boot: Option<Vec<crate::node::first_boot::Machinery>>,
    /// What the tree can boot by, one for each platform.
    pub loaders: Vec<Loader>,
    /// Loaders that firmware with Secure Boot starts.
    #[serde(default)]
    pub signed: Option<SignedLoaders>,
    /// File systems that the tree can make, e.g. `ext4`, `xfs`.
    pub filesystems: Vec<String>,
    /// File systems that the newest kernel can mount, by its list of modules and of what is built in.
    #[serde(default)]
    pub mountable: Vec<String>,
    /// What the newest kernel's initramfs may be compressed with, e.g. `gzip`, `zstd`, by its
    /// configuration; `None` where the image's root has none, and in images of versions that did not look.
    #[serde(default)]
    pub initramfs_codecs: Option<Vec<String>>,
    /// Network drivers that the newest kernel has and that cannot start in the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfit_drivers: Vec<UnfitDriver>,
    /// Files that the mkfs programs need, themselves included: with just these
    /// below a root, they run there by chroot. Empty for target images.
    pub toolbox: Vec<RelPath>,
    /// Programs that the steps run in the image, as far as it has them: see
    /// [`Kind::programs`].
    pub programs: Vec<RelPath>,
    /// What is no directory where one may be needed.
    pub obstacles: Obstacles,
    /// The newest plan that the image's own jumpinit reads, [`PLAN_FORMAT`] when it was
    /// built. A jump system that cannot read its plan goes back.
    pub plan_format: u32,
    /// Bytes that the files take on a file system with 4 KiB blocks.
    pub unpacked: Size,
    /// The same, by directory, for directories that a layout may put on a file
    /// system of their own: every first-level directory (`boot`, `usr`, `var` …)
    /// with all below it.
    pub directories: std::collections::BTreeMap<String, Size>,
    /// Archive entries, hard links included.
    pub entries: u64,
    /// Distinct inodes.
    pub inodes: u64,
    /// The limits that the recipe set.
    pub budget: Budget,
    /// Digest of the index frame's uncompressed content.
    pub index_digest: Digest,
}

impl Manifest {
    /// What the image can boot by on a machine of this platform.
    pub fn loader(&self, platform: Platform) -> Option<&Loader> {
        let mut loaders = self.loaders.iter();
        loaders.find(|loader| loader.platform == platform)
    }

    /// What the steps would run in the image and it does not have.
    pub fn missing_programs(&self) -> impl Iterator<Item = &'static str> {
        let there = |wanted: &&str| self.programs.iter().any(|path| path.as_str() == *wanted);
        self.kind
            .programs()
            .iter()
            .copied()
            .filter(move |wanted| !there(wanted))
    }
}

/// One kernel of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// As `uname -r` would print it.
    pub release: String,
    /// The kernel image.
    pub image: RelPath,
    /// Digest of the kernel image.
    pub image_digest: Digest,
    /// Its initramfs, if one was found.
    pub initramfs: Option<RelPath>,
    /// Digest of the initramfs.
    pub initramfs_digest: Option<Digest>,
}

impl Kernel {
    /// The first two numbers of its release.
    pub fn version(&self) -> Option<(u32, u32)> {
        let (major, rest) = self.release.split_once('.')?;
        let end = rest.find(|it: char| !it.is_ascii_digit());
        let minor = &rest[..end.unwrap_or(rest.len())];
        Some((major.parse().ok()?, minor.parse().ok()?))
    }

    /// Whether it is all in `/boot`, the one directory in which grub-mkconfig looks (`10_linux`).
    pub fn is_in_boot(&self) -> bool {
        let mut files = [Some(&self.image), self.initramfs.as_ref()]
            .into_iter()
            .flatten();
        files.all(|file| file.as_str().starts_with("boot/"))
    }
}

/// The init systems that jump can start its own work from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// systemd: units.
    Systemd,
    /// sysvinit: rc scripts.
    Sysvinit,
}
