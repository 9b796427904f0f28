//! Writes a sealed file.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aead_stream::StreamPrimitive as _;
use zeroize::Zeroizing;

use super::{CHUNK, Chunks, HEADER, Key, MAGIC, PREFIX, SealedError, TAG, place};
use crate::error::PathError;
use crate::kernel::system::random_bytes;

/// Seals what is written from byte 0 on; the first `CHUNK` bytes may be written last, for
/// formats whose front tells of what follows, and are zeros as far as they are not. No chunk is
/// sealed twice, which would give its content away.
pub struct Writer {
    file: File,
    path: PathBuf,
    chunks: Chunks,
    content: Mutex<Content>,
}

/// What was written and is not sealed.
struct Content {
    first: Zeroizing<Vec<u8>>,
    /// Of the chunk that is being filled, from chunk 1 on.
    rest: Zeroizing<Vec<u8>>,
    /// The number of that chunk.
    number: u32,
}

impl Writer {
    /// Begins a sealed file in `file`, which is empty and named `path`. A key that seals several
    /// files is as good for each: the nonces of each file begin with their own random bytes.
    pub fn new(file: File, path: &Path, key: &Key) -> Result<Self, PathError> {
        let mut header = [0; HEADER];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..MAGIC.len() + PREFIX].copy_from_slice(&random_bytes::<PREFIX>()?);
        Ok(Self {
            file,
            path: path.to_owned(),
            chunks: Chunks::new(key, header),
            content: Mutex::new(Content {
                first: Zeroizing::new(vec![0; CHUNK]),
                rest: Zeroizing::new(Vec::with_capacity(CHUNK)),
                number: 1,
            }),
        })
    }

    /// Takes content for byte `offset` on: within the first chunk, or where the last call ended.
    pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), SealedError> {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let disorder = || SealedError::Order {
            path: self.path.clone(),
        };
        if let Some(begin) = usize::try_from(offset).ok().filter(|at| *at < CHUNK) {
            let place = content.first.get_mut(begin..begin + bytes.len());
            place.ok_or_else(disorder)?.copy_from_slice(bytes);
            return Ok(());
        }
        let next = u64::from(content.number) * CHUNK as u64 + content.rest.len() as u64;
        if offset != next {
            return Err(disorder());
        }
        let mut left = bytes;
        while !left.is_empty() {
            // Whether a full chunk is the last one is known when more comes.
            if content.rest.len() == CHUNK {
                self.seal(content.number, false, &content.rest)?;
                content.rest.clear();
                content.number = content.number.checked_add(1).ok_or_else(disorder)?;
            }
            let (now, later) = left.split_at(left.len().min(CHUNK - content.rest.len()));
            content.rest.extend_from_slice(now);
            left = later;
        }
        Ok(())
    }

    /// Seals what is left, and syncs: only now there is a sealed file.
    pub fn finish(&self) -> Result<(), SealedError> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        self.seal(content.number, true, &content.rest)?;
        self.seal(0, false, &content.first)?;
        let failed = |action| SealedError::io(action, &self.path);
        self.file
            .write_all_at(&self.chunks.header, 0)
            .map_err(failed("write"))?;
        self.file.sync_all().map_err(failed("sync"))
    }

    fn seal(&self, number: u32, last: bool, content: &[u8]) -> Result<(), SealedError> {
        // With room for the tag: a Vec that grows leaves its content behind.
        let mut chunk = Zeroizing::new(Vec::with_capacity(CHUNK + TAG));
        chunk.extend_from_slice(content);
        let header = &self.chunks.header;
        let sealed = self
            .chunks
            .stream
            .encrypt_in_place(number, last, header, &mut *chunk);
        sealed.map_err(|_| SealedError::Broken {
            path: self.path.clone(),
            chunk: number.into(),
        })?;
        self.file
            .write_all_at(&chunk, place(number.into()))
            .map_err(SealedError::io("write", &self.path))
    }
}
