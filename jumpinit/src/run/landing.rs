//! The landing file system of a run, mounted and unmounted.

use std::path::Path;

use anyhow::Result;
use jumpsys::files::freeze;
use jumpsys::files::mount::{self, MsFlags};
use jumpsys::files::mountinfo;
use jumpsys::files::root::Root;

use crate::node::mounted::mount_ext4;
use crate::run::context::Context;

/// Mounts the landing file system to write to it, unless it is mounted.
pub(crate) fn mount(cx: &Context) -> Result<()> {
    if cx.plan.landing.is_in_memory() || is_mounted(&cx.landing)? {
        return Ok(());
    }
    mount_ext4(&cx.landing_device(), &cx.landing, MsFlags::empty())
}

/// Reads something from the landing file system, which is mounted for it and not written to; or from
/// what stands for it.
pub(crate) fn read<T>(cx: &Context, read: impl FnOnce(&Root) -> Result<T>) -> Result<T> {
    if cx.plan.landing.is_in_memory() {
        return cx.kept_root().and_then(|root| read(&root));
    }
    if is_mounted(&cx.landing)? {
        mount::unmount(&cx.landing)?;
    }
    mount_ext4(&cx.landing_device(), &cx.landing, MsFlags::MS_RDONLY)?;
    let found = cx.landing_root().and_then(|root| read(&root));
    mount::unmount(&cx.landing)?;
    found
}

/// Reads something of the jump system as it was unpacked, from the old system.
pub(crate) fn read_jump<T>(cx: &Context, act: impl FnOnce(&Root) -> Result<T>) -> Result<T> {
    if cx.plan.landing.is_in_memory() {
        return cx.landing_root().and_then(|root| act(&root));
    }
    read(cx, act)
}

/// Does something with the landing file system, which is mounted for it. For whoever has no log there.
pub(crate) fn with<T>(cx: &Context, act: impl FnOnce(&Context) -> Result<T>) -> Result<T> {
    if cx.plan.landing.is_in_memory() {
        return act(cx);
    }
    mount(cx)?;
    let done = act(cx);
    mount::unmount(&cx.landing)?;
    done
}

/// Unmounts the landing file system, if it is mounted, or settles what stands for it; all of it is on
/// disk then, also for GRUB, which replays no journal.
pub(crate) fn unmount(cx: &mut Context) -> Result<()> {
    cx.reporter.close_log();
    if cx.plan.landing.is_in_memory() {
        return Ok(freeze::settle(&cx.on_kept(""))?);
    }
    if is_mounted(&cx.landing)? {
        mount::unmount(&cx.landing)?;
    }
    Ok(())
}

pub(crate) fn is_mounted(target: &Path) -> Result<bool> {
    Ok(mountinfo::read_mountinfo()?
        .iter()
        .any(|mount| mount.mount_point == target))
}
