//! Two slots of 4 KiB on a device or in a file, written in turn: a torn write spoils the older
//! slot only, and what was written before still counts.
//!
//! A slot, little endian: magic `JUMPJRN1` (8), sequence (8), payload length (4), CRC-32 of all
//! the slot with these four bytes as 0 (4), payload, zeros.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use jumpspec::run::journal::{LONGEST, SLOT, SLOT_HEADER};

use crate::disk::durable::{self, DurableError};
use crate::error::{At as _, PathError};

/// Bytes of both slots.
pub const PAIR: u64 = 2 * SLOT as u64;
const MAGIC: &[u8; 8] = b"JUMPJRN1";

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum JournalSlotsError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Writing or reading back failed.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// The payload does not fit.
    #[error("a journal entry of {bytes} bytes is longer than {LONGEST}")]
    TooLong {
        /// Its size in bytes.
        bytes: usize,
    },
}

/// What a valid slot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Counts from 1; the highest valid one is the newest.
    pub sequence: u64,
    /// What was written.
    pub payload: Vec<u8>,
}

/// An open pair of slots.
#[derive(Debug)]
pub struct SlotPair {
    file: File,
    path: PathBuf,
    offset: u64,
}

impl SlotPair {
    /// Opens the pair that begins `offset` bytes into an existing device or file, which may hold
    /// anything there: invalid slots are empty ones.
    pub fn open(path: &Path, offset: u64) -> Result<Self, JournalSlotsError> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Ok(Self {
            file: file.at("open", path)?,
            path: path.to_owned(),
            offset,
        })
    }

    /// The same to read only: what writes fails. udev looks anew at what was open to write.
    pub fn open_to_read(path: &Path, offset: u64) -> Result<Self, JournalSlotsError> {
        Ok(Self {
            file: File::open(path).at("open", path)?,
            path: path.to_owned(),
            offset,
        })
    }

    /// The newest valid entry.
    pub fn read_newest(&self) -> Result<Option<Entry>, JournalSlotsError> {
        let newest = self.read()?.into_iter().flatten();
        Ok(newest.max_by_key(|entry| entry.sequence))
    }

    /// Writes an entry over the older or invalid slot, syncs, and reads it back from the device.
    /// Returns its sequence number.
    pub fn write(&mut self, payload: &[u8]) -> Result<u64, JournalSlotsError> {
        let sequences = self.read()?.map(|slot| slot.map_or(0, |e| e.sequence));
        let [first, second] = sequences;
        let (index, sequence) = if first > second {
            (1, first)
        } else {
            (0, second)
        };
        let slot = encode(sequence + 1, payload)?;
        let at = self.offset + index * SLOT as u64;
        durable::write_open(&self.file, &self.path, at, &slot)?;
        Ok(sequence + 1)
    }

    /// Zeroes both slots: there is no journal any more.
    pub fn clear(&mut self) -> Result<(), JournalSlotsError> {
        let zeros = [0; 2 * SLOT];
        Ok(durable::write_open(
            &self.file,
            &self.path,
            self.offset,
            &zeros,
        )?)
    }

    fn read(&self) -> Result<[Option<Entry>; 2], JournalSlotsError> {
        let mut both = [0; 2 * SLOT];
        self.file
            .read_exact_at(&mut both, self.offset)
            .at("read the journal on", &self.path)?;
        let (first, second) = both.split_at(SLOT);
        Ok([decode(first), decode(second)])
    }
}

fn encode(sequence: u64, payload: &[u8]) -> Result<[u8; SLOT], JournalSlotsError> {
    let bytes = payload.len();
    let length = u32::try_from(bytes).ok();
    let length = length
        .filter(|_| bytes <= LONGEST)
        .ok_or(JournalSlotsError::TooLong { bytes })?;
    let mut slot = [0; SLOT];
    slot[..8].copy_from_slice(MAGIC);
    slot[8..16].copy_from_slice(&sequence.to_le_bytes());
    slot[16..20].copy_from_slice(&length.to_le_bytes());
    slot[SLOT_HEADER..SLOT_HEADER + bytes].copy_from_slice(payload);
    let crc = crc32fast::hash(&slot);
    slot[20..24].copy_from_slice(&crc.to_le_bytes());
    Ok(slot)
}

fn decode(slot: &[u8]) -> Option<Entry> {
    let mut unsigned: [u8; SLOT] = slot.try_into().ok()?;
    unsigned[20..24].fill(0);
    let crc = u32::from_le_bytes(slot[20..24].try_into().ok()?);
    if !slot.starts_with(MAGIC) || crc32fast::hash(&unsigned) != crc {
        return None;
    }
    let length = u32::from_le_bytes(slot[16..20].try_into().ok()?);
    let end = SLOT_HEADER.checked_add(usize::try_from(length).ok()?)?;
    Some(Entry {
        sequence: u64::from_le_bytes(slot[8..16].try_into().ok()?),
        payload: slot.get(SLOT_HEADER..end)?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::{JournalSlotsError, SlotPair, encode};
    use jumpspec::run::journal::{LONGEST, SLOT};
    use std::fs;
    use std::path::PathBuf;

    const AT: u64 = 4096;

    fn pair(dir: &tempfile::TempDir) -> (PathBuf, SlotPair) {
        let path = dir.path().join("landing");
        fs::write(&path, vec![0xaa; 16384]).unwrap();
        let pair = SlotPair::open(&path, AT).unwrap();
        (path, pair)
    }

    #[test]
    fn the_newest_of_many_counts() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut pair) = pair(&dir);
        assert_eq!(pair.read_newest().unwrap(), None);
        for n in 1..=5u8 {
            assert_eq!(pair.write(&[n; 9]).unwrap(), u64::from(n));
        }
        let newest = SlotPair::open(&path, AT).unwrap().read_newest().unwrap();
        assert_eq!(newest.unwrap().payload, [5; 9]);
        let bytes = fs::read(&path).unwrap();
        assert!(
            bytes[..4096]
                .iter()
                .chain(&bytes[12288..])
                .all(|&b| b == 0xaa)
        );
        pair.clear().unwrap();
        assert_eq!(pair.read_newest().unwrap(), None);
    }

    #[test]
    fn a_write_torn_at_any_sector_leaves_the_entry_before() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut pair) = pair(&dir);
        pair.write(b"first").unwrap();
        pair.write(b"second").unwrap();
        let whole = fs::read(&path).unwrap();
        let third = encode(3, &[9; LONGEST]).unwrap();
        for torn in (0..=SLOT).step_by(512) {
            let mut cut = whole.clone();
            cut[4096..4096 + torn].copy_from_slice(&third[..torn]);
            fs::write(&path, &cut).unwrap();
            let newest = SlotPair::open(&path, AT).unwrap().read_newest();
            let expected = if torn == SLOT { 3 } else { 2 };
            assert_eq!(newest.unwrap().unwrap().sequence, expected, "{torn}");
        }
    }

    #[test]
    fn refuses_a_payload_that_does_not_fit() {
        let dir = tempfile::tempdir().unwrap();
        let (_, mut pair) = pair(&dir);
        pair.write(&[1; LONGEST]).unwrap();
        let long = pair.write(&[1; LONGEST + 1]);
        assert!(matches!(long, Err(JournalSlotsError::TooLong { .. })));
    }
}
