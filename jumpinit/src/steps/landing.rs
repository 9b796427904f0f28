//! The landing partition: taken, made into a file system, mounted and unmounted.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jumparchive::{Existing, UnpackOptions};
use jumpspec::disk::{Filesystem, SECTOR};
use jumpspec::places;
use jumpspec::plan::LANDING_LABEL;
use jumpspec::run::bundle;
use jumpspec::run::failure::Code;
use jumpspec::run::journal::RESERVED_BYTES;
use jumpsys::cmd::Program;
use jumpsys::disk::mkfs::MkfsSpec;
use jumpsys::disk::swap;
use jumpsys::files::mount::{self};
use jumpsys::files::mountinfo;
use jumpsys::files::root::{Owner, Root};
use jumpsys::kernel::process::{self, Oom};

use crate::node::cause::Cause;
use crate::run::context::Context;
use crate::run::landing;

/// How long what is swapped out may take to be read back: a full GiB of single pages of a slow disk.
const SWAP_OFF_LIMIT: Duration = Duration::from_mins(15);

/// Stops swapping to the landing partition, which must be what the planner saw: nothing
/// has been written to it yet. A process of its own does it, which is killed first when memory runs
/// out, or at a limit; then the kernel takes the swap back into use.
pub(crate) fn swap_off(cx: &Context) -> Result<()> {
    refuse_changed_landing(cx)?;
    let device = cx.landing_device();
    if !is_swap(&device)? {
        return Ok(());
    }
    let child = Program::new("/proc/self/exe").arg("swap-off").arg(&device);
    let ended = child.timeout(SWAP_OFF_LIMIT).run();
    if !is_swap(&device)? {
        return Ok(());
    }
    let ended = ended.map(drop).map_err(anyhow::Error::from);
    ended.and_then(|()| bail!("it is still in use")).map_err(|error| {
        let why = format!(
            "{} stays swap: what is swapped out does not fit into memory, or takes too long; stop what takes the memory, or add other swap: {error:#}",
            device.display()
        );
        Cause::new(Code::SwapStays, why).into()
    })
}

fn is_swap(device: &Path) -> Result<bool> {
    let swaps = mountinfo::read_swaps()?;
    Ok(swaps.iter().any(|swap| swap.path == device))
}

/// The child's part.
pub(crate) fn swap_off_first_to_die(device: &Path) -> Result<()> {
    process::when_out_of_memory(Oom::First)?;
    Ok(mount::swapoff(device)?)
}

/// Makes the landing file system by the jump image's own mke2fs and mounts it.
pub(crate) fn make_landing(cx: &mut Context) -> Result<()> {
    landing::unmount(cx)?;
    let device = cx.landing_device();
    swap::wipe_signatures(&device)?;
    let toolbox = unpack_toolbox(cx.work()?)?;
    let dev = mount::bind(Path::new("/dev"), &toolbox.join("dev"), false)?;
    jumpsys::disk::mkfs::mkfs(&MkfsSpec {
        fs: Filesystem::Ext4,
        device: &device,
        uuid: Some(&cx.plan.landing.fs_uuid),
        label: Some(LANDING_LABEL),
        root: Some(&toolbox),
        size: Some(cx.plan.landing.sectors * SECTOR - RESERVED_BYTES),
    })?;
    dev.unmount()?;
    landing::mount(cx)?;
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

/// The partition must be what the planner saw.
pub(super) fn refuse_changed_landing(cx: &Context) -> Result<()> {
    let planned = &cx.plan.landing;
    let disk = cx.read_landing_disk()?;
    let partition = disk
        .partitions
        .iter()
        .find(|partition| partition.number == planned.number);
    let partition = partition.with_context(|| format!("{} is gone", planned.device))?;
    if (partition.start, partition.sectors) != (planned.start, planned.sectors) {
        let why = format!(
            "{} is not where it was when the plan was made",
            partition.device
        );
        bail!(Cause::new(Code::DiskChanged, why));
    }
    let content = partition.content.as_ref();
    let ours = crate::node::borrowed::is_borrowed(&disk, partition);
    match content {
        Some(content) if content.kind != "swap" && !ours => {
            let why = format!("{} holds {} now", partition.device, content.kind);
            bail!(Cause::new(Code::DiskChanged, why))
        }
        _ if !partition.holders.is_empty() => {
            let holders = partition.holders.join(", ");
            let why = format!("{} is in use by {holders}", partition.device);
            bail!(Cause::new(Code::DeviceBusy, why))
        }
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
