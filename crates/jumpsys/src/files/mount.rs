//! The one module that mounts, unmounts, and turns swap on and off.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
pub use nix::mount::MsFlags;
use nix::mount::{MntFlags, mount as sys_mount, umount2};
use nix::sched::{CloneFlags, unshare};

use crate::error::{At as _, PathError};

/// What to mount where.
#[derive(Debug, Clone, Copy)]
pub struct MountSpec<'a> {
    /// The device, or a name such as `proc` where there is none.
    pub source: &'a Path,
    /// An existing directory.
    pub target: &'a Path,
    /// The type as in /proc/filesystems.
    pub fstype: &'a str,
    /// mount(2)'s flags.
    pub flags: MsFlags,
    /// Options of the file system itself, separated by commas.
    pub data: Option<&'a str>,
}

/// A file system, or a directory of one, could not be mounted.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MountError(#[from] PathError);

/// Mounts a file system. The error names the target; `ENODEV` means a type the kernel lacks.
pub fn mount(spec: &MountSpec<'_>) -> Result<MountGuard, MountError> {
    let MountSpec { source, target, .. } = *spec;
    sys_mount(
        Some(source),
        target,
        Some(spec.fstype),
        spec.flags,
        spec.data,
    )
    .at("mount", target)?;
    Ok(MountGuard::adopt(target))
}

/// Makes `source` (a directory or a file) visible at `target` as well. With `recursive` also what
/// is mounted below it; those mounts are then made slaves, so that unmounting spares the original.
pub fn bind(source: &Path, target: &Path, recursive: bool) -> Result<MountGuard, MountError> {
    let none: Option<&str> = None;
    let deep = if recursive {
        MsFlags::MS_REC
    } else {
        MsFlags::empty()
    };
    sys_mount(Some(source), target, none, MsFlags::MS_BIND | deep, none).at("bind", target)?;
    let guard = MountGuard::adopt(target);
    let slave = MsFlags::MS_SLAVE | deep;
    sys_mount(none, target, none, slave, none).at("make a slave mount of", target)?;
    Ok(guard)
}

/// Changes the flags of what is mounted at `target`, for instance to read-only.
pub fn remount(target: &Path, flags: MsFlags) -> Result<(), PathError> {
    let none: Option<&str> = None;
    sys_mount(none, target, none, MsFlags::MS_REMOUNT | flags, none).at("remount", target)
}

/// How long what is to be unmounted may be used by somebody who only looks: who asks for a status, or
/// a service that starts and is given its own copy of all mounts. Nothing tells when he is gone.
const IN_USE: Duration = Duration::from_secs(30);
/// How often is looked whether he is gone.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Unmounts, once nobody uses it any more. `EBUSY` means that somebody has used it for half a minute.
pub fn unmount(target: &Path) -> Result<(), PathError> {
    unmount_within(target, IN_USE)
}

fn unmount_within(target: &Path, limit: Duration) -> Result<(), PathError> {
    let begun = Instant::now();
    loop {
        match umount2(target, MntFlags::UMOUNT_NOFOLLOW) {
            Err(Errno::EBUSY) if begun.elapsed() < limit => sleep(LOOK_EVERY),
            done => return done.at("unmount", target),
        }
    }
}

/// A mount which is undone. Close it on purpose with [`MountGuard::unmount`]: being dropped is for
/// the way out of a failure, detaches lazily, and says so on stderr.
#[derive(Debug)]
#[must_use = "dropping the guard unmounts at once"]
pub struct MountGuard {
    target: Option<PathBuf>,
}

impl MountGuard {
    fn adopt(target: &Path) -> Self {
        Self {
            target: Some(target.to_owned()),
        }
    }

    /// Where it is mounted.
    pub fn target(&self) -> &Path {
        self.target.as_deref().unwrap_or(Path::new(""))
    }

    /// Unmounts; on failure the mount stays and is no longer guarded, bar a lazy detach.
    pub fn unmount(mut self) -> Result<(), PathError> {
        let Some(target) = &self.target else {
            return Ok(());
        };
        unmount(target)?;
        self.target = None;
        Ok(())
    }

    /// Takes it out of the tree, for those who use it still as well: for what is mounted elsewhere
    /// too and has nothing to write. umount2(2), `MNT_DETACH`.
    pub fn detach(mut self) -> Result<(), PathError> {
        let Some(target) = self.target.take() else {
            return Ok(());
        };
        let flags = MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW;
        umount2(&target, flags).at("unmount", &target)
    }

    /// Leaves it mounted for good.
    pub fn keep(mut self) {
        self.target = None;
    }
}

impl Drop for MountGuard {
    fn drop(&mut self) {
        let Some(target) = &self.target else { return };
        let flags = MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW;
        match umount2(target, flags) {
            Ok(()) => eprintln!("jump: detached {} after a failure", target.display()),
            Err(e) => eprintln!("jump: cannot detach {}: {e}", target.display()),
        }
    }
}

/// Starts swapping to a device or file, with the kernel's default priority. swapon(2).
pub fn swapon(device: &Path) -> Result<(), PathError> {
    let path = c_path("swap on", device)?;
    // SAFETY: the pointer is to a NUL-terminated string which outlives the call.
    let done = unsafe { nix::libc::swapon(path.as_ptr(), 0) };
    nix::errno::Errno::result(done)
        .map(drop)
        .at("swap on", device)
}

/// Stops swapping to a device or file; what is in it goes back to memory, which may take long, and
/// fails with `ENOMEM` where it does not fit. swapoff(2).
pub fn swapoff(device: &Path) -> Result<(), PathError> {
    let path = c_path("stop swapping on", device)?;
    // SAFETY: the pointer is to a NUL-terminated string which outlives the call.
    let done = unsafe { nix::libc::swapoff(path.as_ptr()) };
    nix::errno::Errno::result(done)
        .map(drop)
        .at("stop swapping on", device)
}

/// From here on this process sees the file system tree without what is mounted at `hidden`, parents
/// first, and below: a view of its own, in which a path that leads through a dead file server leads
/// to the directory beneath. What it mounts is its own too. unshare(2), mount_namespaces(7).
///
/// # Errors
/// When this process may not (`EPERM`), or the kernel has no namespaces (`EINVAL`).
pub fn hide(hidden: &[PathBuf]) -> Result<(), PathError> {
    let root = Path::new("/");
    unshare(CloneFlags::CLONE_NEWNS).at("get a view of one's own of", root)?;
    let none: Option<&str> = None;
    let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
    sys_mount(none, root, none, private, none).at("get a view of one's own of", root)?;
    for point in hidden {
        // It is gone already if it was mounted below another.
        let how = MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW;
        match umount2(point, how) {
            Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {}
            Err(e) => return Err(e).at("hide", point),
        }
    }
    Ok(())
}

/// Whether the file system that holds the directory `dir` lies on the block device `device`. Not
/// for btrfs, whose device number is one of its own. stat(2).
pub fn lies_on(dir: &Path, device: &Path) -> Result<bool, PathError> {
    let on = std::fs::metadata(dir).at("look at", dir)?;
    let device = std::fs::metadata(device).at("look at", device)?;
    Ok(device.file_type().is_block_device() && on.dev() == device.rdev())
}

fn c_path(action: &'static str, path: &Path) -> Result<CString, PathError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(io::Error::from)
        .at(action, path)
}
