//! Writes which are proved: written in place, synced, and read back from the device itself and not
//! from the page cache. Never changes a file's length, never renames.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jumpspec::disk::SECTOR;
use nix::libc;

use crate::disk::blockdev;
use crate::error::{At as _, PathError};

/// Alignment of memory, offset and length that O_DIRECT takes on any disk that Linux knows (open(2),
/// NOTES).
const ALIGN: usize = 4096;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] PathError),
    /// The device gave back other bytes than were written and synced.
    #[error("{} gave back other bytes at offset {offset} than were written", device.display())]
    ReadBack {
        /// The device or file.
        device: PathBuf,
        /// Where the write began, in bytes.
        offset: u64,
    },
}

/// Writes `bytes` at `offset` (in bytes) of an existing device or file, syncs, and compares with
/// what the device then holds.
pub fn write_at(device: &Path, offset: u64, bytes: &[u8]) -> Result<(), DurableError> {
    let file = OpenOptions::new()
        .write(true)
        .open(device)
        .at("open to write", device)?;
    write_open(&file, device, offset, bytes)
}

/// The same for a file that is already open to write.
pub fn write_open(
    file: &File,
    device: &Path,
    offset: u64,
    bytes: &[u8],
) -> Result<(), DurableError> {
    file.write_all_at(bytes, offset).at("write", device)?;
    // `jump_mutant` is never set but by `cargo xtask mutants`, which asks the tests to notice.
    if !cfg!(jump_mutant = "no-fsync") {
        file.sync_all().at("sync", device)?;
    }
    if cfg!(jump_mutant = "no-read-back") || read_uncached(device, offset, bytes.len())? == bytes {
        return Ok(());
    }
    Err(DurableError::ReadBack {
        device: device.to_owned(),
        offset,
    })
}

/// Reads past the page cache (O_DIRECT); where the file system or the device refuses that, after
/// dropping the cache of the device.
pub fn read_uncached(device: &Path, offset: u64, len: usize) -> Result<Vec<u8>, PathError> {
    let direct = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECT)
        .open(device)
        .and_then(|file| {
            // A device refuses what is no multiple of its logical sectors.
            match read_direct(&file, offset, len, SECTOR) {
                Err(e) if refuses_direct(&e) => read_direct(&file, offset, len, ALIGN as u64),
                other => other,
            }
        });
    match direct {
        Err(e) if refuses_direct(&e) => read_after_flush(device, offset, len),
        other => other.at("read back", device),
    }
}

fn refuses_direct(error: &io::Error) -> bool {
    let refusals = [libc::EINVAL, libc::EOPNOTSUPP, libc::ENOTTY];
    // A read which the end of an unaligned file cuts short is also tried the other way.
    error.kind() == io::ErrorKind::UnexpectedEof
        || error.raw_os_error().is_some_and(|e| refusals.contains(&e))
}

/// In whole sectors of that size; the last may be cut short by a file's end.
fn read_direct(file: &File, offset: u64, len: usize, sector: u64) -> io::Result<Vec<u8>> {
    let number = |bytes: u64| usize::try_from(bytes).map_err(io::Error::other);
    let lead = number(offset % sector)?;
    let whole = (lead + len).next_multiple_of(number(sector)?);
    let mut buffer = vec![0; whole + ALIGN];
    let skip = buffer.as_ptr().align_offset(ALIGN);
    let aligned = buffer
        .get_mut(skip..skip + whole)
        .ok_or(io::ErrorKind::InvalidInput)?;
    let (begin, mut read) = (offset - lead as u64, 0);
    while read < lead + len {
        match file.read_at(&mut aligned[read..], begin + read as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => read += more,
        }
    }
    Ok(aligned[lead..lead + len].to_vec())
}

fn read_after_flush(device: &Path, offset: u64, len: usize) -> Result<Vec<u8>, PathError> {
    let file = File::open(device).at("open", device)?;
    blockdev::flush(&file, device)?;
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, offset)
        .at("read back", device)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{read_uncached, write_at};
    use std::fs;

    #[test]
    fn writes_in_place_and_reads_back_at_any_offset() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image");
        fs::write(&path, vec![1; 3000]).unwrap();
        write_at(&path, 700, b"durable").unwrap();
        assert_eq!(read_uncached(&path, 699, 9).unwrap(), b"\x01durable\x01");
        assert_eq!(fs::metadata(&path).unwrap().len(), 3000);
    }

    #[test]
    fn does_not_make_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let e = write_at(&dir.path().join("none"), 0, b"x").unwrap_err();
        assert!(e.to_string().starts_with("cannot open to write "));
    }
}
