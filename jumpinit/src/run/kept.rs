//! The partition that keeps the files of a run whose jump system lies in memory, mounted to be written to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::plan::{Keeper, Plan};
use jumpsys::files::mount::{self, MsFlags};
use jumpsys::files::mountinfo::{self, Mount};

use crate::node::disk;
use crate::node::mounted::device_of;
use crate::node::mounted::mount_at;
use crate::run::busy::once_free;

/// Where the partition is mounted where the running system has it nowhere.
const MOUNT: &str = "/run/jump-landing-kept";

/// The directory's place, with the partition mounted to be written to. It stays mounted: the journal is
/// there. The directory itself may be missing.
///
/// Whoever asks for the status mounts it to read, for a moment, in which nobody can mount it otherwise.
pub(crate) fn mounted(keeper: Keeper, device: &Path) -> Result<PathBuf> {
    once_free(|| mounted_now(keeper, device))
}

fn mounted_now(keeper: Keeper, device: &Path) -> Result<PathBuf> {
    let mounts = mountinfo::read_mountinfo()?;
    let name = device.display().to_string();
    let ours: Vec<&Mount> = mounts.iter().filter(|it| device_of(it) == name).collect();
    // Another file system may have been mounted over it since.
    let is_seen = |mount: &&Mount| mount::lies_on(&mount.mount_point, device).unwrap_or(false);
    let whole = ours.iter().copied().filter(|mount| is_whole(keeper, mount));
    let at = if let Some(mount) = whole.into_iter().find(is_seen) {
        mount.mount_point.clone()
    } else {
        let flags = MsFlags::MS_NODEV | MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
        let mounted = mount_at(device, Path::new(MOUNT), keeper.driver(), flags);
        explained(mounted, read_only(keeper, &ours))?;
        PathBuf::from(MOUNT)
    };
    Ok(at.join(keeper.directory()))
}

/// Whether the running system has it mounted, wherever.
pub(crate) fn is_mounted(plan: &Plan) -> Result<bool> {
    let device = disk::landing(plan)?;
    let name = device.display().to_string();
    let mut mounts = mountinfo::read_mountinfo()?.into_iter();
    Ok(mounts.any(|mount| device_of(&mount) == name))
}

/// Why nothing can be written to the partition on `device`, if that is so wherever it is mounted.
pub(crate) fn why_read_only(keeper: Keeper, device: &Path) -> Option<String> {
    let mounts = mountinfo::read_mountinfo().ok()?;
    let name = device.display().to_string();
    let ours: Vec<&Mount> = mounts.iter().filter(|it| device_of(it) == name).collect();
    read_only(keeper, &ours)
}

/// A failure with its reason, where that is known.
pub(crate) fn explained<T>(result: Result<T>, why: Option<String>) -> Result<T> {
    match why {
        Some(why) => result.context(why),
        None => result,
    }
}

fn is_writable(options: &str) -> bool {
    options.split(',').any(|option| option == "rw")
}

/// Whether all of the file system is there, to be written to.
fn is_whole(keeper: Keeper, mount: &Mount) -> bool {
    keeper.is(&mount.fstype)
        && mount.root == Path::new("/")
        && is_writable(&mount.options)
        && is_writable(&mount.super_options)
}

/// Why it cannot be mounted a second time to be written to, and what to do about it.
fn read_only(keeper: Keeper, mounts: &[&Mount]) -> Option<String> {
    let mut mounts = mounts.iter();
    let found = mounts.find(|mount| !is_writable(&mount.super_options))?;
    let at = found.mount_point.display();
    Some(format!(
        "{} is mounted read-only at {at}: `mount -o remount,rw {at}`, or unmount it; if the kernel made it so, mend it first (`fsck`)",
        keeper.name()
    ))
}

/// Unmounts what [`mounted`] has mounted, as soon as nobody who asks for the status looks into it.
pub(crate) fn unmount() -> Result<()> {
    let mounts = mountinfo::read_mountinfo()?;
    if mounts.iter().any(|it| it.mount_point == Path::new(MOUNT)) {
        mount::unmount(Path::new(MOUNT))?;
    }
    if Path::new(MOUNT).exists() {
        std::fs::remove_dir(MOUNT).with_context(|| format!("cannot remove {MOUNT}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(options: &str, super_options: &str) -> Mount {
        let line = format!(
            "36 35 8:1 / /boot/efi {options},relatime shared:1 - vfat /dev/sda1 {super_options},fmask=0077"
        );
        mountinfo::parse_mountinfo(line.as_bytes()).remove(0)
    }

    #[test]
    fn only_what_can_be_written_to_is_used_and_what_stands_against_it_is_named() {
        assert!(is_whole(Keeper::Esp, &mount("rw", "rw")));
        let bind = mount("ro", "rw");
        assert!(!is_whole(Keeper::Esp, &bind));
        assert_eq!(read_only(Keeper::Esp, &[&bind]), None);
        let read_to = mount("ro", "ro");
        assert!(!is_whole(Keeper::Esp, &read_to));
        let why = read_only(Keeper::Esp, &[&bind, &read_to]).unwrap();
        assert!(why.contains("mount -o remount,rw /boot/efi"), "{why}");
    }
}
