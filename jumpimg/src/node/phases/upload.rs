//! An image file on its way to a node, from some byte on, with what was sent counted.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::node::ssh::{Input, SshError};

/// An image file on its way.
pub(super) struct Upload {
    input: Option<Input>,
    sent: Arc<AtomicU64>,
}

impl Upload {
    /// Opens the file at byte `offset`.
    pub(super) fn open(path: &Path, offset: u64) -> Result<Self, SshError> {
        let failed =
            |error: io::Error| SshError::Local(format!("cannot read {}: {error}", path.display()));
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let input = Input::reader(file);
        Ok(Self {
            sent: input.sent(),
            input: Some(input),
        })
    }

    /// The rest of the file, for a command to read, once.
    pub(super) fn input(&mut self) -> Input {
        self.input.take().unwrap_or_else(Input::empty)
    }

    /// Bytes that were handed to ssh.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}
