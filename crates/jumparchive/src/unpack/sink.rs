//! A file that is being made: small content goes through the page cache, large content
//! past it where file system and device allow that, which saves a copy of every byte
//! and leaves the node's memory to others.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{self, Mode, OFlags};

use crate::error::{Result, io_error};
use crate::tar::entry::Entry;
use crate::tree::extents;

/// What is shorter gains nothing.
const LARGE: usize = 256 << 10;
/// What O_DIRECT wants of offsets and lengths, open(2): the largest block of a device.
const BLOCK: usize = 4096;

/// Whether large content may still be written past the page cache; one refusal is
/// enough for all.
#[derive(Debug)]
pub(crate) struct Direct(AtomicBool);

impl Direct {
    /// If it is `wanted`, until the kernel says no.
    pub(crate) fn new(wanted: bool) -> Self {
        Self(AtomicBool::new(wanted))
    }

    fn allowed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn refused(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// A file that is being made.
pub(crate) struct Sink {
    file: File,
    /// The same, past the page cache.
    direct: Option<File>,
}

impl Sink {
    /// A file that was just made for `entry`.
    pub(super) fn new(file: File, entry: &Entry, direct: &Direct) -> Self {
        let large = entry.map.is_none() && entry.size >= LARGE as u64;
        let direct = (large && direct.allowed())
            .then(|| reopen(&file, direct))
            .flatten();
        Self { file, direct }
    }

    /// Writes stored content of the entry that begins at `from`.
    pub(super) fn write(
        &self,
        entry: &Entry,
        from: u64,
        content: &[u8],
        direct: &Direct,
    ) -> Result<()> {
        let mut at = 0;
        for (offset, length) in extents::stretches(entry, from, content.len() as u64) {
            // Within `content`.
            let end = at + usize::try_from(length).unwrap_or_default();
            self.stretch(&content[at..end], offset, direct)
                .map_err(io_error(&entry.path, "cannot write file"))?;
            at = end;
        }
        Ok(())
    }

    fn stretch(&self, content: &[u8], offset: u64, direct: &Direct) -> io::Result<()> {
        let whole_blocks = content.len() - content.len() % BLOCK;
        let past = self
            .direct
            .as_ref()
            .filter(|_| whole_blocks >= LARGE && offset.is_multiple_of(BLOCK as u64));
        let written = match past.map(|file| file.write_all_at(&content[..whole_blocks], offset)) {
            Some(Ok(())) => whole_blocks,
            // open(2): memory or length is not aligned as the device wants it.
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => {
                direct.refused();
                0
            }
            Some(Err(error)) => return Err(error),
            None => 0,
        };
        self.file
            .write_all_at(&content[written..], offset + written as u64)
    }
}

impl AsFd for Sink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn reopen(file: &File, direct: &Direct) -> Option<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::DIRECT | OFlags::CLOEXEC;
    if let Ok(file) = fs::open(path, flags, Mode::empty()) {
        return Some(File::from(file));
    }
    // No /proc, not root, or a file system without it: tmpfs before 6.6.
    direct.refused();
    None
}
