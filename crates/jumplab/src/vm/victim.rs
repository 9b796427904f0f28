//! The victim: a Debian 12 node on a disk, made once from its golden root and copied for each run.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::node::{VARIABLES, copy_sparse, empty};
use super::{Accelerator, Firmware, Identity, Node, Table, first_boot};
use crate::images::OLD;
use crate::{cache, golden, packages, workspace};

/// The sources that say what an installer leaves on a disk. They change more often than a version would.
pub(crate) const INSTALLER: [&str; 4] = [
    include_str!("install.rs"),
    include_str!("install/esp.rs"),
    include_str!("files.rs"),
    include_str!("content.rs"),
];

/// What the firmware of a small node starts of the old system.
pub(crate) use super::install::LOADER;

/// The victim's disk as its installer left it. Never started again: only copies are.
#[derive(Debug, Clone)]
pub struct Victim {
    /// The disk, raw and sparse.
    pub disk: PathBuf,
    /// The kind of its partition table.
    pub table: Table,
    /// The firmware of its copies.
    pub firmware: Firmware,
    /// The keys of the victim and its admin.
    pub identity: Identity,
    /// How QEMU runs it.
    pub accelerator: Accelerator,
}

impl Victim {
    /// Makes the victim's disk, or finds it made: `target/vm/old-debian12-mbr.img`. With UEFI, Secure
    /// Boot is off: see [`Victim::secured`].
    ///
    /// Needs root. Installs packages, makes the golden root and probes KVM as needed.
    pub fn prepare(table: Table) -> Result<Self> {
        packages::ensure(packages::VM)?;
        if table.firmware() != Firmware::Bios {
            packages::ensure(packages::UEFI)?;
        }
        let folder = workspace::target("vm");
        std::fs::create_dir_all(&folder)?;
        // One at a time: tests run in several processes.
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        let identity = Identity::prepare()?;
        let root = golden::make(OLD, &golden::Options::default())?;
        let victim = Self {
            disk: folder.join(format!("{OLD}-{}.img", table.name())),
            table,
            firmware: table.firmware(),
            accelerator: Accelerator::probe(&kernel(&root)?)?,
            identity,
        };
        let stamp = victim.disk.with_extension("stamp");
        let digest = digest(&root, &victim.identity, table)?;
        if !cache::is_current(&stamp, &digest) || !victim.disk.exists() {
            let started = Instant::now();
            eprintln!("vm: making the victim's disk ({})", table.name());
            cache::forget(&stamp)?;
            victim.make(&root)?;
            cache::remember(&stamp, &digest)?;
            let seconds = started.elapsed().as_secs();
            eprintln!("vm: {} in {seconds} s", workspace::shown(&victim.disk));
        }
        Ok(victim)
    }

    fn make(&self, root: &Path) -> Result<()> {
        install(root, self.table, &self.identity, &self.disk)?;
        if self.firmware == Firmware::Bios {
            return Ok(());
        }
        let node = Node {
            disk: self.disk.clone(),
            ..self.node(empty(&format!("first-boot-{}", self.table.name()))?)
        };
        first_boot::install_loader(&node, &kernel(root)?)?;
        first_boot::secure(&node.variables(), &self.clone().secured().variables())
    }

    /// The same with Secure Boot on.
    #[must_use]
    pub fn secured(self) -> Self {
        debug_assert_eq!(self.table.firmware(), Firmware::Uefi);
        Self {
            firmware: Firmware::SecureBoot,
            ..self
        }
    }

    /// The variables as they are after the first boot.
    fn variables(&self) -> PathBuf {
        self.disk.with_extension(match self.firmware {
            Firmware::SecureBoot => "secure.fd",
            Firmware::Bios | Firmware::Uefi => VARIABLES,
        })
    }

    /// A copy of the victim in the empty folder `target/vm/runs/NAME/`.
    pub fn copy(&self, name: &str) -> Result<Node> {
        let node = self.node(empty(name)?);
        copy_sparse(&self.disk, &node.disk)?;
        if self.firmware != Firmware::Bios {
            std::fs::copy(self.variables(), node.variables())?;
        }
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
            firmware: self.firmware,
            identity: self.identity.clone(),
            accelerator: self.accelerator,
        }
    }
}

/// Installs the root `root` to a new disk image.
pub(crate) fn install(root: &Path, table: Table, identity: &Identity, image: &Path) -> Result<()> {
    super::with_own_mounts(|| super::install::install(root, table, identity, image))
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
    if table.firmware() != Firmware::Bios {
        digest.text(include_str!("first_boot.rs"));
        digest.text(&table.sector_bytes().to_string());
    }
    Ok(digest.finish())
}
