//! The log of a disk's writes and flushes.
//!
//! Format: Linux, `drivers/md/dm-log-writes.c`, as QEMU's `block/blklogwrites.c` writes it. All is
//! little-endian and in sectors of 512 bytes: a super block, then for each entry a sector that
//! describes it and its data.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::disk::SECTOR;

const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;
/// `LOG_FLUSH_FLAG` and `LOG_FUA_FLAG`; a recorded machine sends nothing else.
const FLUSH: u64 = 1;
const FUA: u64 = 2;

/// What the disk was told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// To have everything before this on the medium.
    Flush,
    /// To write.
    Write(Write),
}

/// A write of whole sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Write {
    /// The first sector.
    pub(super) sector: u64,
    /// How many.
    pub(super) sectors: u64,
    /// Where the log has the bytes.
    data: u64,
}

impl Write {
    /// The sectors written.
    pub(super) fn range(&self) -> Range<u64> {
        self.sector..self.sector + self.sectors
    }

    /// Whether it writes to one of those.
    pub(super) fn touches(&self, sectors: &Range<u64>) -> bool {
        self.sector < sectors.end && sectors.start < self.range().end
    }
}

/// A recorded log.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    entries: Vec<Entry>,
}

impl Log {
    /// Reads what the log's super block counts; QEMU brings it up to date at every flush.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let head = fields(&file, 0)?;
        let [magic, version, count, sector_size] = head;
        ensure!(
            magic == MAGIC && version == VERSION,
            "{} is no log of writes",
            path.display()
        );
        // A field of 32 bits; the sector's rest is zeros.
        ensure!(sector_size == SECTOR, "sectors of {sector_size} bytes");
        let (mut at, mut entries) = (SECTOR, Vec::new());
        for _ in 0..count {
            let [sector, sectors, flags, _] = fields(&file, at)?;
            at += SECTOR;
            if flags & FLUSH != 0 {
                entries.push(Entry::Flush);
            }
            match (flags & !FLUSH, sectors) {
                (0, 0) => {}
                (0, _) => entries.push(Entry::Write(Write {
                    sector,
                    sectors,
                    data: at,
                })),
                (FUA, _) => bail!("a write that is a flush of its own: QEMU has none"),
                (other, _) => bail!("an entry of kind {other:#x} at byte {at}"),
            }
            at += sectors * SECTOR;
        }
        Ok(Self { file, entries })
    }

    /// What the disk was told, in order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The writes from `range`, with their places in the log.
    pub(super) fn writes(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Write)> {
        let entries = range.clone().zip(&self.entries[range]);
        entries.filter_map(|(index, entry)| match entry {
            Entry::Write(write) => Some((index, *write)),
            Entry::Flush => None,
        })
    }

    /// The bytes that a write writes.
    pub(super) fn data(&self, write: &Write) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(write.sectors * SECTOR)?];
        self.file.read_exact_at(&mut bytes, write.data)?;
        Ok(bytes)
    }

    /// What a write that touches `sector` writes there.
    pub(super) fn sector(&self, write: &Write, sector: u64) -> Result<[u8; 512]> {
        let mut bytes = [0; 512];
        let within = (sector - write.sector) * SECTOR;
        self.file.read_exact_at(&mut bytes, write.data + within)?;
        Ok(bytes)
    }

    /// The entries between flushes: each range begins after a flush and ends before the next.
    pub(super) fn epochs(&self) -> Vec<Range<usize>> {
        let flushes = (0..self.entries.len()).filter(|at| self.entries[*at] == Entry::Flush);
        let (mut epochs, mut start) = (Vec::new(), 0);
        for flush in flushes {
            epochs.push(start..flush);
            start = flush + 1;
        }
        epochs.push(start..self.entries.len());
        epochs
    }
}

/// The first four fields of a sector of the log.
fn fields(file: &File, at: u64) -> Result<[u64; 4]> {
    let mut bytes = [0; 32];
    file.read_exact_at(&mut bytes, at)
        .context("the log of writes is cut short")?;
    let mut words = bytes.chunks_exact(8).map(|word| {
        let word = word.first_chunk().copied();
        u64::from_le_bytes(word.unwrap_or_default())
    });
    Ok(std::array::from_fn(|_| words.next().unwrap_or_default()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Entry, Log, MAGIC};

    /// The bytes of a log: each write is its first sector and bytes; none is a flush.
    pub(in super::super) fn log(entries: &[Option<(u64, Vec<u8>)>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut sector = |words: [u64; 4], data: &[u8]| {
            bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            bytes.resize(bytes.len().next_multiple_of(512), 0);
            bytes.extend(data);
        };
        sector([MAGIC, 1, entries.len() as u64, 512], &[]);
        for entry in entries {
            match entry {
                None => sector([0, 0, 1, 0], &[]),
                Some((start, data)) => sector([*start, data.len() as u64 / 512, 0, 0], data),
            }
        }
        bytes
    }

    #[test]
    fn writes_and_flushes_are_read_in_order() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes = log(&[
            Some((7, [vec![1; 512], vec![2; 512]].concat())),
            None,
            Some((0, vec![3; 512])),
        ]);
        std::fs::write(file.path(), bytes).unwrap();
        let log = Log::read(file.path()).unwrap();
        let [Entry::Write(first), Entry::Flush, Entry::Write(last)] = log.entries() else {
            panic!("{:?}", log.entries());
        };
        assert_eq!(first.range(), 7..9);
        assert_eq!(log.sector(first, 8).unwrap(), [2; 512]);
        assert_eq!(log.data(last).unwrap(), [3; 512]);
        assert_eq!(log.epochs(), [0..1, 2..3]);
        assert!(first.touches(&(8..20)) && !first.touches(&(9..20)));
    }

    #[test]
    fn a_file_that_is_no_log_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![0; 4096]).unwrap();
        assert!(Log::read(file.path()).is_err());
    }
}
