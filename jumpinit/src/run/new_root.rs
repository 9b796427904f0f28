//! The root of the new system while it is made: its file systems, mounted and unmounted, and the
//! machine that programs in it need to see.

use std::path::Path;

use anyhow::{Context as _, Result};
use jumpspec::places;
use jumpspec::plan::PlannedFilesystem;
use jumpsys::files::mount::{self, MountGuard, MountSpec, MsFlags};
use jumpsys::files::mountinfo;
use jumpsys::files::root::Root;

use crate::run::context::Context;

/// The new system's root directory, mounted.
pub(crate) fn open(cx: &Context) -> Result<Root> {
    mount(cx)?;
    Ok(Root::open(&cx.on_landing(places::NEW_ROOT))?)
}

/// The new system's file system that is mounted at `mount`.
pub(crate) fn filesystem_of(cx: &Context, mount: &str) -> Result<PlannedFilesystem> {
    let found = cx
        .plan
        .filesystems
        .iter()
        .find(|filesystem| filesystem.mount == mount);
    found
        .cloned()
        .with_context(|| format!("the plan has no file system for {mount}"))
}

/// Mounts the new system's file systems below [`places::NEW_ROOT`], parents first, those
/// that are not. Kept ones are not touched: the new system mounts them itself.
pub(crate) fn mount(cx: &Context) -> Result<()> {
    let top = cx.on_landing(places::NEW_ROOT);
    std::fs::create_dir_all(&top).with_context(|| format!("cannot make {}", top.display()))?;
    let mounted = mountinfo::read_mountinfo()?;
    for filesystem in cx
        .plan
        .filesystems
        .iter()
        .filter(|filesystem| !filesystem.kept)
    {
        let target = Root::open(&top)?.mount_point(&filesystem.mount)?;
        if mounted.iter().any(|mount| mount.mount_point == target) {
            continue;
        }
        let source = cx.partition(filesystem.number);
        let spec = MountSpec {
            source: &source,
            target: &target,
            fstype: &filesystem.fs,
            flags: MsFlags::empty(),
            data: None,
        };
        mount::mount(&spec)?.keep();
    }
    Ok(())
}

/// Unmounts all that is mounted at or below [`places::NEW_ROOT`], children first.
pub(crate) fn unmount(cx: &Context) -> Result<()> {
    let top = cx.on_landing(places::NEW_ROOT);
    let mut mounted: Vec<_> = mountinfo::read_mountinfo()?
        .into_iter()
        .map(|mount| mount.mount_point)
        .filter(|point| point.starts_with(&top))
        .collect();
    mounted.reverse();
    mounted
        .iter()
        .try_for_each(|point| mount::unmount(point))
        .map_err(Into::into)
}

/// Whether `path` is at or below the mount point of a kept file system.
pub(crate) fn is_on_kept(cx: &Context, path: &str) -> bool {
    let kept = cx
        .plan
        .filesystems
        .iter()
        .filter(|filesystem| filesystem.kept);
    kept.into_iter()
        .any(|filesystem| Path::new(path).starts_with(&filesystem.mount))
}

/// What programs in the new root need to see of the machine.
pub(crate) fn enter(cx: &Context) -> Result<Vec<MountGuard>> {
    let root = Root::open(&cx.on_landing(places::NEW_ROOT))?;
    // All are looked for first: a link of the image must not lead through one of them.
    let points = places::MACHINE.map(|name| root.mount_point(name).map(|point| (name, point)));
    points
        .into_iter()
        .map(|found| {
            let (name, point) = found?;
            Ok(mount::bind(&Path::new("/").join(name), &point, false)?)
        })
        .collect()
}

/// Takes that away. A process that a hook has left behind may have its /dev/null open for a moment
/// after its end was ordered: no reason to fail.
pub(crate) fn leave(mounts: Vec<MountGuard>) -> Result<()> {
    for mount in mounts.into_iter().rev() {
        mount.detach()?;
    }
    Ok(())
}
