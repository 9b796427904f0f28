//! Untrusted tar streams.

use tar::{Builder, EntryType, Header};

use crate::error::Result;
use crate::tar::encode;
use crate::tar::entry::{Entry, EntryKind};
use crate::tar::stream::{Chunks, TarStream};

/// Bytes of the pieces in which a stream is read a second time: no divisor of a block, and not so
/// small that the time goes into pieces.
const PIECE: usize = 509;

/// Reads all entries and contents of a tar stream. Asserts that paths stay below their root, that
/// the extents of sparse files are in order and inside, that it does not matter in which pieces the
/// stream arrives, and that an entry which is written reads as the same again.
pub fn tar(data: &[u8]) {
    let whole = Reading::of(data, data.len().max(1));
    let pieces = Reading::of(data, PIECE);
    assert_eq!(whole.entries, pieces.entries, "other entries in pieces");
    assert_eq!(whole.contents, pieces.contents, "other contents in pieces");
    assert_eq!(
        whole.ended.is_ok(),
        pieces.ended.is_ok(),
        "other end in pieces"
    );
    for entry in &whole.entries {
        assert_below(&entry.path);
        if let EntryKind::HardLink(target) = &entry.kind {
            assert_below(target);
        }
        assert_apart(entry);
        assert_reads_back(entry);
    }
}

/// Reads an entry whose PAX records are `records`; asserts what [`tar`] does.
pub fn pax(records: &[u8]) {
    let mut builder = Builder::new(Vec::new());
    for (kind, content) in [(EntryType::XHeader, records), (EntryType::Regular, b"")] {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..4].copy_from_slice(b"file");
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).expect("memory takes it");
    }
    tar(&builder.into_inner().expect("memory takes it"));
}

/// What a stream was found to hold.
struct Reading {
    entries: Vec<Entry>,
    contents: Vec<u8>,
    ended: Result<()>,
}

impl Reading {
    fn of(data: &[u8], piece: usize) -> Self {
        let mut reading = Self {
            entries: Vec::new(),
            contents: Vec::new(),
            ended: Ok(()),
        };
        let mut pieces = Pieces { left: data, piece };
        reading.ended = reading.read(TarStream::new(&mut pieces));
        reading
    }

    fn read(&mut self, mut stream: TarStream<'_>) -> Result<()> {
        while let Some((entry, _)) = stream.next_entry()? {
            self.entries.push(entry);
            while let Some(content) = stream.content()? {
                self.contents.extend_from_slice(content);
            }
        }
        stream.finish()
    }
}

/// Bytes that arrive in pieces.
struct Pieces<'a> {
    left: &'a [u8],
    piece: usize,
}

impl Chunks for Pieces<'_> {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let (piece, left) = self.left.split_at(self.piece.min(self.left.len()));
        self.left = left;
        Ok(Some(piece.to_vec()))
    }
}

fn assert_below(path: &[u8]) {
    let sound =
        |part: &[u8]| !part.is_empty() && part != b"." && part != b".." && !part.contains(&0);
    assert!(
        path.is_empty() || path.split(|byte| *byte == b'/').all(sound),
        "{:?} is not below its root",
        String::from_utf8_lossy(path)
    );
}

fn assert_apart(entry: &Entry) {
    let mut end = None;
    for extent in entry.map.iter().flatten() {
        assert!(extent.length > 0 && end.is_none_or(|end| extent.offset > end));
        end = extent.offset.checked_add(extent.length);
        assert!(end.is_some_and(|end| end <= entry.size));
    }
}

fn assert_reads_back(entry: &Entry) {
    let mut written = Vec::new();
    // Not everything that can be read can be written.
    if encode::append(&mut written, entry).is_err() {
        return;
    }
    let mut pieces = Pieces {
        left: &written,
        piece: written.len(),
    };
    let again = TarStream::new(&mut pieces).next_entry();
    let again = again.expect("what was written can be read");
    assert_eq!(again.map(|(entry, _)| entry).as_ref(), Some(entry));
}
