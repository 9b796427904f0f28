//! A place that can hold all that a tree can: an XFS of the tests' own, with the torture
//! trees and their images, made once.
//!
//! It is mounted in a mount namespace of this process, and its file has no name: whatever
//! ends the process, the kernel takes mount, loop device and file with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, anyhow, ensure};
use jumplab::vm::{Mount, keep_mounts_private};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

use crate::listing::Listing;
use crate::programs::{build, outcome, run, tool};
use crate::torture;

/// Of the XFS, sparse: as much as all trees of one run need, and as much again.
const SIZE: u64 = 16 << 30;

/// The file system, and what is made there once.
#[derive(Default)]
pub(crate) struct Lab {
    disk: Once<Disk>,
    torture: Once<Planted>,
    giants: Once<Planted>,
    portable: Once<Planted>,
    copyable: Once<Planted>,
    modest: Once<Planted>,
    places: AtomicU32,
}

/// Something made when it is first asked for, or why it could not be made.
type Once<T> = OnceLock<Result<T, String>>;

/// A tree and what is in it.
pub(crate) struct Planted {
    pub(crate) tree: PathBuf,
    pub(crate) listing: Listing,
    image: Once<PathBuf>,
}

/// The mounted file system; the mount goes before the directory that it is on.
struct Disk {
    mount: Mount,
    _directory: TempDir,
}

/// Gives this process, which must have one thread yet, what the lab needs: mounts of its
/// own and descriptors. Fails with what stands against it.
pub(crate) fn prepare() -> Result<()> {
    ensure!(jump_tests::is_root(), "not root");
    ensure!(kernel_has_xfs()?, "the kernel has no XFS");
    keep_mounts_private()?;
    // A listing holds a descriptor for each level, and trees are 1,000 levels deep.
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).context("cannot raise the limit of open files")
}

fn kernel_has_xfs() -> Result<bool> {
    // It may be a module, which a mount would load.
    let _missing = outcome(tool("modprobe").arg("--quiet").arg("xfs"));
    let known = fs::read_to_string("/proc/filesystems")?;
    Ok(known.split_whitespace().any(|name| name == "xfs"))
}

impl Lab {
    /// A new directory on the file system.
    pub(crate) fn place(&self) -> Result<PathBuf> {
        let number = self.places.fetch_add(1, Ordering::Relaxed);
        let place = self.root()?.join(format!("place-{number}"));
        fs::create_dir(&place)?;
        Ok(place)
    }

    /// The torture tree: everything but sparse giants.
    pub(crate) fn torture(&self) -> Result<&Planted> {
        self.planted(&self.torture, torture::plant)
    }

    /// A tree of sparse files that no tool could read as a whole.
    pub(crate) fn giants(&self) -> Result<&Planted> {
        self.planted(&self.giants, torture::plant_giants)
    }

    /// The part of the torture tree that archives of others are made of.
    pub(crate) fn portable(&self) -> Result<&Planted> {
        self.planted(&self.portable, torture::plant_portable)
    }

    /// The part of that which cp(1) can copy.
    pub(crate) fn copyable(&self) -> Result<&Planted> {
        self.planted(&self.copyable, torture::plant_copyable)
    }

    /// What all formats can hold, but for fractions of a second.
    pub(crate) fn modest(&self) -> Result<&Planted> {
        self.planted(&self.modest, torture::plant_modest)
    }

    fn planted<'a>(
        &self,
        cell: &'a Once<Planted>,
        plant: fn(&Path) -> Result<()>,
    ) -> Result<&'a Planted> {
        once(cell, || {
            let tree = self.place()?.join("tree");
            fs::create_dir(&tree)?;
            plant(&tree)?;
            Ok(Planted {
                listing: Listing::of(&tree)?,
                tree,
                image: Once::new(),
            })
        })
    }

    fn root(&self) -> Result<&Path> {
        let disk = once(&self.disk, || Disk::new().context("cannot make an XFS"))?;
        Ok(disk.mount.path())
    }
}

impl Planted {
    /// Its image, which `jumpimg build` made of it.
    pub(crate) fn image(&self) -> Result<&Path> {
        let image = once(&self.image, || {
            let image = self.tree.with_file_name("image.tar.zst");
            build(&self.tree, &image, &[])?.done()?;
            Ok(image)
        })?;
        Ok(image)
    }
}

impl Disk {
    fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("xfs");
        File::create_new(&file)?.set_len(SIZE)?;
        run(tool("mkfs.xfs").args(["-q", "-m", "bigtime=1"]).arg(&file))?;
        // XFS allocates ahead of files that grow, and what it allocates counts as data.
        let options = ["-o", "loop,allocsize=4k,nodiscard"];
        let mount = Mount::new(&file, &directory.path().join("mount"), &options)?;
        fs::remove_file(&file)?;
        Ok(Self {
            mount,
            _directory: directory,
        })
    }
}

/// What `make` gives the first time.
fn once<T>(cell: &Once<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    let result = cell.get_or_init(|| make().map_err(|error| format!("{error:#}")));
    result.as_ref().map_err(|error| anyhow!("{error}"))
}
