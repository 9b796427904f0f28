//! Fetches some entries of an image, decoding only the frames that hold them.

use std::collections::HashSet;

use jumpspec::relpath::RelPath;

use crate::error::{Error, Refusal, Result, refuse, shown};
use crate::image::Image;
use crate::index::IndexEntry;
use crate::tarstream::{Chunks, TarStream};

/// Some frames of an image, in order.
struct Frames<'a> {
    image: &'a Image,
    next: usize,
    skip: usize,
}

impl<'a> Frames<'a> {
    fn from(image: &'a Image, entry: &IndexEntry) -> Self {
        Self {
            image,
            next: entry.frame as usize,
            skip: entry.offset as usize,
        }
    }
}

impl Chunks for Frames<'_> {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        if self.next >= self.image.frames().len() {
            return Ok(None);
        }
        let mut frame = self.image.frame(self.next)?;
        self.next += 1;
        if self.skip > frame.len() {
            return Err(Error::BadIndex("an entry is in no frame"));
        }
        frame.drain(..std::mem::take(&mut self.skip));
        Ok(Some(frame))
    }
}

/// The content of a regular file of at most `cap` bytes, hard links followed, symlinks
/// not; `None` if the image has no such file.
pub fn read_file(image: &Image, path: &RelPath, cap: u64) -> Result<Option<Vec<u8>>> {
    let mut wanted = path.as_str().as_bytes().to_vec();
    // The entry that a hard link names stands before it.
    for _ in 0..2 {
        let Some(record) = find(image, &wanted)? else {
            return Ok(None);
        };
        match record.link {
            Some(link) => wanted = link,
            None if record.kind == b'0' => return content(image, &record, cap).map(Some),
            None => return Ok(None),
        }
    }
    Ok(None)
}

fn find(image: &Image, path: &[u8]) -> Result<Option<IndexEntry>> {
    image
        .entries()?
        .find(|entry| entry.as_ref().map_or(true, |entry| entry.path == path))
        .transpose()
}

fn content(image: &Image, record: &IndexEntry, cap: u64) -> Result<Vec<u8>> {
    if record.size > cap {
        return Err(refuse(&record.path, Refusal::TooBig(cap)));
    }
    let mut frames = Frames::from(image, record);
    let mut tar = TarStream::new(&mut frames);
    let differs = || refuse(&record.path, Refusal::Index);
    let (entry, _) = tar.next_entry()?.ok_or_else(differs)?;
    if !record.describes(&entry, (record.frame, record.offset)) {
        return Err(differs());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = tar.content()? {
        bytes.extend_from_slice(chunk);
    }
    if record.digest != Some(*jumpspec::digest::Digest::of(&bytes).as_bytes()) {
        return Err(Error::BadContent {
            path: shown(&record.path),
        });
    }
    Ok(bytes)
}

/// A tar archive with just `paths`, the directories above them and the files that
/// hard links among them name. Paths that the image does not have are passed over.
pub fn extract_subset(image: &Image, paths: &[RelPath]) -> Result<Vec<u8>> {
    let wanted = closure(image, paths)?;
    let mut archive = Vec::new();
    let mut entries = image.entries()?.peekable();
    while let Some(record) = entries.next() {
        let record = record?;
        if !wanted.contains(&record.path) {
            continue;
        }
        let begin = image.stream_offset(record.frame, record.offset)?;
        let end = match entries.peek() {
            Some(Ok(next)) => Some(image.stream_offset(next.frame, next.offset)?),
            Some(Err(_)) => return Err(Error::BadIndex("a record cannot be read")),
            // The last entry ends where the end-of-archive blocks begin.
            None => image.raw_length().checked_sub(END.len() as u64),
        };
        let length = end
            .and_then(|end| end.checked_sub(begin))
            .ok_or(Error::BadIndex("entries are out of order"))?;
        copy_stretch(&mut Frames::from(image, &record), length, &mut archive)?;
    }
    archive.extend_from_slice(&END);
    Ok(archive)
}

/// The end-of-archive blocks (POSIX.1-2017, ustar interchange format).
const END: [u8; 1024] = [0; 1024];

/// The paths, their parents, and what hard links among them name.
fn closure(image: &Image, paths: &[RelPath]) -> Result<HashSet<Vec<u8>>> {
    let mut wanted: HashSet<Vec<u8>> = HashSet::new();
    for path in paths {
        add_with_parents(&mut wanted, path.as_str().as_bytes());
    }
    for record in image.entries()? {
        let record = record?;
        if let Some(link) = record.link.filter(|_| wanted.contains(&record.path)) {
            add_with_parents(&mut wanted, &link);
        }
    }
    Ok(wanted)
}

fn add_with_parents(wanted: &mut HashSet<Vec<u8>>, path: &[u8]) {
    wanted.insert(path.to_vec());
    for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        wanted.insert(path[..at].to_vec());
    }
}

fn copy_stretch(frames: &mut Frames<'_>, length: u64, out: &mut Vec<u8>) -> Result<()> {
    let mut left = length;
    while left > 0 {
        let chunk = frames.next_chunk()?.ok_or(Error::TarTruncated)?;
        let taken = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
        out.extend_from_slice(&chunk[..taken]);
        left -= taken as u64;
    }
    Ok(())
}
