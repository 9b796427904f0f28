//! Decodes every byte of an image and holds it against the index.

use std::ops::Deref;

use sha2::{Digest as _, Sha256};

use crate::decode::decoded;
use crate::entry::EntryKind;
use crate::error::{Error, Refusal, Result, refuse, shown};
use crate::image::Image;
use crate::tarstream::{Chunks, TarStream};

/// Something of which every byte was checked.
#[derive(Debug)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Gives it back without the proof.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Checks every frame's digest, every entry against the index, every file's content
/// against its digest, and that nothing is missing or left over. `progress` is told
/// bytes of [`Image::raw_length`].
pub fn verify(image: Image, progress: crate::Progress<'_>) -> Result<Verified<Image>> {
    decoded(&image, progress, |chunks| check(&image, chunks))?;
    Ok(Verified(image))
}

fn check(image: &Image, chunks: &mut dyn Chunks) -> Result<()> {
    let mut tar = TarStream::new(chunks);
    let mut listed = image.entries()?;
    while let Some((entry, offset)) = tar.next_entry()? {
        let record = listed
            .next()
            .ok_or(Error::BadIndex("there are more entries than it lists"))??;
        if !record.describes(&entry, image.place(offset)) {
            return Err(refuse(&entry.path, Refusal::Index));
        }
        if entry.kind != EntryKind::File {
            continue;
        }
        let mut hash = Sha256::new();
        while let Some(chunk) = tar.content()? {
            hash.update(chunk);
        }
        let digest: [u8; 32] = hash.finalize().into();
        if record.digest != Some(digest) {
            return Err(Error::BadContent {
                path: shown(&entry.path),
            });
        }
    }
    if listed.next().is_some() {
        return Err(Error::BadIndex("it lists more entries than there are"));
    }
    tar.finish()
}
