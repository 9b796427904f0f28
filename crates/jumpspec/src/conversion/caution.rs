//! Commands that no hook should have as they stand, because the job decides what they decide.

use super::entry::Verdict;
use super::words::names;
use crate::nextrel::may_end_the_connection;

const DISKS: [&str; 19] = [
    "dd",
    "fdisk",
    "sfdisk",
    "cfdisk",
    "gdisk",
    "sgdisk",
    "parted",
    "partprobe",
    "wipefs",
    "mke2fs",
    "mkfs",
    "resize2fs",
    "tune2fs",
    "e2label",
    "pvcreate",
    "vgcreate",
    "lvcreate",
    "mdadm",
    "cryptsetup",
];
const SWAPS: [&str; 3] = ["mkswap", "swapon", "swapoff"];
const MOUNTS: [&str; 3] = ["mount", "umount", "pivot_root"];
const LOADERS: [&str; 8] = [
    "grub",
    "grub-install",
    "grub2-install",
    "grub-mkconfig",
    "grub2-mkconfig",
    "update-grub",
    "lilo",
    "extlinux",
];

/// Why a command does not become part of a hook, if it does not.
pub(super) fn caution(text: &str) -> Option<Verdict> {
    let any = |known: &[&str]| names(text).any(|name| known.contains(&name));
    if any(&DISKS) || names(text).any(|name| name.starts_with("mkfs.")) {
        return Some(Verdict::person(
            "it changes partitions or file systems, which the job's layout does: what no plan knows of cannot be checked beforehand",
            "say it in [[layout.partition]] of job.toml, and as a [[copy]] what goes from one partition to another: docs/job.md",
        ));
    }
    if any(&SWAPS) {
        return Some(Verdict::person(
            "it makes or uses swap, and jump makes the partition that it has borrowed swap again itself, with its UUID and label",
            "take it out, unless it is about another partition",
        ));
    }
    if any(&MOUNTS) {
        return Some(Verdict::person(
            "it mounts something, and what is mounted is planned",
            "give the partition a `mount` in [[layout.partition]]; a tree that goes from one to another is a [[copy]]: docs/job.md",
        ));
    }
    if any(&LOADERS) {
        return Some(Verdict::dropped("jump installs the new system's loader, and proves that it boots before that is final")
            .with("kernel arguments of your own belong into the target image's loader configuration, those of the jump system into [jump] kernel_arguments"));
    }
    may_end_the_connection(text)
        .then(|| Verdict::dropped("jump restarts the node itself, when it is time"))
}

#[cfg(test)]
mod tests {
    use super::super::entry::Fate;
    use super::*;

    #[test]
    fn what_the_job_decides_is_kept_out_of_hooks() {
        let cases = [
            ("mkfs.xfs /dev/sdb1", Some(Fate::Person)),
            ("x=`/sbin/sfdisk -d /dev/sda`", Some(Fate::Person)),
            ("mount -o bind /a /b", Some(Fate::Person)),
            ("mkswap /dev/sda2 && swapon -a", Some(Fate::Person)),
            ("/usr/sbin/grub-install /dev/sda", Some(Fate::Dropped)),
            ("sync; reboot", Some(Fate::Dropped)),
            ("/etc/init.d/slurm stop", None),
            ("cp -p /boot/grub2/x y", None),
        ];
        for (text, fate) in cases {
            assert_eq!(caution(text).map(|it| it.fate), fate, "{text}");
        }
    }
}
