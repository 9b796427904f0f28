//! One node that can be started: what its machine is given, and copies of it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Accelerator, Firmware, Identity, Table};
use crate::{run, workspace};

/// What a loader has read last as the root of a jump system in memory, beside a disk.
const INITRAMFS: &str = "root.img";
/// What a second disk is called, beside a disk.
const BESIDE: &str = "beside.img";
/// The extension of the firmware's variables beside a disk.
pub(super) const VARIABLES: &str = "fd";

/// One victim that can be started: a folder with a disk of its own.
#[derive(Debug, Clone)]
pub struct Node {
    /// The folder: disk, serial log, ssh_config, known_hosts.
    pub folder: PathBuf,
    /// The disk, raw: may be looked at and changed while the machine is off.
    pub disk: PathBuf,
    /// The kind of its partition table, as long as nobody writes another.
    pub table: Table,
    /// What it boots by. With UEFI, a store of variables is beside the disk: [`Node::variables`].
    pub firmware: Firmware,
    /// The keys of the victim and its admin.
    pub identity: Identity,
    /// How QEMU runs it.
    pub accelerator: Accelerator,
}

impl Node {
    /// The store of the firmware's variables, for [`super::Variables`]. A BIOS has none.
    pub fn variables(&self) -> PathBuf {
        self.disk.with_extension(VARIABLES)
    }

    /// Its second disk, as an image; it has one if that is there.
    pub fn beside(&self) -> PathBuf {
        beside(&self.disk)
    }

    /// What a loader has read last as the root of a jump system in memory.
    pub(crate) fn initramfs(&self) -> PathBuf {
        self.folder.join(INITRAMFS)
    }

    /// A copy of the node, which is off, in the empty folder `target/vm/runs/NAME/`.
    pub fn copy(&self, name: &str) -> Result<Self> {
        let folder = empty(name)?;
        let copy = Self {
            disk: folder.join("disk.img"),
            folder,
            ..self.clone()
        };
        copy_sparse(&self.disk, &copy.disk)?;
        if self.firmware != Firmware::Bios {
            std::fs::copy(self.variables(), copy.variables())?;
        }
        Ok(copy)
    }
}

/// The second disk of the node whose own is `disk`.
fn beside(disk: &Path) -> PathBuf {
    disk.with_file_name(BESIDE)
}

/// The disks of the node whose own is `disk`, as its firmware counts them.
pub(super) fn disks(disk: &Path) -> Vec<PathBuf> {
    let second = Some(beside(disk)).filter(|it| it.exists());
    [disk.to_owned()].into_iter().chain(second).collect()
}

/// The folder of the run `name`, with nothing in it.
pub(super) fn empty(name: &str) -> Result<PathBuf> {
    let folder = workspace::target("vm").join("runs").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Copies a disk image and leaves its holes holes.
pub fn copy_sparse(from: &Path, to: &Path) -> Result<()> {
    run::quiet(
        run::command("cp", ["--sparse=always", "--reflink=auto"])
            .arg(from)
            .arg(to),
    )
}
