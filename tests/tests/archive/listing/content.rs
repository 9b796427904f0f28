//! A regular file's content, with its holes. Holes are not read, so 1 TiB costs no more
//! than the data in it.

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt as _;

use anyhow::Result;
use jumpspec::words::digest::{Digest, Hasher};
use rustix::fs::{Mode, OFlags, SeekFrom, fstat, openat, seek};
use rustix::io::Errno;

/// Data is looked at in blocks of this: one that is all zero may be a hole in a copy.
const BLOCK: usize = 4096;
/// Where data begins and ends counts to this only, as file systems round to their blocks;
/// holes of smaller files do not count.
const ROUNDING: u64 = 64 << 10;
/// Read at once.
const CHUNK: u64 = 1 << 20;

/// A regular file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// With holes, in bytes.
    pub(crate) size: u64,
    /// Of the places and bytes of all blocks that are not zero.
    pub(crate) digest: Digest,
    /// Where there is data, rounded outwards: beginnings and ends.
    pub(crate) extents: Vec<(u64, u64)>,
}

/// Reads the file `name` in the directory `at`.
pub(super) fn read(at: BorrowedFd<'_>, name: &[u8]) -> Result<Content> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NOATIME | OFlags::CLOEXEC;
    let file = File::from(openat(at, name, flags, Mode::empty())?);
    let size = u64::try_from(fstat(&file)?.st_size)?;
    let (mut hash, mut extents) = (Hasher::default(), Vec::new());
    let mut position = 0;
    while let Some((begin, end)) = data(&file, position, size)? {
        hash_blocks(&file, begin, end, &mut hash)?;
        if size >= ROUNDING {
            add(&mut extents, begin, end);
        }
        position = end;
    }
    Ok(Content {
        size,
        digest: hash.finish(),
        extents,
    })
}

/// The data at or after `position`.
fn data(file: &File, position: u64, size: u64) -> Result<Option<(u64, u64)>> {
    if position >= size {
        return Ok(None);
    }
    match seek(file, SeekFrom::Data(position)) {
        Ok(begin) => Ok(Some((begin, seek(file, SeekFrom::Hole(begin))?))),
        // lseek(2): there is no data behind.
        Err(Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn hash_blocks(file: &File, begin: u64, end: u64, hash: &mut Hasher) -> Result<()> {
    let block = BLOCK as u64;
    let mut at = begin / block * block;
    while at < end {
        let mut chunk = vec![0; usize::try_from((end - at).min(CHUNK))?];
        file.read_exact_at(&mut chunk, at)?;
        for (number, bytes) in (0_u64..).zip(chunk.chunks(BLOCK)) {
            if bytes != &[0; BLOCK][..bytes.len()] {
                hash.update(&(at + number * block).to_le_bytes());
                hash.update(bytes);
            }
        }
        at += chunk.len() as u64;
    }
    Ok(())
}

/// Adds an extent, joined with the one before where nothing is left between them.
fn add(extents: &mut Vec<(u64, u64)>, begin: u64, end: u64) {
    let (begin, end) = (begin / ROUNDING * ROUNDING, end.next_multiple_of(ROUNDING));
    match extents.last_mut() {
        Some(last) if last.1 >= begin => last.1 = end,
        _ => extents.push((begin, end)),
    }
}
