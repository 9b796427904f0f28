//! Images with a front, an index and digests that agree, which are still not what they
//! should be: nobody but whoever seals an image can make them.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt as _;

use super::*;
use crate::error::Refusal;
use crate::image::format::{INDEX_TAG, IndexPlace};
use crate::image::format::{VERSION, encode_front, prefix};
use crate::image::index::{LEVEL, encode_records, encode_table};
use crate::image::verify::verify;
use crate::pack::{PackOptions, Packer};
use crate::tree::root::Tree;
use crate::tree::walk::Decision;
use crate::unpack::{UnpackOptions, unpack};

/// The parts of an image, to be changed and sealed again.
struct Parts {
    data: Vec<Vec<u8>>,
    frames: Vec<FrameInfo>,
    records: Vec<Vec<IndexEntry>>,
    entries: Option<u64>,
}

impl Parts {
    /// Of a directory, some small files and one of several frames.
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let tree = scratch.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(tree.join(name), name).unwrap();
        }
        std::fs::write(tree.join("large"), vec![7; 9 << 20]).unwrap();
        let out = tempfile::tempfile().unwrap();
        let packer = Packer::new(out.try_clone().unwrap(), &PackOptions::default()).unwrap();
        let tree = Tree::open(&tree).unwrap();
        let store = |_: &_| Decision::Store;
        packer.pack(&tree, &store, None, &|_| ()).unwrap();
        let image = Image::open(out).unwrap();
        let numbers = 0..image.frames.len();
        let bytes = |frame: usize| {
            let mut bytes = vec![0; image.frames[frame].length as usize];
            let file = &image.file;
            file.read_exact_at(&mut bytes, image.offsets[frame])
                .unwrap();
            bytes
        };
        Self {
            data: numbers.clone().map(bytes).collect(),
            records: numbers.map(|frame| image.records(frame).unwrap()).collect(),
            frames: image.frames.clone(),
            entries: None,
        }
    }

    /// An image file of the parts as they are now, all its digests right.
    fn seal(mut self) -> File {
        let mut records = Vec::new();
        for (frame, own) in self.frames.iter_mut().zip(&self.records) {
            let raw = encode_records(own).unwrap();
            let compressed = zstd::bulk::compress(&raw, LEVEL).unwrap();
            frame.records_digest = *Digest::of(&raw).as_bytes();
            frame.records_raw_length = u32::try_from(raw.len()).unwrap();
            frame.records_length = 0;
            if !own.is_empty() {
                frame.records_length = u32::try_from(compressed.len()).unwrap();
                records.extend(compressed);
            }
        }
        let entries: u64 = self.frames.iter().map(|info| u64::from(info.entries)).sum();
        let table = encode_table(&self.frames).unwrap();
        let compressed = zstd::bulk::compress(&table, LEVEL).unwrap();
        let data = self.data.concat();
        let payload = (records.len() + compressed.len()) as u64;
        let index = IndexPlace {
            offset: (FRONT + data.len()) as u64,
            length: PREFIX as u64 + payload,
            table_length: compressed.len() as u64,
            digest: Digest::of(&table),
            records_digest: Digest::of(&records),
            frames: self.frames.len() as u64,
            entries: self.entries.unwrap_or(entries),
        };
        let front = Front {
            version: VERSION,
            index,
            manifest: None,
        };
        let prefix = prefix(INDEX_TAG, payload).unwrap().to_vec();
        let parts = [
            encode_front(&front).unwrap(),
            data,
            prefix,
            records,
            compressed,
        ];
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&parts.concat(), 0).unwrap();
        file
    }
}

/// What opening and verifying an image, and unpacking it, end with.
fn outcomes(file: &File) -> [Error; 2] {
    let scratch = tempfile::tempdir().unwrap();
    let root = File::open(scratch.path()).unwrap();
    let options = UnpackOptions {
        sync: false,
        ..UnpackOptions::default()
    };
    let open = || Image::open(file.try_clone().unwrap());
    let verified = open().and_then(|image| verify(image, &|_| ()).map(drop));
    let unpacked = open().and_then(|image| unpack(&image, root.as_fd(), &options).map(drop));
    [verified.unwrap_err(), unpacked.unwrap_err()]
}

#[test]
fn what_is_not_changed_is_sound() {
    let image = Image::open(Parts::new().seal()).unwrap();
    assert_eq!(image.frames_of(FrameKind::Files).len(), 4);
    verify(image, &|_| ()).unwrap();
}

#[test]
fn ten_million_entries_are_refused_before_anything_is_read() {
    let mut parts = Parts::new();
    parts.entries = Some(10_000_000);
    for error in outcomes(&parts.seal()) {
        assert!(matches!(error, Error::TooManyEntries(_)), "{error}");
    }
}

#[test]
fn a_frame_that_unpacks_to_more_than_the_index_says_is_refused() {
    let mut parts = Parts::new();
    parts.frames[2].raw_length -= 512;
    for error in outcomes(&parts.seal()) {
        assert!(matches!(error, Error::BadFrame { frame: 2, .. }), "{error}");
    }
}

#[test]
fn a_frame_of_another_length_than_its_entries_is_refused() {
    let mut parts = Parts::new();
    let twice = parts.data[3].clone();
    parts.data.insert(3, twice);
    let info = parts.frames[3].clone();
    parts.frames.insert(3, info);
    parts.records.insert(3, Vec::new());
    for error in outcomes(&parts.seal()) {
        assert!(matches!(error, Error::BadFrame { frame: 2, .. }), "{error}");
    }
}

#[test]
fn frames_in_another_order_are_refused() {
    let mut parts = Parts::new();
    parts.data.swap(0, 1);
    parts.frames.swap(0, 1);
    parts.records.swap(0, 1);
    for error in outcomes(&parts.seal()) {
        assert!(matches!(error, Error::BadIndex(_)), "{error}");
    }
}

#[test]
fn an_image_without_its_end_is_refused() {
    let mut parts = Parts::new();
    parts.data.pop();
    parts.frames.pop();
    parts.records.pop();
    for error in outcomes(&parts.seal()) {
        assert!(matches!(error, Error::BadIndex(_)), "{error}");
    }
}

#[test]
fn entries_in_the_wrong_section_are_refused() {
    let mut parts = Parts::new();
    parts.frames[1].kind = FrameKind::Directories;
    parts.frames[2].kind = FrameKind::Directories;
    let [verified, unpacked] = outcomes(&parts.seal());
    for error in [verified, unpacked] {
        let order = |why: &Refusal| *why == Refusal::Order;
        let refused = matches!(&error, Error::Refused { why, .. } if order(why));
        assert!(refused || matches!(error, Error::BadIndex(_)), "{error}");
    }
}

#[test]
fn a_digest_of_content_that_is_wrong_is_found() {
    for (frame, path) in [(1, "a"), (2, "large")] {
        let mut parts = Parts::new();
        parts.records[frame][0].digest = Some([0; 32]);
        let image = Image::open(parts.seal()).unwrap();
        let error = verify(image, &|_| ()).unwrap_err();
        assert!(matches!(&error, Error::BadContent { path: named } if named == path));
    }
}

#[test]
fn a_record_that_says_something_else_is_found() {
    let mut parts = Parts::new();
    parts.records[1][1].mode ^= 0o4000;
    for error in outcomes(&parts.seal()) {
        assert_eq!(error.to_string(), "b: entry differs from the index");
    }
}
