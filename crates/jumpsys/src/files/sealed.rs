//! Files that are sealed: encrypted and authenticated in chunks, so that they are written and read
//! with little memory, and any part of them can be read alone.
//!
//! The file: magic `JUMPSEA1` (8), the nonce's prefix (19), zeros up to `HEADER`; then chunks of
//! `CHUNK` bytes, the last one shorter or as long, each followed by its tag of 16 bytes. Chunks
//! are those of STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015, eprint 2015/189) over
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): the nonce of each has its number and whether it
//! is the last one in it, so that none can be changed, moved, left out or cut off unseen. The
//! header is authenticated with each of them.
//!
//! Nothing here prints a key or content, and no byte is given out before its chunk's tag was found
//! to be right.

mod key;
mod reader;
mod writer;

use std::io;
use std::path::{Path, PathBuf};

use aead_stream::{NewStream as _, Nonce, StreamBE32};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};

pub use key::{Key, KeySector, KeySectorError};
pub use reader::Reader;
pub use writer::Writer;

/// Bytes before the first chunk.
const HEADER: usize = 32;
/// Bytes of content in a chunk.
const CHUNK: usize = 64 << 10;
/// Bytes that a chunk is longer by in the file.
const TAG: usize = 16;
/// Bytes of the nonce's prefix: 24, less the 4 of the number and the 1 of the last-chunk mark.
const PREFIX: usize = 19;
const MAGIC: &[u8; 8] = b"JUMPSEA1";

type Stream = StreamBE32<XChaCha20Poly1305>;

/// What is wrong with a sealed file.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// It does not begin as a sealed file does.
    #[error("{} is not a sealed file", path.display())]
    NotSealed {
        /// The file.
        path: PathBuf,
    },
    /// A chunk is not what was sealed: changed, moved, cut off, or sealed with another key.
    #[error("{} was changed or cut, or its key is another one (chunk {chunk})", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The chunk, from 0.
        chunk: u64,
    },
    /// Written in an order that cannot be sealed.
    #[error("{} was not written from its beginning to its end", path.display())]
    Order {
        /// The file.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl SealedError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl From<SealedError> for io::Error {
    fn from(error: SealedError) -> Self {
        match error {
            SealedError::Io { ref source, .. } => Self::new(source.kind(), error),
            _ => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

/// What seals the chunks of one file.
struct Chunks {
    stream: Stream,
    header: [u8; HEADER],
}

impl Chunks {
    fn new(key: &Key, header: [u8; HEADER]) -> Self {
        let aead = XChaCha20Poly1305::new(key.bytes().into());
        let mut prefix = Nonce::<XChaCha20Poly1305, Stream>::default();
        prefix.copy_from_slice(&header[MAGIC.len()..MAGIC.len() + PREFIX]);
        Self {
            stream: Stream::from_aead(aead, &prefix),
            header,
        }
    }
}

/// Where a chunk begins in the file.
fn place(chunk: u64) -> u64 {
    HEADER as u64 + chunk * (CHUNK + TAG) as u64
}

#[cfg(test)]
mod tests;
