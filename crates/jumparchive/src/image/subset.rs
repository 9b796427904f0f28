//! Fetches some entries of an image, decoding only the frames that hold them.

use std::collections::HashSet;

use jumpspec::words::relpath::RelPath;

use crate::error::{Refusal, Result, refuse};
use crate::image::content::{self, stretch};
use crate::image::index::IndexEntry;
use crate::image::opened::Image;

/// The content of a regular file of at most `cap` bytes, hard links followed, symlinks
/// not; `None` if the image has no such file.
pub fn read_file(image: &Image, path: &RelPath, cap: u64) -> Result<Option<Vec<u8>>> {
    let mut wanted = path.as_str().as_bytes().to_vec();
    // The entry that a hard link names stands before it.
    for _ in 0..2 {
        let Some(record) = find(image, &wanted)? else {
            return Ok(None);
        };
        match (record.kind, record.hard_link()) {
            (b'0', _) => return content(image, &record, cap).map(Some),
            (_, Some(first)) => wanted = first.to_vec(),
            _ => return Ok(None),
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
    let (_, content) = content::of(image, &mut image.reader()?, record)?;
    Ok(content)
}

/// A tar archive with just `paths`, the directories above them and the files that
/// hard links among them name. Paths that the image does not have are passed over.
pub fn extract_subset(image: &Image, paths: &[RelPath]) -> Result<Vec<u8>> {
    let wanted = closure(image, paths)?;
    let mut archive = Vec::new();
    let mut reader = image.reader()?;
    for frame in 0..image.frames().len() {
        let records = image.records(frame)?;
        if !records.iter().any(|record| wanted.contains(&record.path)) {
            continue;
        }
        for (number, record) in records.iter().enumerate() {
            if wanted.contains(&record.path) {
                let end = records.get(number + 1).map(|next| next.offset);
                archive.extend(stretch(image, &mut reader, frame, record.offset, end)?);
            }
        }
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
        if let Some(first) = record.hard_link().filter(|_| wanted.contains(&record.path)) {
            add_with_parents(&mut wanted, first);
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
