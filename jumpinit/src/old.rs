//! Steps on the old system: the landing partition is taken and filled. Nothing that the
//! old system boots from or keeps is touched.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jumparchive::{Existing, Tree, UnpackOptions};
use jumpspec::bundle::{self, Bundle};
use jumpspec::digest::Digest;
use jumpspec::facts::SECTOR;
use jumpspec::journal::{Journal, RESERVED_BYTES};
use jumpspec::places;
use jumpspec::plan::LANDING_LABEL;
use jumpspec::relpath::RelPath;
use jumpspec::step::{ImageRole, Step};
use jumpsys::cmd::Program;
use jumpsys::mkfs::{Fs, MkfsSpec};
use jumpsys::mount::{self, MountSpec, MsFlags};
use jumpsys::root::{Owner, Root};
use jumpsys::{mountinfo, swap};

use crate::context::Context;

/// How long a hook of the admin's may take.
pub(crate) const HOOK_LIMIT: Duration = Duration::from_hours(1);

/// The bundle that `jumpimg` put into the work directory.
pub(crate) fn read_bundle(work: &Path) -> Result<Bundle> {
    let path = work.join(bundle::FILE);
    let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    // The cause would quote the text, and the text holds a private key.
    serde_json::from_slice(&text).map_err(|_| anyhow::anyhow!("{} is not a bundle", path.display()))
}

/// Runs the admin's hook `before`.
pub(crate) fn run_hook(cx: &Context) -> Result<()> {
    let bundle = read_bundle(&cx.work)?;
    let Some(script) = bundle.hooks.get("before") else {
        return Ok(());
    };
    let path = cx.work.join("hook-before");
    jumpsys::atomic::write_atomic(&path, script.as_bytes(), 0o700)?;
    Program::new(&path).timeout(HOOK_LIMIT).run()?;
    Ok(())
}

/// Stops swapping to the landing partition, which must be what the planner saw: nothing
/// has been written to it yet.
pub(crate) fn swap_off(cx: &Context) -> Result<()> {
    refuse_changed_landing(cx)?;
    let device = cx.landing_device();
    if mountinfo::read_swaps()?
        .iter()
        .any(|swap| swap.path == device)
    {
        mount::swapoff(&device)?;
    }
    Ok(())
}

/// Makes the landing file system by the jump image's own mke2fs and mounts it.
pub(crate) fn make_landing(cx: &mut Context) -> Result<()> {
    unmount_landing(cx)?;
    let device = cx.landing_device();
    swap::wipe_signatures(&device)?;
    let toolbox = unpack_toolbox(&cx.work)?;
    let dev = mount::bind(Path::new("/dev"), &toolbox.join("dev"), false)?;
    jumpsys::mkfs::mkfs(&MkfsSpec {
        fs: Fs::Ext4,
        device: &device,
        uuid: Some(&cx.plan.landing.fs_uuid),
        label: Some(LANDING_LABEL),
        root: Some(&toolbox),
        size: Some(cx.plan.landing.sectors * SECTOR - RESERVED_BYTES),
    })?;
    dev.unmount()?;
    mount_landing(cx)?;
    let root = cx.landing_root()?;
    for place in [places::JUMP, places::IMAGES, places::LOG] {
        root.create_dir_all(place, Owner::root(0o700))?;
    }
    root.write(
        places::PLAN,
        &serde_json::to_vec_pretty(&cx.plan)?,
        Owner::root(0o600),
    )?;
    cx.reporter.log_to(&cx.on_landing(places::EVENTS));
    Ok(())
}

fn refuse_changed_landing(cx: &Context) -> Result<()> {
    let planned = &cx.plan.landing;
    let disk = cx.read_disk()?;
    let partition = disk
        .partitions
        .iter()
        .find(|partition| partition.number == planned.number);
    let partition = partition.with_context(|| format!("{} is gone", planned.device))?;
    if (partition.start, partition.sectors) != (planned.start, planned.sectors) {
        bail!(
            "{} is not where it was when the plan was made",
            partition.device
        );
    }
    let content = partition.content.as_ref();
    let ours = content.and_then(|content| content.label.as_deref()) == Some(LANDING_LABEL);
    match content {
        Some(content) if content.kind != "swap" && !ours => {
            bail!("{} holds {} now", partition.device, content.kind)
        }
        _ if !partition.holders.is_empty() => bail!(
            "{} is in use by {}",
            partition.device,
            partition.holders.join(", ")
        ),
        _ => Ok(()),
    }
}

/// The toolbox, unpacked anew below the work directory.
fn unpack_toolbox(work: &Path) -> Result<PathBuf> {
    let path = work.join("toolbox");
    if !path.join("dev").is_dir() {
        let archive = std::fs::read(work.join(bundle::TOOLBOX_FILE))
            .context("the toolbox was not uploaded")?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)?;
        let root = Root::open(&path)?;
        let options = UnpackOptions {
            existing: Existing::Replace,
            sync: false,
            ..UnpackOptions::default()
        };
        jumparchive::unpack_tar(archive, root.as_fd(), &options)
            .context("cannot unpack the toolbox")?;
        root.create_dir_all("dev", Owner::root(0o755))?;
    }
    Ok(path)
}

/// Mounts the landing file system to write to it, unless it is mounted.
pub(crate) fn mount_landing(cx: &Context) -> Result<()> {
    if is_mounted(&cx.landing)? {
        return Ok(());
    }
    mount_ext4(&cx.landing_device(), &cx.landing, MsFlags::empty())
}

