//! Reads many small files of an image in one pass over the index; each frame that
//! holds some of them is decoded once.

use crate::error::Result;
use crate::image::content;
use crate::image::index::IndexEntry;
use crate::image::opened::Image;
use crate::tar::entry::EntryKind;

/// What [`fetch`] found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// A regular file's content, its digest checked.
    File(Vec<u8>),
    /// Where a symlink points.
    Symlink(Vec<u8>),
}

/// Hands over the regular files and symlinks that `wanted` chooses, in the order of the
/// tar stream. A file is held in memory whole: `wanted` must look at its size.
pub fn fetch(
    image: &Image,
    wanted: &dyn Fn(&IndexEntry) -> bool,
    each: &mut dyn FnMut(IndexEntry, Fetched),
) -> Result<()> {
    let mut reader = image.reader()?;
    for record in image.entries()? {
        let record = record?;
        if !matches!(record.kind, b'0' | b'2') || !wanted(&record) {
            continue;
        }
        let (entry, content) = content::of(image, &mut reader, &record)?;
        let fetched = match entry.kind {
            EntryKind::Symlink(target) => Fetched::Symlink(target),
            _ => Fetched::File(content),
        };
        each(record, fetched);
    }
    Ok(())
}
