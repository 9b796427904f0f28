//! The variables in OVMF's store, read and changed while the machine is off.
//!
//! Written as the firmware writes them: a record is added to the store's free end, then the one before it
//! is marked (EDK II, `MdeModulePkg/Include/Guid/VariableFormat.h` and `PiFirmwareVolume.h`). Never
//! reclaims room.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// The GUID of what the UEFI specification defines: `8be4df61-93ca-11d2-aa0d-00e098032b8c`.
const GLOBAL: [u8; 16] = [
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
];
/// Non-volatile, for boot services, at run time: what the boot's variables are.
const ATTRIBUTES: u32 = 7;
/// Where a firmware volume's header says how long it is.
const VOLUME_HEADER_LENGTH: usize = 48;
/// The store's own header.
const STORE_HEADER: usize = 28;
/// A record's header.
const HEADER: usize = 60;
/// What a record begins with.
const START: [u8; 2] = [0xaa, 0x55];
/// A record that holds.
const ADDED: u8 = 0x3f;
/// The bit that is cleared while its successor is written.
const IN_TRANSITION: u8 = 0x01;
/// The bit that is cleared in the end.
const DELETED: u8 = 0x02;

/// A variable store's file, in memory.
#[derive(Debug)]
pub struct Variables {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where the records are, with the free room behind them.
    room: Range<usize>,
}

/// One record: where it begins, its name and where its data is.
struct Record {
    at: usize,
    global: bool,
    name: String,
    data: Range<usize>,
}

impl Variables {
    /// Reads a store.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let store = word(&bytes, VOLUME_HEADER_LENGTH, 2)?;
        let size = word(&bytes, store + 16, 4)?;
        let room = store + STORE_HEADER..store + size;
        ensure!(room.end <= bytes.len(), "{}: no store", path.display());
        Ok(Self {
            path: path.to_owned(),
            bytes,
            room,
        })
    }

    /// Those of the UEFI specification, such as `BootOrder`, with their data.
    pub fn global(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let records = self.records()?.0.into_iter();
        let holding = records.filter(|record| record.global && self.holds(record));
        Ok(holding
            .map(|record| (record.name, self.bytes[record.data].to_vec()))
            .collect())
    }

    /// Gives one of them other data, or adds it. It is written by [`Variables::write`].
    pub fn set(&mut self, name: &str, data: &[u8]) -> Result<()> {
        let (_, end) = self.records()?;
        let encoded: Vec<u8> = (name.encode_utf16().chain([0]))
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut record = vec![0; HEADER];
        record[..2].copy_from_slice(&START);
        record[2] = ADDED;
        record[4..8].copy_from_slice(&ATTRIBUTES.to_le_bytes());
        record[36..40].copy_from_slice(&u32::try_from(encoded.len())?.to_le_bytes());
        record[40..44].copy_from_slice(&u32::try_from(data.len())?.to_le_bytes());
        record[44..60].copy_from_slice(&GLOBAL);
        record.extend(encoded);
        record.extend(data);
        ensure!(end + record.len() <= self.room.end, "the store is full");
        self.remove(name)?;
        self.bytes[end..end + record.len()].copy_from_slice(&record);
        Ok(())
    }

    /// Deletes one of them, where it is there.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        for record in self.records()?.0 {
            if record.global && record.name == name && self.holds(&record) {
                self.bytes[record.at + 2] &= !(IN_TRANSITION | DELETED);
            }
        }
        Ok(())
    }

    /// Writes the store back.
    pub fn write(&self) -> Result<()> {
        std::fs::write(&self.path, &self.bytes)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// A record whose successor was not written in the end holds too: none was added then.
    fn holds(&self, record: &Record) -> bool {
        let state = self.bytes[record.at + 2];
        state | IN_TRANSITION == ADDED
    }

    /// All records in their order, and where the free room begins.
    fn records(&self) -> Result<(Vec<Record>, usize)> {
        let (mut records, mut at) = (Vec::new(), self.room.start);
        while self.bytes[at..self.room.end].starts_with(&START) {
            let name = at + HEADER;
            let data = name + word(&self.bytes, at + 36, 4)?;
            let end = data + word(&self.bytes, at + 40, 4)?;
            ensure!(end <= self.room.end, "a record leaves the store");
            records.push(Record {
                at,
                global: self.bytes[at + 44..at + HEADER] == GLOBAL,
                name: text(&self.bytes[name..data]),
                data: data..end,
            });
            at = end.next_multiple_of(4);
        }
        Ok((records, at))
    }
}

/// A little-endian number of so many bytes.
fn word(bytes: &[u8], at: usize, count: usize) -> Result<usize> {
    let bytes = bytes.get(at..at + count).context("the store is short")?;
    Ok((bytes.iter().rev()).fold(0, |value, byte| value << 8 | usize::from(*byte)))
}

fn text(bytes: &[u8]) -> String {
    let (units, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16_lossy(units.strip_suffix(&[0]).unwrap_or(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A volume's header of 72 bytes, a store of 1 KiB with nothing in it.
    fn empty() -> Variables {
        let mut bytes = vec![0xff; 72 + 1024];
        bytes[48..50].copy_from_slice(&72_u16.to_le_bytes());
        bytes[88..92].copy_from_slice(&1024_u32.to_le_bytes());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Variables::open(file.path()).unwrap()
    }

    #[test]
    fn what_was_set_last_holds_and_what_was_removed_is_gone() {
        let mut store = empty();
        store.set("BootOrder", &[1, 0]).unwrap();
        store.set("BootNext", &[2, 0, 9]).unwrap();
        store.set("BootOrder", &[3, 0, 1, 0]).unwrap();
        store.remove("BootNext").unwrap();
        let all = store.global().unwrap();
        assert_eq!(
            all.into_iter().collect::<Vec<_>>(),
            [("BootOrder".to_owned(), vec![3, 0, 1, 0])]
        );
    }

    #[test]
    fn a_store_without_room_refuses_and_keeps_what_it_has() {
        let mut store = empty();
        store.set("BootOrder", &[1, 0]).unwrap();
        assert!(store.set("BootOrder", &[0; 1024]).is_err());
        assert_eq!(store.global().unwrap()["BootOrder"], [1, 0]);
    }

    #[test]
    fn a_record_counts_until_its_successor_is_there() {
        let mut store = empty();
        store.set("BootOrder", &[1, 0]).unwrap();
        let at = store.room.start;
        store.bytes[at + 2] &= !IN_TRANSITION;
        assert_eq!(store.global().unwrap()["BootOrder"], [1, 0]);
        store.set("BootOrder", &[2, 0]).unwrap();
        assert_eq!(store.global().unwrap()["BootOrder"], [2, 0]);
    }
}
