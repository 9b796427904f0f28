//! A node as admins had them in 2009, and what its admin has to jump it with `jump2nr`: sysvinit, ext3,
//! a `/boot` of its own, GRUB legacy; two gzipped tar files and two `rc.local`s. The disk is `/dev/sda`:
//! sda1 `/`, sda2 swap, sda3 `/boot`.

mod disk;
mod systems;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};

use self::systems::System;
use crate::vm::{Accelerator, Firmware, Identity, Node, Table, copy_sparse};
use crate::{cache, golden, images, packages, run, workspace};

/// The sources that say what is on the disk and in the archives.
const SOURCES: [&str; 2] = [include_str!("disk.rs"), include_str!("systems.rs")];

/// Where a system says which of the three it is.
pub const WHICH: &str = "/etc/which-system";

/// The node, and the folder of its admin.
#[derive(Debug, Clone)]
pub struct Legacy {
    /// Its disk is none of the tables that [`Table`] knows.
    pub node: Node,
    /// Where the admin has the archives and starts `jump2nr`.
    pub admin: PathBuf,
}

impl Legacy {
    /// Copies the node and its admin's files to `target/vm/runs/NAME/`; makes them first, once.
    ///
    /// Needs root.
    pub fn prepare(name: &str) -> Result<Self> {
        packages::ensure(&[packages::VM, packages::LEGACY].concat())?;
        let folder = workspace::target("vm").join("legacy");
        std::fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        let identity = Identity::prepare()?;
        let root = golden::make(images::LEGACY, &golden::Options::default())?;
        make(&folder, &root, &identity)?;

        let run_folder = workspace::target("vm").join("runs").join(name);
        if run_folder.exists() {
            std::fs::remove_dir_all(&run_folder)?;
        }
        let admin = run_folder.join("admin");
        std::fs::create_dir_all(&admin)?;
        let node = Node {
            disk: run_folder.join("disk.img"),
            folder: run_folder,
            table: Table::Mbr,
            firmware: Firmware::Bios,
            identity,
            accelerator: Accelerator::probe(&systems::kernel(&root)?)?,
        };
        copy_sparse(&folder.join("disk.img"), &node.disk)?;
        for archive in [systems::JUMP_ARCHIVE, systems::TARGET_ARCHIVE] {
            std::os::unix::fs::symlink(folder.join(archive), admin.join(archive))?;
        }
        for (name, text) in systems::FIRST_BOOT {
            std::fs::write(admin.join(name), text)?;
        }
        Ok(Self { node, admin })
    }
}

/// Makes disk and archives below `folder`, where they are not current.
fn make(folder: &Path, root: &Path, identity: &Identity) -> Result<()> {
    let stamp = folder.join("stamp");
    let mut digest = cache::Digest::new("legacy 1");
    for source in SOURCES {
        digest.text(source);
    }
    digest.text(&golden::stamp(root)?);
    digest.text(&identity.known_hosts()?);
    digest.text(&identity.admin_public_key()?);
    let digest = digest.finish();
    if cache::is_current(&stamp, &digest) {
        return Ok(());
    }
    let started = Instant::now();
    eprintln!("vm: making a node of 2009");
    cache::forget(&stamp)?;
    for (system, archive) in [
        (System::Jump, systems::JUMP_ARCHIVE),
        (System::Target, systems::TARGET_ARCHIVE),
    ] {
        pack(root, system, identity, &folder.join(archive))?;
    }
    disk::make(root, identity, &folder.join("disk.img"))?;
    cache::remember(&stamp, &digest)?;
    let seconds = started.elapsed().as_secs();
    eprintln!("vm: {} in {seconds} s", workspace::shown(folder));
    Ok(())
}

/// Packs a system as the text of 2009 says: tar, one file system, without proc.
fn pack(root: &Path, system: System, identity: &Identity, archive: &Path) -> Result<()> {
    let copy = archive.with_extension("root");
    golden::copy(root, &copy)?;
    systems::write(&copy, system, identity)?;
    let mut tar = run::command("tar", ["--one-file-system", "--exclude=./proc/*"]);
    tar.args(["--use-compress-program=gzip -1", "--create", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(&copy)
        .arg(".");
    run::quiet(&mut tar).context("cannot pack a system of 2009")?;
    Ok(std::fs::remove_dir_all(&copy)?)
}
