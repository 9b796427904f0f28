//! Unpacks a plain tar archive that has no index, such as [`crate::extract_subset`] makes.

use std::os::fd::BorrowedFd;

use crate::error::Result;
use crate::tarstream::{Chunks, TarStream};
use crate::unpack::{Maker, Summary, UnpackOptions};

/// An archive in memory, as one chunk.
struct Whole(Option<Vec<u8>>);

impl Chunks for Whole {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.0.take())
    }
}

/// Makes the entries of `archive` below `root`. Nothing checks its contents: it must
/// come from where the images come from.
pub fn unpack_tar(
    archive: Vec<u8>,
    root: BorrowedFd<'_>,
    options: &UnpackOptions<'_>,
) -> Result<Summary> {
    let mut chunks = Whole(Some(archive));
    let mut tar = TarStream::new(&mut chunks);
    let mut maker = Maker::new(root, *options);
    while let Some((entry, _)) = tar.next_entry()? {
        maker.make(entry, &mut tar)?;
    }
    tar.finish()?;
    maker.finish()
}
