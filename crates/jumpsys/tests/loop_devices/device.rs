//! Loop devices, with tables and file systems on them.

use std::fs::File;
use std::path::{Path, PathBuf};

use jumpspec::disk::{Filesystem, Partition};
use jumpsys::cmd::Program;
use jumpsys::disk::blockdev;
use jumpsys::disk::mkfs::{MkfsSpec, mkfs};
use jumpsys::disk::partition::{self, NewTable, read_table, write_table};
use jumpsys::disk::partnodes::sync_kernel_partitions;
use jumpsys::files::mount::{MountGuard, MountSpec, MsFlags, mount, swapoff};
use jumpsys::files::mountinfo::read_swaps;

pub(crate) const UUID: &str = "0f9fbc02-7e4b-4b5f-8d4a-2c9d1d6f0a11";
const GUID: &str = "a7b0e3d2-54c1-4f70-9d5c-0d8b2a4f5e61";

/// A loop device over a sparse file; both go when it is dropped.
pub(crate) struct Loop {
    pub(crate) path: PathBuf,
    /// The file.
    pub(crate) image: PathBuf,
    _dir: tempfile::TempDir,
}

impl Loop {
    pub(crate) fn new(mib: u64) -> Self {
        Self::with_blocks(mib, 512)
    }

    /// One with logical sectors of so many bytes.
    pub(crate) fn with_blocks(mib: u64, bytes: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        File::create(&image).unwrap().set_len(mib << 20).unwrap();
        let losetup = Program::new("/usr/sbin/losetup").args(["--show", "-f"]);
        let losetup = losetup.arg("--sector-size").arg(bytes.to_string());
        let out = losetup.arg(&image).run().unwrap().stdout_text();
        let path = PathBuf::from(out.trim());
        Self {
            path,
            image,
            _dir: dir,
        }
    }

    pub(crate) fn part(&self, number: u32) -> PathBuf {
        blockdev::partition_path(&self.path, number)
    }

    /// Writes the table and tells the kernel.
    pub(crate) fn divide(&self, table: &NewTable) {
        write_table(&self.path, table).unwrap();
        let read = read_table(&self.path).unwrap();
        assert!(partition::matches(&read, table), "{read:?}");
        sync_kernel_partitions(&self.path, &read.kernel_extents()).unwrap();
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // A test may have failed with its partition swapped to.
        let ours = self.path.to_string_lossy().into_owned() + "p";
        for swap in read_swaps().unwrap_or_default() {
            if swap.path.to_string_lossy().starts_with(&ours) {
                swapoff(&swap.path).ok();
            }
        }
        sync_kernel_partitions(&self.path, &[]).ok();
        let detach = Program::new("/usr/sbin/losetup").arg("-d").arg(&self.path);
        if let Err(e) = detach.run() {
            eprintln!("cannot detach {}: {e}", self.path.display());
        }
    }
}

pub(crate) fn part(number: u32, start: u64, sectors: u64, type_code: &str) -> Partition {
    Partition {
        number,
        start,
        sectors,
        type_code: type_code.to_owned(),
        partuuid: Some(format!("a7b0e3d2-54c1-4f70-9d5c-0d8b2a4f{number:04x}")),
        name: None,
        bootable: false,
    }
}

pub(crate) fn mbr(partitions: Vec<Partition>) -> NewTable {
    NewTable::Mbr {
        signature: 0xabcd_1234,
        partitions,
    }
}

pub(crate) fn gpt(partitions: Vec<Partition>) -> NewTable {
    NewTable::Gpt {
        guid: GUID.to_owned(),
        partitions,
    }
}

pub(crate) fn make(fs: Filesystem, device: &Path) {
    let spec = MkfsSpec {
        fs,
        device,
        uuid: Some(UUID),
        label: Some("JUMP"),
        root: None,
        size: None,
    };
    mkfs(&spec).unwrap();
}

pub(crate) fn mount_at(device: &Path, target: &Path, fstype: &str) -> MountGuard {
    let flags = MsFlags::MS_NOATIME;
    let data = None;
    let spec = MountSpec {
        source: device,
        target,
        fstype,
        flags,
        data,
    };
    mount(&spec).unwrap()
}
