//! Chunks of a tar stream that another thread sends.

use std::sync::mpsc::Receiver;

use crate::error::Result;
use crate::tar::stream::Chunks;

/// Chunks, and with each the position in the input behind it, which progress is told.
pub(crate) struct Received<'a> {
    pub(crate) receiver: &'a Receiver<(Vec<u8>, u64)>,
    pub(crate) progress: crate::Progress<'a>,
}

impl Chunks for Received<'_> {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let Ok((data, position)) = self.receiver.recv() else {
            return Ok(None);
        };
        (self.progress)(position);
        Ok(Some(data))
    }
}
