//! Unpacks archives that no `jumpimg` made: tar, plain or compressed.
//!
//! Nothing says what must be in them. So whatever readers could take for different
//! things is refused, and only an archive that is read to its very end is whole.

mod archive;
mod decompress;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::os::fd::BorrowedFd;

pub use archive::Archive;
use decompress::decompressed;

use crate::error::{Error, Refusal, Result, refuse};
use crate::image::format::{ENTRY_LIMIT, FRONT_TAG, PREFIX, SKIPPABLE};
use crate::tar::entry::{Entry, EntryKind};
use crate::tar::stream::{Chunks, TarStream};
use crate::unpack::{Existing, Maker, Summary, UnpackOptions};

/// Whether `start`, the first 12 bytes or more of a file, begins an image.
pub fn begins_image(start: &[u8]) -> bool {
    start.len() >= PREFIX && start[..4] == SKIPPABLE && start[8..PREFIX] == FRONT_TAG
}

/// Makes the entries of the archive that `input` delivers, to its last byte.
/// `options.progress` is told the bytes of `input` dealt with.
///
/// # Errors
/// After an error, `root` holds a part of the archive.
pub fn unpack_foreign(
    input: impl Read + Send,
    root: BorrowedFd<'_>,
    options: &UnpackOptions<'_>,
) -> Result<Summary> {
    decompressed(input, options.progress, |chunks| {
        match make(chunks, root, options, ENTRY_LIMIT)? {
            (_, 0) => Err(Error::Empty),
            (summary, _) => Ok(summary),
        }
    })
}

/// Makes the entries of a plain tar archive in memory, such as
/// [`crate::extract_subset`] gives. Nothing says whether it is the right one: that is the
/// caller's to know.
pub fn unpack_tar(
    archive: Vec<u8>,
    root: BorrowedFd<'_>,
    options: &UnpackOptions<'_>,
) -> Result<Summary> {
    make(&mut Once(Some(archive)), root, options, ENTRY_LIMIT).map(|(summary, _)| summary)
}

/// A stream of one chunk.
struct Once(Option<Vec<u8>>);

impl Chunks for Once {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.0.take())
    }
}

/// Gives also how many entries there were, selected or not.
fn make(
    chunks: &mut dyn Chunks,
    root: BorrowedFd<'_>,
    options: &UnpackOptions<'_>,
    limit: u64,
) -> Result<(Summary, u64)> {
    let mut tar = TarStream::new(chunks);
    let mut maker = Maker::new(root, *options)?;
    let mut census = Census::new(limit, options.existing);
    while let Some((entry, _)) = tar.next_entry()? {
        census.count(&entry)?;
        maker.make(entry, &mut tar)?;
    }
    tar.finish()?;
    Ok((maker.finish()?, census.entries))
}

/// How many entries there were, and which. Of directories, and where things are replaced
/// of everything: else the file system says that something is there already.
struct Census {
    limit: u64,
    existing: Existing,
    entries: u64,
    /// Hashes of paths, for a million paths would not be small. The keys are random.
    paths: HashSet<(u64, u64)>,
    keys: (RandomState, RandomState),
}

impl Census {
    fn new(limit: u64, existing: Existing) -> Self {
        Self {
            limit,
            existing,
            entries: 0,
            paths: HashSet::new(),
            keys: (RandomState::new(), RandomState::new()),
        }
    }

    fn count(&mut self, entry: &Entry) -> Result<()> {
        self.entries += 1;
        if self.entries > self.limit {
            return Err(Error::TooManyEntries(self.limit));
        }
        if entry.kind == EntryKind::Directory || self.existing == Existing::Replace {
            let (one, two) = &self.keys;
            let hash = (one.hash_one(&entry.path), two.hash_one(&entry.path));
            if !self.paths.insert(hash) {
                return Err(refuse(&entry.path, Refusal::Twice));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
