//! What a tree lies on: a partition of the disk that is replaced, which the jump system can mount.

use super::Input;
use crate::disk::filesystem::mounted_as;
use crate::disk::{Disk, Filesystem};
use crate::image::fitness::can_mount;
use crate::job::CopyWish;
use crate::node::facts::{FoundCopy, FoundTree};
use crate::node::remote::is_remote;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::step::TreePlace;
use crate::words::size::Size;

/// Where the tree lies, and what it takes.
pub(super) fn of(
    input: &Input<'_>,
    disk: &Disk,
    wish: &CopyWish,
    found: Option<&FoundCopy>,
) -> Result<(TreePlace, Size), Refusal> {
    let Some(tree) = found.and_then(|found| found.tree.as_ref()) else {
        return Err(refuse(
            format!("[[copy]]: there is no directory {} on this node", wish.from),
            "mend its name, or leave it out",
        ));
    };
    let (on, partition) = input
        .facts
        .partition(&tree.device)
        .ok_or_else(|| refuse_no_partition(wish, tree))?;
    if on.device != disk.device {
        return Err(refuse(
            format!(
                "[[copy]]: {} lies on {}, and {} is the disk that is replaced",
                wish.from, tree.device, disk.device
            ),
            "leave it out: other disks stay as they are, and the new system can mount them",
        ));
    }
    let fs = mounted_as(&tree.fs).ok_or_else(|| {
        refuse(
            format!(
                "[[copy]]: {} lies on {} ({}), and only ext2, ext3, ext4 and xfs are copied",
                wish.from, tree.device, tree.fs
            ),
            "keep its partition, or save it with [save] extra",
        )
    })?;
    refuse_unmountable(input, wish, fs)?;
    let place = TreePlace {
        number: partition.number,
        fs,
        directory: tree.directory.clone(),
    };
    Ok((place, tree.size))
}

/// What the jump system's kernel has no file system for.
pub(super) fn refuse_unmountable(
    input: &Input<'_>,
    wish: &CopyWish,
    fs: Filesystem,
) -> Result<(), Refusal> {
    let manifest = &input.jump.manifest;
    if can_mount(manifest, fs) {
        return Ok(());
    }
    Err(refuse(
        format!(
            "[[copy]]: {} is copied from or to {}, and the jump image {} has no kernel that is known to mount it",
            wish.from,
            fs.name(),
            manifest.name
        ),
        format!("build the jump image with a kernel that has {}", fs.name()),
    ))
}

fn refuse_no_partition(wish: &CopyWish, tree: &FoundTree) -> Refusal {
    let what = if is_remote(&tree.fs) {
        "is not on this node's disks"
    } else if tree.device.starts_with("/dev/") {
        "is no partition (LVM, RAID, LUKS?)"
    } else {
        "is on no disk"
    };
    refuse(
        format!(
            "[[copy]]: {} lies on {} ({}), which {what}",
            wish.from, tree.device, tree.fs
        ),
        "leave it out: a jump does not touch what is elsewhere; small files are saved with [save] extra",
    )
}

pub(super) fn refuse(message: String, hint: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::CopySource, message, hint)
}
