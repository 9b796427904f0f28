//! The disk between two flushes: a file that writes are put on and taken off again.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use jumpspec::disk::SECTOR;

use super::log::{Log, Write};
use crate::vm::copy_sparse;

/// A disk image that keeps up with the log. Removed in the end.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    file: File,
}

/// Bytes as they were, with their places, in the order in which they were overwritten.
#[derive(Debug, Default)]
pub(super) struct Undo(Vec<(u64, Vec<u8>)>);

impl Disk {
    /// A copy of `start` at `path`.
    pub(super) fn copy(start: &Path, path: &Path) -> Result<Self> {
        copy_sparse(start, path)?;
        let file = File::options().read(true).write(true).open(path)?;
        let path = path.to_owned();
        Ok(Self { path, file })
    }

    /// The image, for programs.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a write for good.
    pub(super) fn apply(&self, log: &Log, write: &Write) -> Result<()> {
        let bytes = log.data(write)?;
        Ok(self.file.write_all_at(&bytes, write.sector * SECTOR)?)
    }

    /// Makes those sectors of a write that `lands` says yes to; counted from its first.
    pub(super) fn put(
        &self,
        log: &Log,
        write: &Write,
        undo: &mut Undo,
        mut lands: impl FnMut(u64) -> bool,
    ) -> Result<()> {
        let bytes = log.data(write)?;
        for (number, sector) in (0..).zip(bytes.chunks_exact(512)) {
            if lands(number) {
                let at = (write.sector + number) * SECTOR;
                self.keep(at, sector.len(), undo)?;
                self.file.write_all_at(sector, at)?;
            }
        }
        Ok(())
    }

    /// Remembers bytes that somebody else may overwrite.
    pub(super) fn keep(&self, at: u64, length: usize, undo: &mut Undo) -> Result<()> {
        let mut old = vec![0; length];
        self.file.read_exact_at(&mut old, at)?;
        undo.0.push((at, old));
        Ok(())
    }

    /// Makes the disk as it was.
    pub(super) fn take_back(&self, undo: Undo) -> Result<()> {
        for (at, old) in undo.0.into_iter().rev() {
            self.file.write_all_at(&old, at)?;
        }
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            eprintln!("warning: {}: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::Log;
    use super::super::log::tests::log;
    use super::{Disk, Undo};

    #[test]
    fn what_was_put_is_taken_back_in_reverse() {
        let folder = tempfile::tempdir().unwrap();
        let [start, path, writes] = ["start", "disk", "log"].map(|name| folder.path().join(name));
        std::fs::write(&start, vec![0; 4096]).unwrap();
        let bytes = log(&[
            Some((1, [vec![1; 512], vec![2; 512]].concat())),
            Some((2, vec![3; 512])),
        ]);
        std::fs::write(&writes, bytes).unwrap();
        let log = Log::read(&writes).unwrap();
        let disk = Disk::copy(&start, &path).unwrap();
        let mut undo = Undo::default();
        for (_, write) in log.writes(0..2) {
            disk.put(&log, &write, &mut undo, |_| true).unwrap();
        }
        let now = std::fs::read(&path).unwrap();
        assert!(now[512..1024] == [1; 512] && now[1024..1536] == [3; 512]);
        disk.take_back(undo).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), vec![0; 4096]);
        let (_, first) = log.writes(0..1).next().unwrap();
        let mut undo = Undo::default();
        disk.put(&log, &first, &mut undo, |number| number == 1)
            .unwrap();
        let torn = std::fs::read(&path).unwrap();
        assert!(torn[512..1024] == [0; 512] && torn[1024..1536] == [2; 512]);
    }
}
