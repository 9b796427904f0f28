//! The landing partition as whoever looks at a node finds it: its journal, its plan, what the
//! selector would do. Only reads.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use jumpspec::boot::environment::State;
use jumpspec::disk::{Disk, FoundPartition};
use jumpspec::plan::Plan;
use jumpspec::run::journal::Journal;
use jumpspec::{places, selector};
use jumpsys::boot::grubenv;
use jumpsys::disk::superblock;
use jumpsys::files::mount::{self, MountSpec, MsFlags};
use jumpsys::files::mountinfo;
use jumpsys::files::root::Root;

use crate::node::bundle::read_plan;
use crate::node::facts::gather_disks;
use crate::node::journal::Ledger;
use crate::node::{borrowed, in_esp};

/// What the landing partition tells.
#[derive(Debug)]
pub(crate) struct Landing {
    /// Its journal.
    pub(crate) journal: Option<Journal>,
    /// Its plan.
    pub(crate) plan: Option<Plan>,
    /// What the selector would do.
    pub(crate) state: Option<String>,
}

/// Reads the landing partition, if there is one, without changing it. A file system that was
/// never made to its end tells nothing.
pub(crate) fn find() -> Result<Option<Landing>> {
    let disks = gather_disks()?;
    let journal = match Place::of(&disks) {
        None => return Ok(None),
        Some(Place::Partition(partition)) => {
            let device = Path::new(&partition.device);
            Ledger::open(device, partition.size().bytes())?.journal()
        }
        Some(Place::Esp(_, journal)) => Some(*journal),
    };
    let on_it = with_landing(|root| {
        let plan = read_plan(&root.path().join(places::PLAN)).ok();
        let state = next_boot(root.path());
        Ok((plan, state.map(|state| state.values().0.to_owned())))
    });
    let (plan, state) = on_it.ok().flatten().unwrap_or_default();
    Ok(Some(Landing {
        journal,
        plan,
        state,
    }))
}

/// Where a run keeps what outlives a boot of its jump system.
enum Place<'a> {
    /// A landing file system.
    Partition(&'a FoundPartition),
    /// A directory of the EFI system partition, with its journal.
    Esp(&'a FoundPartition, Box<Journal>),
}

impl<'a> Place<'a> {
    fn of(disks: &'a [Disk]) -> Option<Self> {
        let borrowed = borrowed::landing_partition(disks).map(Self::Partition);
        borrowed.or_else(|| {
            let (partition, journal) = in_esp::find(disks)?;
            Some(Self::Esp(partition, Box::new(journal)))
        })
    }
}

/// Reads something from the landing file system, if there is one, wherever it is mounted; or from what
/// stands for it on the EFI system partition.
pub(crate) fn with_landing<T>(read: impl FnOnce(&Root) -> Result<T>) -> Result<Option<T>> {
    let disks = gather_disks()?;
    match Place::of(&disks) {
        None => Ok(None),
        Some(Place::Partition(partition)) => {
            with_mounted(&partition.device, "ext4", read).map(Some)
        }
        Some(Place::Esp(partition, _)) => with_mounted(&partition.device, "vfat", |esp| {
            read(&Root::open(&esp.path().join(places::ON_ESP))?)
        })
        .map(Some),
    }
}

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

/// What the selector would do at the next boot, if its environment below `landing`, the root of
/// the landing file system, can be read.
pub(crate) fn next_boot(landing: &Path) -> Option<State> {
    let env = grubenv::read(&landing.join(selector::file(selector::ENV))).ok()?;
    State::read(|name| env.get(name))
}

/// The same in the jump system, without a plan: its root is the landing file system, or lies in memory.
pub(crate) fn next_boot_here() -> Option<State> {
    let in_memory = || with_landing(|root| Ok(next_boot(root.path()))).ok()??;
    next_boot(Path::new("/")).or_else(in_memory)
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
