//! Weighs the entries of an image, from its index and its package databases alone.

use jumparchive::{Image, IndexEntry, Result};

use super::{Item, Measure, Scales, Shares, Weights};
use crate::image::packages;

/// Weighs an image.
pub(crate) fn of_image(image: &Image, measure: Measure) -> Result<Weights> {
    let mut scales = Scales::new(packages::from_image(image)?, measure);
    each_item(image, &mut |_, item| scales.add(item))?;
    Ok(scales.finish())
}

/// Calls `each` with every entry and how it is weighed. Its part of the compressed bytes
/// is what lies between its place and the next one's.
pub(crate) fn each_item(image: &Image, each: &mut dyn FnMut(&IndexEntry, Item<'_>)) -> Result<()> {
    let frames = image.frames().iter();
    let shares = Shares::new(frames.map(|frame| (frame.length, frame.raw_length)));
    let mut entries = image.entries()?.peekable();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let begin = shares.place(entry.frame, entry.offset);
        let end = match entries.peek() {
            Some(Ok(next)) => shares.place(next.frame, next.offset),
            Some(Err(_)) | None => shares.end(),
        };
        let item = Item {
            path: &entry.path,
            directory: entry.kind == b'5',
            size: size(&entry),
            compressed: end.saturating_sub(begin),
        };
        each(&entry, item);
    }
    Ok(())
}

/// An entry's bytes of content, without the holes of a sparse file.
pub(crate) fn size(entry: &IndexEntry) -> u64 {
    entry.stored
}
