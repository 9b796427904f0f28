//! File systems of partitions, mounted to be looked into, or for whoever asks.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use jumpspec::disk::Filesystem;
use jumpspec::node::remote::is_remote;
use jumpspec::plan::Keeper;
use jumpsys::disk::superblock;
use jumpsys::files::mount::{self, MountSpec, MsFlags};
use jumpsys::files::mountinfo::{self, Mount};
use jumpsys::files::root::Root;

/// Linux's driver for ext2, ext3 and ext4.
const EXT4: &str = "ext4";

/// Reads something from the file system on `device`, which is of the type `fs`, wherever it is mounted.
pub(crate) fn with_mounted<T>(
    device: &str,
    fs: &str,
    read: impl FnOnce(&Root) -> Result<T>,
) -> Result<T> {
    with(device, (fs, options(fs)), read)
}

/// The same of an ext2, ext3 or ext4 that is another's: where it is mounted nowhere, its journal is not
/// replayed for whoever only looks.
pub(crate) fn with_mounted_as_it_lies<T>(
    device: &str,
    read: impl FnOnce(&Root) -> Result<T>,
) -> Result<T> {
    with(device, (EXT4, Some(Filesystem::Ext4.as_it_lies())), read)
}

/// What a type of file systems is mounted with.
fn options(fs: &str) -> Option<&'static str> {
    // Another mount of it shares this.
    (fs == "vfat").then_some("umask=0077")
}

fn with<T>(
    device: &str,
    fs: (&str, Option<&str>),
    read: impl FnOnce(&Root) -> Result<T>,
) -> Result<T> {
    let (root, mounted) = mounted_at(device, fs)?;
    let found = Root::open(&root)
        .map_err(anyhow::Error::from)
        .and_then(|root| read(&root));
    if mounted {
        mount::unmount(&root)?;
        std::fs::remove_dir(&root)?;
    }
    found
}

/// Where the file system on `device` is mounted, and whether it was mounted just now.
fn mounted_at(device: &str, fs: (&str, Option<&str>)) -> Result<(PathBuf, bool)> {
    let by_device = mountinfo::read_mountinfo()?
        .into_iter()
        .find(|mount| device_of(mount) == device && mount.root == Path::new("/"));
    if let Some(mount) = by_device {
        return Ok((mount.mount_point, false));
    }
    // A try to mount anything else would hold the device for a moment, which its owner may want.
    let found = superblock::probe(Path::new(device))?;
    ensure!(
        found.is_some_and(|found| is_driven(found.kind.name(), fs.0)),
        "{device} holds no {}",
        fs.0
    );
    let root = PathBuf::from(format!("/run/jump-status-{}", std::process::id()));
    DirBuilder::new()
        .mode(0o700)
        .create(&root)
        .with_context(|| format!("cannot make {}", root.display()))?;
    if let Err(error) = mount_with(Path::new(device), &root, fs, MsFlags::MS_RDONLY) {
        std::fs::remove_dir(&root)?;
        return Err(error);
    }
    Ok((root, true))
}

/// Whether the file system `fs` of Linux mounts what blkid calls `kind`.
fn is_driven(kind: &str, fs: &str) -> bool {
    kind == fs || fs == EXT4 && Keeper::Boot.is(kind)
}

/// Mounts an ext4 at a directory that only root may enter, made if it is missing.
pub(crate) fn mount_ext4(device: &Path, target: &Path, flags: MsFlags) -> Result<()> {
    mount_at(device, target, EXT4, flags)
}

/// The same of any type.
pub(crate) fn mount_at(device: &Path, target: &Path, fs: &str, flags: MsFlags) -> Result<()> {
    mount_with(device, target, (fs, options(fs)), flags)
}

fn mount_with(
    device: &Path,
    target: &Path,
    (fs, data): (&str, Option<&str>),
    flags: MsFlags,
) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(target)
        .with_context(|| format!("cannot make {}", target.display()))?;
    mount::mount(&MountSpec {
        source: device,
        target,
        fstype: fs,
        flags,
        data,
    })?
    .keep();
    Ok(())
}

/// The device of a mount in the form `/dev/vda3`, whatever name it was mounted by. Where the device
/// number is none of a block device, as of btrfs, the source tells; that of a file system of
/// elsewhere is what its server or its user made up.
pub(crate) fn device_of(mount: &Mount) -> String {
    let (major, minor) = mount.device;
    let link = format!("/sys/dev/block/{major}:{minor}");
    let name = std::fs::read_link(link).ok().and_then(|path| {
        path.file_name()
            .map(|name| name.to_string_lossy().replace('!', "/"))
    });
    match name {
        Some(name) => format!("/dev/{name}"),
        None if is_remote(&mount.fstype) => mount.fstype.clone(),
        None => mount.source.clone(),
    }
}