/// Reads something from the landing file system, which is mounted for it and not written to.
pub(crate) fn read_landing<T>(cx: &Context, read: impl FnOnce(&Root) -> Result<T>) -> Result<T> {
    if is_mounted(&cx.landing)? {
        mount::unmount(&cx.landing)?;
    }
    mount_ext4(&cx.landing_device(), &cx.landing, MsFlags::MS_RDONLY)?;
    let found = cx.landing_root().and_then(|root| read(&root));
    mount::unmount(&cx.landing)?;
    found
}

/// Mounts an ext4 at a directory that only root may enter, made if it is missing.
pub(crate) fn mount_ext4(device: &Path, target: &Path, flags: MsFlags) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(target)
        .with_context(|| format!("cannot make {}", target.display()))?;
    mount::mount(&MountSpec {
        source: device,
        target,
        fstype: "ext4",
        flags,
        data: None,
    })?
    .keep();
    Ok(())
}

/// Unmounts the landing file system, if it is mounted; all of it is on disk then, also
/// for GRUB, which replays no journal.
pub(crate) fn unmount_landing(cx: &mut Context) -> Result<()> {
    cx.reporter.close_log();
    if is_mounted(&cx.landing)? {
        mount::unmount(&cx.landing)?;
    }
    Ok(())
}

fn is_mounted(target: &Path) -> Result<bool> {
    Ok(mountinfo::read_mountinfo()?
        .iter()
        .any(|mount| mount.mount_point == target))
}

/// Where an image is received.
fn image_path(cx: &Context, image: ImageRole) -> PathBuf {
    cx.on_landing(places::IMAGES).join(image.file_name())
}

/// How many bytes of an image are there.
pub(crate) fn received(cx: &Context, image: ImageRole) -> u64 {
    std::fs::metadata(image_path(cx, image)).map_or(0, |metadata| metadata.len())
}

/// Appends what standard input has to an image from `offset` on.
pub(crate) fn receive(
    cx: &Context,
    image: ImageRole,
    offset: u64,
    input: &mut impl Read,
) -> Result<()> {
    let path = image_path(cx, image);
    let there = received(cx, image);
    if there != offset {
        bail!(
            "{} has {there} bytes, not {offset}: ask for the offset again",
            path.display()
        );
    }
    let size = cx.plan.image(image).size;
    let mut file = File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    std::io::copy(&mut input.take(size - offset), &mut file)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.flush()?;
    file.sync_all()?;
    Ok(())
}

/// Checks the digest of a received image; a wrong one is removed, to be sent again.
pub(crate) fn check_received(
    cx: &mut Context,
    image: ImageRole,
    size: u64,
    digest: &Digest,
) -> Result<()> {
    let path = image_path(cx, image);
    let found = crate::hash::file(&path, &mut cx.reporter, "check the digest")?;
    if received(cx, image) == size && found == *digest {
        return Ok(());
    }
    std::fs::remove_file(&path)?;
    bail!("the {image} arrived with digest {found}, not {digest}; it was removed")
}

/// Unpacks the jump image into the landing file system, then removes the image file.
pub(crate) fn unpack_jump(cx: &mut Context) -> Result<()> {
    let path = image_path(cx, ImageRole::Jump);
    if !path.exists() {
        return Ok(());
    }
    let root = cx.landing_root()?;
    crate::unpack::image(
        &path,
        &root,
        Existing::Replace,
        &mut cx.reporter,
        "unpack the jump system",
    )?;
    std::fs::remove_file(&path)?;
    Ok(())
}

/// Saves files of the old system into one archive that only root may read.
pub(crate) fn save_files(cx: &mut Context, paths: &[RelPath]) -> Result<()> {
    let path = cx.on_landing(places::SAVED);
    let file = File::options()
        .write(true)
        .read(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?;
    let tree = Tree::open(Path::new("/")).context("cannot open /")?;
    let packed = jumparchive::pack_paths(&tree, paths, file.try_clone()?)
        .context("cannot save the files")?;
    file.sync_all()?;
    for path in packed.report.changed.iter().chain(&packed.report.vanished) {
        cx.reporter
            .note(format!("{path} changed while it was saved"));
    }
    Ok(())
}

/// Runs the plan's steps on the old system from where the journal stands, until an
/// image is wanted or the node is armed.
pub(crate) fn run(cx: &mut Context) -> Result<Progress> {
    let steps = cx.plan.steps.old.clone();
    for (index, step) in steps
        .iter()
        .enumerate()
        .skip(first_step(cx.journal(), &steps))
    {
        if let Step::Receive { image, size, .. } = step {
            let offset = received(cx, *image);
            if offset < *size {
                return Ok(Progress::Wants {
                    image: *image,
                    offset,
                });
            }
        }
        cx.carry_out(index, step)?;
    }
    Ok(Progress::Armed)
}

/// How far [`run`] came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// An image has to be uploaded, from this byte on.
    Wants {
        /// Which.
        image: ImageRole,
        /// From where.
        offset: u64,
    },
    /// The next boot is a jump.
    Armed,
}

/// The first step to do: the one that was begun and not finished, or the next. A journal
/// that was never written stands before the first journalled step.
fn first_step(journal: &Journal, steps: &[Step]) -> usize {
    let index = journal.step as usize;
    let fresh = index == 0
        && !journal.done
        && steps
            .first()
            .is_some_and(|step| !crate::apply::is_journalled(step));
    if fresh {
        0
    } else {
        index + usize::from(journal.done)
    }
}
