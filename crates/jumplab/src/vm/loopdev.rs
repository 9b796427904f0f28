//! Loop devices with partition nodes, and mounts, both undone when they go out of scope.
//! Root only. Close them on purpose; `Drop` is for failures.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use super::wait;
use crate::run;

/// How long a mount may be busy. What another thread starts holds, between its fork and its exec, the
/// files that were open then.
const BUSY: Duration = Duration::from_secs(20);

/// From here on this thread and what it starts have mounts that nobody else sees: who makes a mount
/// namespace of his own meanwhile would hold copies of them, and the device below with them.
///
/// # Errors
/// When this process may not, see unshare(2).
pub fn keep_mounts_private() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS).context("cannot make a mount namespace")?;
    let (none, private) = (None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
    mount(none, "/", none, private, none).context("cannot make the mounts private")
}

/// Does `work` in a thread that keeps its mounts private.
pub fn with_own_mounts<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let worker = || keep_mounts_private().and_then(|()| work());
    let done = std::thread::scope(|scope| scope.spawn(worker).join());
    done.map_err(|_| anyhow!("the thread panicked"))?
}

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
        let what = format!("unmount {}", self.at.display());
        wait::until(&what, BUSY, || {
            match umount2(&self.at, MntFlags::UMOUNT_NOFOLLOW) {
                Err(Errno::EBUSY) => Ok(false),
                done => done.map(|()| true).with_context(|| what.clone()),
            }
        })
        .map(drop)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            eprintln!("warning: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::time::Duration;

    use anyhow::Result;

    use super::{Mount, with_own_mounts};
    use crate::packages;

    /// Whether tests that mount can run; says so where not.
    fn may_mount(test: &str) -> Result<bool> {
        let root = packages::is_root()?;
        if !root {
            println!("skipped: {test}: not root");
        }
        Ok(root)
    }

    fn is_mounted(at: &Path) -> Result<bool> {
        let mounts = std::fs::read_to_string("/proc/thread-self/mounts")?;
        Ok(mounts.contains(&at.display().to_string()))
    }

    #[test]
    fn nobody_else_sees_a_threads_own_mounts() -> Result<()> {
        if !may_mount("nobody_else_sees_a_threads_own_mounts")? {
            return Ok(());
        }
        let folder = tempfile::tempdir()?;
        let at = folder.path().join("at");
        let left = with_own_mounts(|| {
            let mount = Mount::new(Path::new("lab"), &at, &["-t", "tmpfs"])?;
            File::create(at.join("file"))?;
            assert!(is_mounted(&at)?);
            Ok(mount)
        })?;
        assert!(!is_mounted(&at)?);
        assert!(!at.join("file").exists());
        // It went with its thread: there is nothing to unmount here.
        assert!(left.unmount().is_err());
        Ok(())
    }

    #[test]
    fn a_busy_mount_is_waited_for() -> Result<()> {
        if !may_mount("a_busy_mount_is_waited_for")? {
            return Ok(());
        }
        let folder = tempfile::tempdir()?;
        let at = folder.path().join("at");
        with_own_mounts(|| {
            let mount = Mount::new(Path::new("lab"), &at, &["-t", "tmpfs"])?;
            let held = File::create(at.join("file"))?;
            let holder = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(400));
                drop(held);
            });
            mount.unmount()?;
            assert!(!is_mounted(&at)?);
            holder.join().expect("no panic");
            Ok(())
        })
    }
}
