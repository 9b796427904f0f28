//! What an entry is, in eight bytes: all that a copy keeps of it. Where a file has holes does not
//! count, for file systems with other blocks have them elsewhere; what is read there does.

use jumpspec::words::digest::Hasher;

use super::destination::MARK;
use crate::tar::entry::{Entry, EntryKind};
use crate::tree::extents;

/// The first bytes of a SHA-256: enough to tell what a disk has made of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 8]);

/// Bytes that are looked at as one: those of them that are not all zeros count, with their place.
const BLOCK: usize = 4096;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Works it out.
pub(super) struct Fingerprinter {
    hasher: Hasher,
    /// The block that is not whole yet, and which it is.
    block: Vec<u8>,
    index: u64,
}

impl Fingerprinter {
    /// Of an entry without its content.
    pub(super) fn of(entry: &Entry) -> Self {
        let mut fingerprinter = Self {
            hasher: Hasher::default(),
            block: ZEROS.to_vec(),
            index: 0,
        };
        fingerprinter.bytes(&entry.path);
        fingerprinter.kind(&entry.kind);
        if !matches!(entry.kind, EntryKind::HardLink(_)) {
            fingerprinter.attributes(entry);
        }
        fingerprinter
    }

    fn kind(&mut self, kind: &EntryKind) {
        let (letter, numbers, target): (u8, (u32, u32), &[u8]) = match kind {
            EntryKind::File => (b'f', (0, 0), &[]),
            EntryKind::Directory => (b'd', (0, 0), &[]),
            EntryKind::Fifo => (b'p', (0, 0), &[]),
            EntryKind::Symlink(target) => (b'l', (0, 0), target),
            EntryKind::HardLink(first) => (b'h', (0, 0), first),
            EntryKind::CharDevice(major, minor) => (b'c', (*major, *minor), &[]),
            EntryKind::BlockDevice(major, minor) => (b'b', (*major, *minor), &[]),
        };
        self.hasher.update(&[letter]);
        self.number(numbers.0.into());
        self.number(numbers.1.into());
        self.bytes(target);
    }

    fn attributes(&mut self, entry: &Entry) {
        for number in [entry.mode, entry.uid, entry.gid, entry.mtime.nanoseconds] {
            self.number(number.into());
        }
        self.number(entry.mtime.seconds.cast_unsigned());
        self.number(entry.size);
        for (name, value) in entry.xattrs.iter().filter(|(name, _)| name != MARK) {
            self.bytes(name);
            self.bytes(value);
        }
    }

    fn number(&mut self, number: u64) {
        self.hasher.update(&number.to_le_bytes());
    }

    /// With their length: what follows cannot be taken for them.
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.hasher.update(bytes);
    }

    /// Stored content of the entry that begins at `from`; all of it comes in its order.
    pub(super) fn content(&mut self, entry: &Entry, from: u64, content: &[u8]) {
        let mut at = 0;
        for (offset, length) in extents::stretches(entry, from, content.len() as u64) {
            // Within `content`.
            let end = at + usize::try_from(length).unwrap_or_default();
            self.stretch(offset, &content[at..end]);
            at = end;
        }
    }

    fn stretch(&mut self, mut offset: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let index = offset / BLOCK as u64;
            // Less than a block.
            let within = usize::try_from(offset % BLOCK as u64).unwrap_or_default();
            if index != self.index {
                self.end_block();
                self.index = index;
            }
            let length = bytes.len().min(BLOCK - within);
            let (now, later) = bytes.split_at(length);
            if length == BLOCK {
                self.whole_block(now);
            } else {
                self.block[within..within + length].copy_from_slice(now);
            }
            bytes = later;
            offset += length as u64;
        }
    }

    fn end_block(&mut self) {
        let mut block = std::mem::take(&mut self.block);
        self.whole_block(&block);
        block.fill(0);
        self.block = block;
    }

    fn whole_block(&mut self, block: &[u8]) {
        if block != ZEROS {
            self.number(self.index);
            self.hasher.update(block);
        }
    }

    pub(super) fn finish(mut self) -> Fingerprint {
        self.end_block();
        let mut first = [0; 8];
        first.copy_from_slice(&self.hasher.finish().as_bytes()[..8]);
        Fingerprint(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::mtime::Mtime;
    use crate::tar::sparse::Extent;

    fn file(size: u64, map: Option<Vec<Extent>>) -> Entry {
        Entry {
            path: b"a".to_vec(),
            kind: EntryKind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            size,
            xattrs: Vec::new(),
            map,
        }
    }

    fn fingerprint(entry: &Entry, content: &[u8], pieces: usize) -> Fingerprint {
        let mut fingerprinter = Fingerprinter::of(entry);
        let mut at = 0;
        for piece in content.chunks(pieces) {
            fingerprinter.content(entry, at, piece);
            at += piece.len() as u64;
        }
        fingerprinter.finish()
    }

    #[test]
    fn holes_count_as_what_is_read_in_them() {
        let size = 3 * BLOCK + 100;
        let mut whole = vec![0; size];
        whole[BLOCK + 1024..BLOCK + 2048].fill(7);
        whole[size - 1] = 9;
        let extent = |offset: usize, length: usize| Extent {
            offset: offset as u64,
            length: length as u64,
        };
        let plain = fingerprint(&file(size as u64, None), &whole, BLOCK);
        let map = vec![extent(BLOCK + 1024, 1024), extent(3 * BLOCK, 100)];
        let stored = [&whole[BLOCK + 1024..BLOCK + 2048], &whole[3 * BLOCK..]].concat();
        let sparse = file(size as u64, Some(map));
        assert_eq!(fingerprint(&sparse, &stored, 300), plain);
        let coarser = vec![extent(BLOCK, 2 * BLOCK), extent(3 * BLOCK, 100)];
        let coarser = file(size as u64, Some(coarser));
        assert_eq!(fingerprint(&coarser, &whole[BLOCK..], 5000), plain);
        whole[size - 1] = 8;
        assert_ne!(fingerprint(&coarser, &whole[BLOCK..], 5000), plain);
    }

    #[test]
    fn a_block_elsewhere_is_another_content() {
        let content = |first: u8, second: u8| [[first; BLOCK], [second; BLOCK]].concat();
        let of = |bytes: &[u8]| fingerprint(&file(2 * BLOCK as u64, None), bytes, BLOCK);
        assert_ne!(of(&content(0, 1)), of(&content(1, 0)));
    }

    #[test]
    fn every_attribute_counts() {
        let plain = file(0, None);
        let change = |change: fn(&mut Entry)| {
            let mut entry = plain.clone();
            change(&mut entry);
            fingerprint(&entry, &[], 1)
        };
        let same = change(|_| ());
        let changes: [fn(&mut Entry); 7] = [
            |entry| entry.path = b"b".to_vec(),
            |entry| entry.mode = 0o4755,
            |entry| entry.uid = 1,
            |entry| entry.gid = 1,
            |entry| entry.mtime.nanoseconds = 1,
            |entry| entry.kind = EntryKind::Fifo,
            |entry| entry.xattrs = vec![(b"user.a".to_vec(), Vec::new())],
        ];
        for (number, changed) in changes.into_iter().enumerate() {
            assert_ne!(change(changed), same, "change {number}");
        }
    }
}
