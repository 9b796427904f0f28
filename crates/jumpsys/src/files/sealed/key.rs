//! The key of sealed files, and the one sector of a device that keeps it: who erases that sector
//! has erased the files.
//!
//! The sector: magic `JUMPKEY1` (8), the key (32), CRC-32 of these 40 bytes, little endian (4),
//! zeros. Never read into anything that prints.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::disk::durable::{self, DurableError};
use crate::error::PathError;
use crate::kernel::system::random_bytes;

const LENGTH: usize = 32;
const SECTOR: usize = 512;
const MAGIC: &[u8; 8] = b"JUMPKEY1";

/// A key of 256 bits. It is not printable, and gone from memory when dropped.
pub struct Key(Zeroizing<[u8; LENGTH]>);

impl Key {
    /// A new, random key.
    pub fn random() -> Result<Self, PathError> {
        Ok(Self(Zeroizing::new(random_bytes()?)))
    }

    pub(super) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key { .. }")
    }
}

/// What can go wrong with the sector.
#[derive(Debug, thiserror::Error)]
pub enum KeySectorError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Writing or reading back failed.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// There is no key: it was erased, or never written.
    #[error("{} keeps no key at byte {offset}: it was erased, or damaged", device.display())]
    NoKey {
        /// The device.
        device: PathBuf,
        /// Where the key would be.
        offset: u64,
    },
}

/// The place of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySector {
    /// A device or file.
    pub device: PathBuf,
    /// The sector's first byte.
    pub offset: u64,
}

impl KeySector {
    /// The sector at byte `offset` of `device`.
    pub fn new(device: &Path, offset: u64) -> Self {
        Self {
            device: device.to_owned(),
            offset,
        }
    }

    /// Writes a key; it is on the device when this returns.
    pub fn write(&self, key: &Key) -> Result<(), KeySectorError> {
        let mut sector = Zeroizing::new([0; SECTOR]);
        sector[..8].copy_from_slice(MAGIC);
        sector[8..8 + LENGTH].copy_from_slice(&key.0[..]);
        let crc = crc32fast::hash(&sector[..8 + LENGTH]);
        sector[40..44].copy_from_slice(&crc.to_le_bytes());
        Ok(durable::write_at(&self.device, self.offset, &sector[..])?)
    }

    /// Reads the key.
    pub fn read(&self) -> Result<Key, KeySectorError> {
        let sector = Zeroizing::new(durable::read_uncached(&self.device, self.offset, SECTOR)?);
        let crc = crc32fast::hash(&sector[..8 + LENGTH]);
        if !sector.starts_with(MAGIC) || sector[40..44] != crc.to_le_bytes() {
            return Err(KeySectorError::NoKey {
                device: self.device.clone(),
                offset: self.offset,
            });
        }
        let mut key = Zeroizing::new([0; LENGTH]);
        key.copy_from_slice(&sector[8..8 + LENGTH]);
        Ok(Key(key))
    }

    /// Overwrites the sector with zeros, which are on the device when this returns. What a flash
    /// disk keeps of the old sector, no program can know.
    pub fn erase(&self) -> Result<(), KeySectorError> {
        Ok(durable::write_at(&self.device, self.offset, &[0; SECTOR])?)
    }
}
