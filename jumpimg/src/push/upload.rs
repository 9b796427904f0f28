//! An image file on its way to a node, from some byte on, with what was sent counted.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ssh::{Input, SshError};

/// An image file on its way.
pub(super) struct Upload {
    file: File,
    sent: Arc<AtomicU64>,
}

impl Upload {
    /// Opens the file at byte `offset`.
    pub(super) fn open(path: &Path, offset: u64) -> Result<Self, SshError> {
        let failed =
            |error: io::Error| SshError::Local(format!("cannot read {}: {error}", path.display()));
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        Ok(Self {
            file,
            sent: Arc::default(),
        })
    }

    /// The rest of the file, for a command to read.
    pub(super) fn input(&self) -> Result<Input, SshError> {
        let file = self
            .file
            .try_clone()
            .map_err(|error| SshError::Local(error.to_string()))?;
        Ok(Input::reader(Counted {
            file,
            sent: Arc::clone(&self.sent),
        }))
    }

    /// Bytes that were handed to ssh.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

struct Counted {
    file: File,
    sent: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.sent.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
