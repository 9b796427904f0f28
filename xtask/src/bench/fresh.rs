//! Fresh ext4 file systems for extractions, each in a file behind a loop device. The mounts are
//! this process's own and the file has no name once it is mounted, so that nothing is left even
//! where the process is killed.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use jumplab::run;
use jumplab::vm::Mount;
use nix::fcntl::{FallocateFlags, fallocate};

use super::scratch::Scratch;

/// How a file system is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Its size in bytes.
    pub(super) size: u64,
    /// Its inodes; as many as mkfs.ext4 thinks right if not given.
    pub(super) inodes: Option<u64>,
}

/// Makes and mounts a file system with mkfs.ext4's defaults.
pub(super) fn mounted(scratch: &Scratch, shape: Shape) -> Result<Mount> {
    let image = scratch.disk();
    make(&image, shape).with_context(|| format!("cannot make {}", image.display()))?;
    let mounted = Mount::new(&image, &scratch.path("mnt"), &["-o", "loop"]);
    // A new file for each, so that no run finds blocks that another has written already.
    std::fs::remove_file(&image)?;
    mounted
}

fn make(image: &Path, shape: Shape) -> Result<()> {
    let file = File::create(image)?;
    let size = shape.size.try_into()?;
    fallocate(&file, FallocateFlags::empty(), 0, size)?;
    let mut mkfs = run::command("mkfs.ext4", ["-q", "-F"]);
    if let Some(inodes) = shape.inodes {
        mkfs.arg("-N").arg(inodes.to_string());
    }
    run::quiet(mkfs.arg(image))
}
