//! A /boot with a file system of its own, which can keep what boots a jump system in memory.

use std::path::Path;

use jumpspec::disk::Disk;
use jumpspec::node::facts::FoundBoot;
use jumpspec::plan::Keeper;
use jumpspec::words::size::Size;
use jumpsys::disk::superblock;
use jumpsys::files::mountinfo::Mount;
use jumpsys::files::usage;

use crate::node::mounted::device_of;

/// Where it is looked for.
const BOOT: &str = "/boot";

/// What is mounted there, the last over all others; none where it is of another kind, not whole, or on no
/// partition that is known.
pub(super) fn read(disks: &[Disk], mounts: &[Mount]) -> Option<FoundBoot> {
    let mut there = mounts.iter().rev();
    let mount = there.find(|it| it.mount_point == Path::new(BOOT))?;
    let device = device_of(mount);
    let mut partitions = disks.iter().flat_map(|disk| &disk.partitions);
    let is_known = partitions.any(|partition| partition.device == device);
    if !is_known || !Keeper::Boot.is(&mount.fstype) || mount.root != Path::new("/") {
        return None;
    }
    let superblock = superblock::ext(Path::new(&device)).ok()??;
    let left = Path::new(BOOT).join(Keeper::Boot.directory());
    let is_on = |options: &str, wanted: &str| options.split(',').any(|it| it == wanted);
    Some(FoundBoot {
        device,
        free: Size(usage::space(Path::new(BOOT)).ok()?.free),
        left: Size(usage::usage(&left).ok()?.bytes),
        writable: is_on(&mount.options, "rw") && is_on(&mount.super_options, "rw"),
        data_in_journal: superblock.data_in_journal || is_on(&mount.super_options, "data=journal"),
        features: superblock.incompat,
    })
}
