//! Loop devices with partition nodes, and mounts, both undone when they go out of scope.
//! Root only. Close them on purpose; `Drop` is for failures.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::run;

/// A disk image as a block device with its partitions.
#[derive(Debug)]
pub struct LoopDevice {
    path: PathBuf,
    attached: bool,
}

impl LoopDevice {
    /// Attaches `image` as a disk with logical sectors of so many bytes, and reads its table.
    pub fn attach(image: &Path, sector_bytes: u32) -> Result<Self> {
        let device = Self::bare(image, sector_bytes)?;
        device.read_table()?;
        Ok(device)
    }

    /// Attaches `image`, writes a table to it by sfdisk(8)'s `script`, and reads that.
    pub fn partition_new(image: &Path, sector_bytes: u32, script: &str) -> Result<Self> {
        let device = Self::bare(image, sector_bytes)?;
        // What a kernel makes of the table by itself differs: it is told below.
        let options = ["--quiet", "--no-reread", "--no-tell-kernel"];
        let mut sfdisk = run::command("sfdisk", options);
        run::feed(sfdisk.arg(&device.path), script.as_bytes())?;
        device.read_table()?;
        Ok(device)
    }

    fn bare(image: &Path, sector_bytes: u32) -> Result<Self> {
        let size = sector_bytes.to_string();
        let mut losetup = run::command("losetup", ["--find", "--show", "--sector-size", &size]);
        let path = run::capture(losetup.arg(image))?;
        Ok(Self {
            path: path.trim().into(),
            attached: true,
        })
    }

    /// Partition nodes are asked for one by one, as some kernels read no partition tables by themselves.
    fn read_table(&self) -> Result<()> {
        // A kernel that did read the table has the nodes already, and `--add` would fail.
        run::quiet(run::command("partx", ["--update"]).arg(&self.path))
    }

    /// The whole disk's node.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The node of a partition.
    pub fn partition(&self, number: u32) -> PathBuf {
        PathBuf::from(format!("{}p{number}", self.path.display()))
    }

    /// Detaches the image, with everything written to it.
    pub fn detach(mut self) -> Result<()> {
        self.release()
    }

    fn release(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.attached) {
            return Ok(());
        }
        let removed = run::quiet(run::command("partx", ["--delete"]).arg(&self.path));
        run::quiet(run::command("losetup", ["--detach"]).arg(&self.path))?;
        removed
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            eprintln!("warning: {error:#}");
        }
    }
}

/// A mounted file system.
#[derive(Debug)]
pub struct Mount {
    at: PathBuf,
    mounted: bool,
}

impl Mount {
    /// Mounts `source` at `at`, a folder which is made, with mount(8)'s further `options`.
    pub fn new(source: &Path, at: &Path, options: &[&str]) -> Result<Self> {
        std::fs::create_dir_all(at).with_context(|| format!("cannot make {}", at.display()))?;
        run::quiet(run::command("mount", options).arg(source).arg(at))?;
        Ok(Self {
            at: at.to_path_buf(),
            mounted: true,
        })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Unmounts it.
    pub fn unmount(mut self) -> Result<()> {
        self.release()
    }

    fn release(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.mounted) {
            return Ok(());
        }
        run::quiet(&mut run::command("umount", [&self.at]))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            eprintln!("warning: {error:#}");
        }
    }
}
