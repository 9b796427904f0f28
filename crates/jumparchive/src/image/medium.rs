//! What an image is read from and written to: a file, or something that looks like one, such as a
//! sealed file.

use std::fmt::Debug;
use std::fs::File;
use std::io;

/// What an image is read from, by several threads at a time.
pub trait ReadAt: Debug + Send + Sync {
    /// Bytes in all.
    fn length(&self) -> io::Result<u64>;
    /// Fills `buffer` with the bytes from `offset` on.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// What an image is written to. Bytes come in their order, but for the first 64 KiB, the
/// image's front, which come last.
pub trait WriteAt: Send {
    /// Writes all of `bytes` from `offset` on.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }
}

impl WriteAt for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset)
    }
}
