mod listing;
mod planted;
mod tools;
mod written;

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

use super::*;
use crate::image::format::{FRONT, prefix};
use crate::tar::block::padding;
use crate::tar::encode::append;
use crate::tar::mtime::Mtime;

fn plain(path: &str, kind: EntryKind, size: u64) -> Entry {
    Entry {
        path: path.as_bytes().to_vec(),
        kind,
        mode: 0o755,
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        mtime: Mtime::default(),
        size,
        xattrs: Vec::new(),
        map: None,
    }
}

/// An archive without its end.
fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        append(&mut bytes, entry).unwrap();
        bytes.resize(bytes.len() + usize::try_from(entry.stored()).unwrap(), b'x');
        bytes.extend_from_slice(padding(entry.stored()));
    }
    bytes
}

fn small() -> Vec<u8> {
    let mut bytes = archive(&[
        plain("", EntryKind::Directory, 0),
        plain("etc", EntryKind::Directory, 0),
        plain("etc/motd", EntryKind::File, 700),
    ]);
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

fn unpack_with(bytes: &[u8], existing: Existing) -> Result<Summary> {
    let scratch = tempfile::tempdir().unwrap();
    let root = File::open(scratch.path()).unwrap();
    let options = UnpackOptions {
        existing,
        sync: false,
        ..UnpackOptions::default()
    };
    let summary = unpack_foreign(bytes, root.as_fd(), &options)?;
    let motd = std::fs::read(scratch.path().join("etc/motd")).unwrap();
    assert_eq!(motd, vec![b'x'; 700]);
    Ok(summary)
}

fn unpack(bytes: &[u8]) -> Result<Summary> {
    unpack_with(bytes, Existing::Refuse)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut out = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    out.include_checksum(true).unwrap();
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn reads_all_members_and_frames_of_compressed_archives() {
    let tar = small();
    let wanted = Summary {
        entries: 3,
        bytes: 700,
    };
    let (one, two) = tar.split_at(600);
    let pzstd = b"\x50\x2a\x4d\x18\x04\0\0\0abcd".as_slice();
    let skippable = b"\x53\x2a\x4d\x18\x03\0\0\0abc".as_slice();
    for bytes in [
        tar.clone(),
        gzip(&tar),
        [gzip(one), gzip(two)].concat(),
        zstd(&tar),
        [pzstd, &zstd(one), skippable, &zstd(two), skippable].concat(),
    ] {
        assert_eq!(unpack(&bytes).unwrap(), wanted);
    }
}

#[test]
fn an_archive_that_is_cut_anywhere_is_refused() {
    let tar = small();
    for whole in [gzip(&tar), zstd(&tar), tar] {
        for cut in (0..whole.len()).step_by(13) {
            assert!(unpack(&whole[..cut]).is_err(), "{cut} of {}", whole.len());
        }
    }
    let text = unpack(&small()[..4 * 512]).unwrap_err().to_string();
    assert!(text.contains("cut short"), "{text}");
}

#[test]
fn zeros_may_follow_the_end_and_nothing_else() {
    let mut tar = small();
    tar.resize(10_240, 0);
    unpack(&tar).unwrap();
    let trailing = |bytes: &[u8]| unpack(bytes).unwrap_err().to_string();
    let text = trailing(&[&tar[..], b"x"].concat());
    assert!(text.contains("follows the end of the archive"), "{text}");
    for bytes in [gzip(&tar), zstd(&tar)] {
        let text = trailing(&[&bytes[..], b"garbage"].concat());
        assert!(text.contains("damaged or cut short"), "{text}");
    }
}

#[test]
fn a_flipped_bit_in_compressed_data_changes_nothing_in_silence() {
    let tar = small();
    let whole = unpack(&tar).unwrap();
    for bytes in [gzip(&tar), zstd(&tar)] {
        let mut found = 0;
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            match unpack(&flipped) {
                Ok(summary) => assert_eq!(summary, whole),
                Err(_) => found += 1,
            }
        }
        // The time in gzip's header, for one, is under no checksum.
        assert!(found > bytes.len() * 3 / 4, "{found} of {}", bytes.len());
    }
}

#[test]
fn nothing_stands_in_an_archive_twice() {
    let motd = || plain("etc/motd", EntryKind::File, 700);
    let etc = || plain("etc", EntryKind::Directory, 0);
    let root = || plain("", EntryKind::Directory, 0);
    let link = plain("etc/motd", EntryKind::Symlink(b"x".to_vec()), 0);
    for (entries, twice) in [
        ([etc(), motd(), etc()], "etc"),
        ([root(), motd(), root()], "/"),
        ([etc(), motd(), motd()], "etc/motd"),
        ([etc(), motd(), link], "etc/motd"),
    ] {
        let tar = [&archive(&entries)[..], &[0; 1024]].concat();
        for existing in [Existing::Refuse, Existing::Replace] {
            match unpack_with(&tar, existing) {
                Err(Error::Refused { path, .. }) => assert_eq!(path, twice),
                other => panic!("{twice}: {other:?}"),
            }
        }
    }
}

#[test]
fn an_archive_of_too_many_entries_is_refused_while_it_is_read() {
    /// Delivers the same entry over and over.
    struct Endless(Vec<u8>);
    impl Chunks for Endless {
        fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
            Ok(Some(self.0.clone()))
        }
    }
    let scratch = tempfile::tempdir().unwrap();
    let root = File::open(scratch.path()).unwrap();
    let options = UnpackOptions {
        select: &|_| false,
        ..UnpackOptions::default()
    };
    let mut endless = Endless(archive(&[plain("f", EntryKind::File, 0)]));
    let refused = make(&mut endless, root.as_fd(), &options, 10_000);
    assert!(
        matches!(refused, Err(Error::TooManyEntries(10_000))),
        "{refused:?}"
    );
}

#[test]
fn other_files_and_compressions_are_told_apart() {
    assert!(matches!(unpack(b""), Err(Error::NotAnArchive)));
    assert!(matches!(unpack(b"PK\x03\x04"), Err(Error::NotAnArchive)));
    assert!(matches!(
        unpack(b"BZh9xx"),
        Err(Error::UnknownCompression("bzip2"))
    ));
}

#[test]
fn an_archive_of_nothing_is_refused() {
    for bytes in [vec![0; 10_240], gzip(&[0; 1024])] {
        assert!(matches!(unpack(&bytes), Err(Error::Empty)));
    }
}

#[test]
fn an_image_whose_front_is_damaged_is_no_archive_of_others() {
    let start = prefix(FRONT_TAG, (FRONT - PREFIX) as u64).unwrap();
    assert!(begins_image(&start));
    for bit in 0..start.len() * 8 {
        let mut flipped = start;
        flipped[bit / 8] ^= 1 << (bit % 8);
        let known = begins_image(&flipped) || !decompressible(&flipped);
        assert!(known, "{bit}");
    }
    assert!(!begins_image(&start[..11]));
    assert!(!begins_image(&small()) && !begins_image(&zstd(b"")));
}

fn decompressible(start: &[u8]) -> bool {
    decompress::Compression::of(start).is_ok()
}
