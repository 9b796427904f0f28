//! The victim: a Debian 12 node on a disk, made once from its golden root and copied for each run.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::{Accelerator, Identity, Table};
use crate::images::OLD;
use crate::{cache, golden, packages, run, workspace};

/// The sources that say what an installer leaves on a disk. They change more often than a version would.
pub(crate) const INSTALLER: [&str; 3] = [
    include_str!("install.rs"),
    include_str!("files.rs"),
    include_str!("content.rs"),
];

/// The victim's disk as its installer left it. Never started itself: only copies are.
#[derive(Debug, Clone)]
pub struct Victim {
    /// The disk, raw and sparse.
    pub disk: PathBuf,
    /// The kind of its partition table.
    pub table: Table,
    /// The keys of the victim and its admin.
    pub identity: Identity,
    /// How QEMU runs it.
    pub accelerator: Accelerator,
}

/// One victim that can be started: a folder with a disk of its own.
#[derive(Debug, Clone)]
pub struct Node {
    /// The folder: disk, serial log, ssh_config, known_hosts.
    pub folder: PathBuf,
    /// The disk, raw: may be looked at and changed while the machine is off.
    pub disk: PathBuf,
    /// The kind of its partition table, as long as nobody writes another.
    pub table: Table,
    /// The keys of the victim and its admin.
    pub identity: Identity,
    /// How QEMU runs it.
    pub accelerator: Accelerator,
}

impl Victim {
    /// Makes the victim's disk, or finds it made: `target/vm/old-debian12-mbr.img`.
    ///
    /// Needs root. Installs packages, makes the golden root and probes KVM as needed.
    pub fn prepare(table: Table) -> Result<Self> {
        packages::ensure(packages::VM)?;
        let folder = workspace::target("vm");
        std::fs::create_dir_all(&folder)?;
        // One at a time: tests run in several processes.
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        let identity = Identity::prepare()?;
        let root = golden::make(OLD, &golden::Options::default())?;
        let accelerator = Accelerator::probe(&kernel(&root)?)?;
        let disk = folder.join(format!("{OLD}-{}.img", table.name()));
        let stamp = disk.with_extension("stamp");
        let digest = digest(&root, &identity, table)?;
        if !cache::is_current(&stamp, &digest) || !disk.exists() {
            let started = Instant::now();
            eprintln!("vm: making the victim's disk ({})", table.name());
            cache::forget(&stamp)?;
            install(&root, table, &identity, &disk)?;
            cache::remember(&stamp, &digest)?;
            let seconds = started.elapsed().as_secs();
            eprintln!("vm: {} in {seconds} s", workspace::shown(&disk));
        }
        Ok(Self {
            disk,
            table,
            identity,
            accelerator,
        })
    }

    /// A copy of the victim in the empty folder `target/vm/runs/NAME/`.
    pub fn copy(&self, name: &str) -> Result<Node> {
        let node = self.node(empty(name)?);
        copy_sparse(&self.disk, &node.disk)?;
        Ok(node)
    }

    /// The copy that an earlier [`Victim::copy`] made, as its last run left it.
    pub fn reuse(&self, name: &str) -> Node {
        self.node(workspace::target("vm").join("runs").join(name))
    }

    fn node(&self, folder: PathBuf) -> Node {
        Node {
            disk: folder.join("disk.img"),
            folder,
            table: self.table,
            identity: self.identity.clone(),
            accelerator: self.accelerator,
        }
    }
}

impl Node {
    /// A copy of the node, which is off, in the empty folder `target/vm/runs/NAME/`.
    pub fn copy(&self, name: &str) -> Result<Self> {
        let folder = empty(name)?;
        let copy = Self {
            disk: folder.join("disk.img"),
            folder,
            ..self.clone()
        };
        copy_sparse(&self.disk, &copy.disk)?;
        Ok(copy)
    }
}

/// The folder of the run `name`, with nothing in it.
fn empty(name: &str) -> Result<PathBuf> {
    let folder = workspace::target("vm").join("runs").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Installs the root `root` to a new disk image.
pub(crate) fn install(root: &Path, table: Table, identity: &Identity, image: &Path) -> Result<()> {
    super::install::install(root, table, identity, image)
}

/// Copies a disk image and leaves its holes holes.
pub fn copy_sparse(from: &Path, to: &Path) -> Result<()> {
    run::quiet(
        run::command("cp", ["--sparse=always", "--reflink=auto"])
            .arg(from)
            .arg(to),
    )
}

/// The kernel below a root's /boot.
fn kernel(root: &Path) -> Result<PathBuf> {
    let boot = root.join("boot");
    std::fs::read_dir(&boot)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("vmlinuz-"))
        })
        .with_context(|| format!("no kernel in {}", workspace::shown(&boot)))
}

fn digest(root: &Path, identity: &Identity, table: Table) -> Result<String> {
    let mut digest = cache::Digest::new("victim 1");
    for source in INSTALLER {
        digest.text(source);
    }
    digest.text(&golden::stamp(root)?);
    digest.text(&identity.known_hosts()?);
    digest.text(&identity.admin_public_key()?);
    digest.text(&table.sfdisk());
    Ok(digest.finish())
}
