//! File systems of partitions, mounted to be looked into, or for whoever asks.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use jumpsys::disk::superblock;
use jumpsys::files::mount::{self, MountSpec, MsFlags};
use jumpsys::files::mountinfo;
use jumpsys::files::root::Root;

/// Reads something from the file system on `device`, which is of the type `fs`, wherever it is mounted.
pub(crate) fn with_mounted<T>(
    device: &str,
    fs: &str,
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
fn mounted_at(device: &str, fs: &str) -> Result<(PathBuf, bool)> {
    let by_device = mountinfo::read_mountinfo()?
        .into_iter()
        .find(|mount| crate::node::facts::device_of(mount) == device);
    if let Some(mount) = by_device {
        return Ok((mount.mount_point, false));
    }
    // A try to mount anything else would hold the device for a moment, which its owner may want.
    let found = superblock::probe(Path::new(device))?;
    ensure!(
        found.is_some_and(|found| found.kind.name() == fs),
        "{device} holds no {fs}"
    );
    let root = PathBuf::from(format!("/run/jump-status-{}", std::process::id()));
    DirBuilder::new()
        .mode(0o700)
        .create(&root)
        .with_context(|| format!("cannot make {}", root.display()))?;
    if let Err(error) = mount_at(Path::new(device), &root, fs, MsFlags::MS_RDONLY) {
        std::fs::remove_dir(&root)?;
        return Err(error);
    }
    Ok((root, true))
}

/// Mounts an ext4 at a directory that only root may enter, made if it is missing.
pub(crate) fn mount_ext4(device: &Path, target: &Path, flags: MsFlags) -> Result<()> {
    mount_at(device, target, "ext4", flags)
}

/// The same of any type.
pub(crate) fn mount_at(device: &Path, target: &Path, fs: &str, flags: MsFlags) -> Result<()> {
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
        data: None,
    })?
    .keep();
    Ok(())
}
