//! Reads a sealed file.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use aead_stream::StreamPrimitive as _;
use zeroize::Zeroizing;

use super::{CHUNK, Chunks, HEADER, Key, MAGIC, SealedError, TAG, place};

/// An open sealed file of which the end was found to be its end.
pub struct Reader {
    file: File,
    path: PathBuf,
    chunks: Chunks,
    /// The last chunk's number.
    last: u64,
    /// Of the content, in bytes.
    length: u64,
}

impl Reader {
    /// Opens the file at `path`, and its last chunk: a file that was cut is refused here.
    pub fn open(path: &Path, key: &Key) -> Result<Self, SealedError> {
        let file = File::open(path).map_err(SealedError::io("open", path))?;
        let metadata = file.metadata();
        let whole = metadata.map_err(SealedError::io("look at", path))?.len();
        let not_sealed = || SealedError::NotSealed {
            path: path.to_owned(),
        };
        let sealed = whole
            .checked_sub(HEADER as u64)
            .filter(|sealed| *sealed > 0)
            .ok_or_else(not_sealed)?;
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0)
            .map_err(SealedError::io("read", path))?;
        if !header.starts_with(MAGIC) {
            return Err(not_sealed());
        }
        let count = sealed.div_ceil((CHUNK + TAG) as u64);
        let reader = Self {
            file,
            path: path.to_owned(),
            chunks: Chunks::new(key, header),
            last: count - 1,
            length: sealed.saturating_sub(count * TAG as u64),
        };
        reader.chunk(reader.last)?;
        Ok(reader)
    }

    /// Of the content, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads content from byte `offset` on; every chunk of it is checked before.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), SealedError> {
        let mut left = buffer;
        let mut at = offset;
        while !left.is_empty() {
            let number = at / CHUNK as u64;
            let begin = usize::try_from(at % CHUNK as u64).unwrap_or_default();
            let content = if number <= self.last {
                self.chunk(number)?
            } else {
                Zeroizing::default()
            };
            let Some(there) = content.get(begin..).filter(|there| !there.is_empty()) else {
                let end = std::io::ErrorKind::UnexpectedEof.into();
                return Err(SealedError::io("read", &self.path)(end));
            };
            let now = there.len().min(left.len());
            let (filled, rest) = left.split_at_mut(now);
            filled.copy_from_slice(&there[..now]);
            left = rest;
            at += now as u64;
        }
        Ok(())
    }

    fn chunk(&self, number: u64) -> Result<Zeroizing<Vec<u8>>, SealedError> {
        let broken = || SealedError::Broken {
            path: self.path.clone(),
            chunk: number,
        };
        let content = if number == self.last {
            self.length.checked_sub(number * CHUNK as u64)
        } else {
            Some(CHUNK as u64)
        };
        let content = content.and_then(|content| usize::try_from(content).ok());
        let mut chunk = Zeroizing::new(vec![0; content.ok_or_else(broken)? + TAG]);
        self.file
            .read_exact_at(&mut chunk, place(number))
            .map_err(SealedError::io("read", &self.path))?;
        let counted = u32::try_from(number).map_err(|_| broken())?;
        self.chunks
            .stream
            .decrypt_in_place(
                counted,
                number == self.last,
                &self.chunks.header,
                &mut *chunk,
            )
            .map_err(|_| broken())?;
        Ok(chunk)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
