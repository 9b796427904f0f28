//! Takes the entries out of one frame's tar data.

use crate::error::{Error, Refusal, Result, refuse};
use crate::image::index::FrameKind;
use crate::image::opened::Image;
use crate::tar::block;
use crate::tar::decode::{Headers, Parsed};
use crate::tar::entry::{Entry, EntryKind};

/// What a frame holds of an entry's content.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// Its beginning; the frames after this one hold the rest.
    First(&'a [u8]),
}

/// Calls `take` with each entry that begins in a frame, where its headers begin and its
/// content. `data` is the frame's tar data.
pub(crate) fn each(
    image: &Image,
    frame: usize,
    data: &[u8],
    mut take: impl FnMut(Entry, u32, Piece<'_>) -> Result<()>,
) -> Result<()> {
    let bad = |why| Error::BadFrame { frame, why };
    let info = &image.frames()[frame];
    let (mut headers, mut at, mut count) = (Headers::new(), 0, 0);
    let parts = image.raw_length_of(image.parts(frame));
    let mut goes_on = false;
    while at < data.len() {
        // The length of a frame was found to be below FRAME_CAP.
        let offset = u32::try_from(at).map_err(|_| bad("it is too long"))?;
        let Parsed::Entry { consumed, entry } = headers.parse(&data[at..])? else {
            return Err(bad("it does not end where an entry does"));
        };
        at += consumed;
        count += 1;
        check_kind(info.kind, &entry)?;
        let content = entry.stored();
        let padded = content.checked_add(block::padding(content).len() as u64);
        let whole = padded
            .and_then(|padded| usize::try_from(padded).ok())
            .filter(|padded| *padded <= data.len() - at);
        if let Some(padded) = whole {
            // Not more than `padded`.
            let content = usize::try_from(content).unwrap_or(padded);
            take(entry, offset, Piece::Whole(&data[at..at + content]))?;
            at += padded;
        } else {
            let here = (data.len() - at) as u64;
            if padded != here.checked_add(parts) {
                return Err(bad("its last entry does not end with its parts"));
            }
            goes_on = true;
            take(entry, offset, Piece::First(&data[at..]))?;
            at = data.len();
        }
    }
    if count != info.entries {
        return Err(bad("it holds other entries than the index says"));
    }
    if !goes_on && parts > 0 {
        return Err(bad("nothing of it goes on in its parts"));
    }
    Ok(())
}

fn check_kind(kind: FrameKind, entry: &Entry) -> Result<()> {
    let wanted = match entry.kind {
        EntryKind::Directory => FrameKind::Directories,
        EntryKind::HardLink(_) => FrameKind::HardLinks,
        _ => FrameKind::Files,
    };
    if kind == wanted {
        Ok(())
    } else {
        Err(refuse(&entry.path, Refusal::Order))
    }
}
