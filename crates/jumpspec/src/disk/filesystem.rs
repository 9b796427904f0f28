//! File systems that a new system is made of, and what they and others can have: labels, sizes,
//! inodes. The planner asks before anything is changed, and whoever makes a file system or swap asks
//! again.

use serde::{Deserialize, Serialize};

/// File systems that a layout may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filesystem {
    /// Fourth extended file system, with the defaults of the jump image's mke2fs.conf.
    Ext4,
    /// XFS, with the defaults of the jump image's mkfs.xfs.
    Xfs,
}

impl Filesystem {
    /// Its name, as mount(8), fstab(5) and mkfs know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }

    /// The program that makes it, from the root of an image.
    pub fn program(self) -> String {
        format!("/usr/sbin/mkfs.{}", self.name())
    }

    /// The mount option with which not even its journal is written (ext4(5), xfs(5)): besides `ro`.
    pub fn as_it_lies(self) -> &'static str {
        match self {
            Self::Ext4 => "noload",
            Self::Xfs => "norecovery",
        }
    }

    /// The smallest device in bytes that mkfs makes it on, if it is known to refuse smaller ones:
    /// mkfs.xfs(8) since xfsprogs 5.19.
    pub fn least_size(self) -> u64 {
        match self {
            Self::Ext4 => 0,
            Self::Xfs => 300 << 20,
        }
    }

    /// How many inodes mke2fs makes on a device of `bytes` bytes: one for 16 KiB, and for 4 KiB on
    /// less than 512 MiB (mke2fs.conf(5), the types `default` and `small`). XFS makes them as it
    /// needs them.
    pub fn inodes(self, bytes: u64) -> Option<u64> {
        let ratio = if bytes < 512 << 20 { 4096 } else { 16384 };
        (self == Self::Ext4).then_some(bytes / ratio)
    }
}

/// The type by which a kernel of today mounts what blkid or mountinfo calls `kind`, if that keeps all
/// that a copy does: owners, links, extended attributes. ext4's driver is the others' too.
pub fn mounted_as(kind: &str) -> Option<Filesystem> {
    match kind {
        "ext2" | "ext3" | "ext4" => Some(Filesystem::Ext4),
        "xfs" => Some(Filesystem::Xfs),
        _ => None,
    }
}

/// Why a text cannot be a label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// There is no room for it.
    #[error("label {label:?} has {} bytes, and {fs} takes {longest}", label.len())]
    TooLong {
        /// The label.
        label: String,
        /// The file system, as `/etc/fstab` names it.
        fs: String,
        /// The most bytes that it takes.
        longest: usize,
    },
    /// Nothing that a tool could print, or fstab name.
    #[error("label {0:?} has a control character")]
    Control(String),
}

/// Checks a label for a file system (or `swap`), by the name that `/etc/fstab` has.
///
/// # Errors
/// Says what is wrong with it.
pub fn label(fs: &str, label: &str) -> Result<(), LabelError> {
    let longest = longest_label(fs);
    if label.len() > longest {
        return Err(LabelError::TooLong {
            label: label.to_owned(),
            fs: fs.to_owned(),
            longest,
        });
    }
    if label.chars().any(char::is_control) {
        return Err(LabelError::Control(label.to_owned()));
    }
    Ok(())
}

/// Bytes of the label's field: the kernel's `ext4.h`, `xfs_format.h`, `btrfs_tree.h` (with a NUL),
/// `swap.h`; mkfs.vfat(8).
fn longest_label(fs: &str) -> usize {
    match fs {
        "xfs" => 12,
        "vfat" => 11,
        "btrfs" => 255,
        _ => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_in_bytes() {
        assert_eq!(label("xfs", "twelve bytes"), Ok(()));
        assert!(label("xfs", "thirteen byte").is_err());
        assert_eq!(label("ext4", "sixteen letters."), Ok(()));
        assert!(label("ext4", "sechzehn Bäume..").is_err());
        assert!(label("swap", "a\nb").is_err());
    }

    #[test]
    fn only_ext_has_its_inodes_counted_beforehand() {
        assert_eq!(Filesystem::Ext4.inodes(1 << 30), Some(65536));
        assert_eq!(Filesystem::Ext4.inodes(256 << 20), Some(65536));
        assert_eq!(Filesystem::Xfs.inodes(1 << 30), None);
    }
}
