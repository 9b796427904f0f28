//! The writes of a machine, as QEMU traces them while it runs, and other logs that grow.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::disk::SECTOR;
use serde::Serialize;

/// QEMU's names for what is traced (`hw/block/trace-events`): a write to the flash that keeps the
/// variables, and one to the disk.
const STORE: &str = "pflash_data_write";
const DISK: &str = "virtio_blk_handle_write";

/// Options for QEMU to tell each write in the file `log`.
pub(super) fn options(log: &Path) -> Vec<String> {
    let log = log.display().to_string();
    ["-trace", STORE, "-trace", DISK, "-D", &log]
        .map(str::to_owned)
        .into()
}

/// How many writes there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Writes {
    /// To the variables' store, a byte or a word each.
    pub(super) store: u64,
    /// To the EFI system partition, a request each.
    pub(super) esp: u64,
}

impl Writes {
    /// Adds more of them.
    pub(super) fn add(&mut self, more: Self) {
        self.store += more.store;
        self.esp += more.esp;
    }

    /// Counts a line of the trace; `esp` is that partition in bytes.
    pub(super) fn count(&mut self, line: &str, esp: &Range<u64>) {
        if line.contains(STORE) {
            self.store += 1;
        } else if line.contains(DISK) && sector(line).is_some_and(|at| esp.contains(&(at * SECTOR)))
        {
            self.esp += 1;
        }
    }
}

/// `virtio_blk_handle_write vdev 0x… req 0x… sector 2048 nsectors 8`.
fn sector(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once(" sector ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A log that is read as it grows, by whole lines.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
}

impl Tail {
    /// Of a file that there may not be yet.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            rest: Vec::new(),
        }
    }

    /// The lines that have come to their end since.
    pub(super) fn lines(&mut self) -> Result<Vec<String>> {
        if self.file.is_none() {
            self.file = match File::open(&self.path) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("cannot read {}", self.path.display()));
                }
            };
        }
        if let Some(file) = &mut self.file {
            file.read_to_end(&mut self.rest)?;
        }
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(Vec::new());
        };
        let later = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, later);
        let text = String::from_utf8_lossy(&whole);
        Ok(text.lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{Tail, Writes};

    #[test]
    fn the_writes_of_the_store_and_of_the_partition_count_and_no_others() {
        let mut writes = Writes::default();
        for line in [
            "pflash_data_write system.flash1: data offset:0x40c8, size:1, value:0x7f, ctr:0",
            "virtio_blk_handle_write vdev 0x5 req 0x6 sector 2048 nsectors 8",
            "virtio_blk_handle_write vdev 0x5 req 0x6 sector 4096 nsectors 8",
            "virtio_blk_handle_write vdev 0x5 req 0x6 sector 2047 nsectors 1",
            "virtio_blk_handle_read vdev 0x5 req 0x6 sector 2048 nsectors 8",
        ] {
            writes.count(line, &(1 << 20..2 << 20));
        }
        assert_eq!(writes, Writes { store: 1, esp: 1 });
    }

    #[test]
    fn a_line_is_read_once_and_not_before_its_end() {
        let mut log = tempfile::NamedTempFile::new().unwrap();
        let mut tail = Tail::of(log.path());
        log.write_all(b"one\ntw").unwrap();
        assert_eq!(tail.lines().unwrap(), ["one"]);
        assert!(tail.lines().unwrap().is_empty());
        log.write_all(b"o\n").unwrap();
        assert_eq!(tail.lines().unwrap(), ["two"]);
    }
}
