mod random;

use super::*;
use crate::tar::encode::append;
use crate::tar::entry::EntryKind;
use crate::tar::mtime::Mtime;
use crate::tar::records::Records;
use crate::tar::sparse::Extent;

fn plain(path: &str) -> Entry {
    Entry {
        path: path.as_bytes().to_vec(),
        kind: EntryKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: Mtime::default(),
        size: 0,
        xattrs: Vec::new(),
        map: None,
    }
}

fn written(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(&mut bytes, entry).unwrap();
    bytes
}

/// A header with `change` made to it, and its checksum right again.
fn changed(entry: &Entry, change: impl FnOnce(&mut [u8; 512])) -> Vec<u8> {
    let mut bytes = written(entry);
    let at = bytes.len() - BLOCK;
    let mut header = *Header::from_bytes(bytes[at..].first_chunk().unwrap());
    change(header.as_mut_bytes());
    header.set_checksum();
    bytes[at..].copy_from_slice(header.as_bytes());
    bytes
}

/// An extended header with records, and a file's header.
fn with_records(records: &[(&str, &str)], change: impl FnOnce(&mut [u8; 512])) -> Vec<u8> {
    let (mut all, mut bytes) = (Records::default(), Vec::new());
    for (key, value) in records {
        all.push(key.as_bytes(), value.as_bytes());
    }
    all.append(&mut bytes).unwrap();
    bytes.extend(changed(&plain("file"), change));
    bytes
}

fn parse(bytes: &[u8]) -> Result<Parsed> {
    Headers::new().parse(bytes)
}

fn entry(bytes: &[u8]) -> Entry {
    match parse(bytes).unwrap() {
        Parsed::Entry { consumed, entry } => {
            assert_eq!(consumed, bytes.len());
            entry
        }
        other => panic!("{other:?}"),
    }
}

fn refusal(bytes: &[u8]) -> (String, Refusal) {
    match parse(bytes).unwrap_err() {
        Error::Refused { path, why } => (path, why),
        other => panic!("{other}"),
    }
}

fn set(at: usize, text: &[u8]) -> impl FnOnce(&mut [u8; 512]) {
    move |header| header[at..at + text.len()].copy_from_slice(text)
}

/// Where fields begin (POSIX.1-2017, ustar).
const MODE: usize = 100;
const UID: usize = 108;
const SIZE: usize = 124;
const MTIME: usize = 136;
const FLAG: usize = 156;
const LINK: usize = 157;

#[test]
fn sizes_that_contradict_each_other_are_refused() {
    // CVE-2026-33055, CVE-2025-62518: one reader believes the header, the other the record.
    let size =
        |record: &str, field: &'static [u8]| with_records(&[("size", record)], set(SIZE, field));
    let contradiction = ("file".to_owned(), Refusal::Contradiction("size"));
    for (record, field) in [
        ("1024", &b"00000000000\0"[..]),
        ("0", b"00000002000\0"),
        ("1024", b"77777777777\0"),
        ("8589934591", b"00000000000\0"),
        ("8589934592", b"00000000001\0"),
    ] {
        assert_eq!(refusal(&size(record, field)), contradiction, "{record}");
    }
    let large = b"\x80\0\0\0\0\0\0\x02\0\0\0\0";
    for (record, field) in [
        ("1024", &b"00000002000\0"[..]),
        ("8589934592", b"00000000000\0"),
        ("8589934592", b"77777777777\0"),
        ("8589934592", large),
    ] {
        assert_eq!(entry(&size(record, field)).size.to_string(), record);
    }
}

#[test]
fn numbers_that_overflow_are_refused() {
    let base_256 = |first: u8, high: u8| {
        move |header: &mut [u8; 512]| {
            header[SIZE..SIZE + 12].copy_from_slice(&[first, 0, 0, high, 0, 0, 0, 0, 0, 0, 2, 0]);
        }
    };
    for (first, high) in [(0x80, 1), (0xff, 0), (0x81, 0)] {
        let bytes = changed(&plain("file"), base_256(first, high));
        assert_eq!(
            refusal(&bytes),
            ("file".to_owned(), Refusal::Number("size"))
        );
    }
    for (at, text, what) in [
        (UID, &b"\x80\0\0\0\xff\xff\xff\xff"[..], "uid"),
        (UID, b"\x80\0\0\x01\0\0\0\0", "uid"),
        (SIZE, b"\x80\0\0\0\x80\0\0\0\0\0\0\0", "size"),
        (SIZE, b"0000000000x\0", "size"),
        (MODE, b"00009\0\0\0", "mode"),
        (MTIME, b"\x80\0\0\0\xff\0\0\0\0\0\0\0", "mtime"),
    ] {
        let bytes = changed(&plain("file"), set(at, text));
        assert_eq!(refusal(&bytes).1, Refusal::Number(what), "{what}");
    }
    let records = |key, value| refusal(&with_records(&[(key, value)], |_| ())).1;
    assert_eq!(records("uid", "4294967295"), Refusal::Number("uid"));
    assert_eq!(records("gid", "4294967296"), Refusal::Number("gid"));
}

#[test]
fn times_in_base_256_can_be_before_1970() {
    let mut old = [0xff; 12];
    old[11] = 0xfe;
    let bytes = changed(&plain("file"), |header| {
        header[MTIME..MTIME + 12].copy_from_slice(&old);
    });
    assert_eq!(entry(&bytes).mtime.seconds, -2);
}

#[test]
fn a_hard_link_has_no_content() {
    let link = Entry {
        kind: EntryKind::HardLink(b"file".to_vec()),
        ..plain("link")
    };
    assert_eq!(entry(&written(&link)), link);
    let bytes = changed(&link, set(SIZE, b"00000000005\0"));
    assert_eq!(refusal(&bytes), ("link".to_owned(), Refusal::LinkContent));
    for kind in [b"2", b"3", b"5", b"6"] {
        let bytes = changed(&link, |header| {
            header[FLAG] = kind[0];
            header[SIZE + 10] = b'5';
        });
        assert_eq!(refusal(&bytes).1, Refusal::Content);
    }
}

/// Found by fuzzing.
#[test]
fn the_root_has_no_other_name() {
    let link = Entry {
        kind: EntryKind::HardLink(b"file".to_vec()),
        ..plain("link")
    };
    for target in [&b".\0\0\0"[..], b"./.\0"] {
        let bytes = changed(&link, set(157, target));
        assert_eq!(refusal(&bytes), ("link".to_owned(), Refusal::Link));
    }
}

#[test]
fn links_and_names_stay_inside() {
    let link = |target: &str| {
        let mut bytes = changed(&plain("link"), |header| {
            header[FLAG] = b'1';
            header[LINK..LINK + target.len()].copy_from_slice(target.as_bytes());
        });
        bytes.truncate(BLOCK);
        bytes
    };
    for target in ["/etc/shadow", "../shadow", "a/../../b"] {
        assert_eq!(refusal(&link(target)).1, Refusal::LinkEscapes, "{target}");
    }
    assert_eq!(refusal(&link("")).1, Refusal::Link);
    assert_eq!(
        refusal(&with_records(
            &[("linkpath", &"t".repeat(4096))],
            set(FLAG, b"2")
        ))
        .1,
        Refusal::LongLink
    );
    for (path, why) in [
        ("/etc", Refusal::Escapes),
        ("a\0b", Refusal::Name),
        (&"n".repeat(256), Refusal::TooLong),
    ] {
        assert_eq!(refusal(&with_records(&[("path", path)], |_| ())).1, why);
    }
}

#[test]
fn a_name_may_not_have_two_values() {
    let mut long = written(&plain("x"));
    let mut header = *Header::from_bytes(long[..].first_chunk().unwrap());
    header.as_mut_bytes()[FLAG] = b'L';
    header.set_size(5).unwrap();
    header.set_checksum();
    long.clear();
    long.extend_from_slice(header.as_bytes());
    long.extend_from_slice(b"long\0");
    long.extend_from_slice(padding(5));
    let with = |path| [&long[..], &with_records(&[("path", path)], |_| ())].concat();
    assert_eq!(entry(&with("long")).path, b"long");
    assert_eq!(refusal(&with("short")).1, Refusal::Contradiction("name"));
    let twice = [&long[..], &long, &written(&plain("x"))].concat();
    assert!(matches!(parse(&twice), Err(Error::Tar { .. })));
}

#[test]
fn old_types_are_known_and_others_refused() {
    let of = |kind: u8, name: &str| changed(&plain(name), |header| header[FLAG] = kind);
    assert_eq!(entry(&of(0, "file")).kind, EntryKind::File);
    assert_eq!(entry(&of(b'7', "file")).kind, EntryKind::File);
    let old = with_records(&[("path", "old/")], |_| ());
    assert_eq!(entry(&old).kind, EntryKind::Directory);
    for kind in [b'D', b'M', b'N', b'X', b'A', 0xff] {
        let refused = ("file".to_owned(), Refusal::Type(char::from(kind)));
        assert_eq!(refusal(&of(kind, "file")), refused);
    }
    let device = changed(&plain("null"), |header| {
        header[FLAG] = b'3';
        header[257..265].fill(0);
    });
    assert_eq!(refusal(&device).1, Refusal::Number("device number"));
}

#[test]
fn an_end_is_two_blocks_of_zeros() {
    assert!(matches!(
        parse(&[0; 1024]),
        Ok(Parsed::End { consumed: 1024 })
    ));
    assert!(matches!(parse(&[0; 1023]), Ok(Parsed::More)));
    let lone = [&[0; 512][..], &written(&plain("file"))].concat();
    let text = parse(&lone).unwrap_err().to_string();
    assert!(text.contains("at its beginning: a lone block"), "{text}");
    let orphan = &written(&plain(&"n".repeat(200)))[..2 * BLOCK];
    let text = parse(&[orphan, &[0; 1024]].concat())
        .unwrap_err()
        .to_string();
    assert!(text.contains("has no entry"), "{text}");
}

#[test]
fn damage_is_told_by_the_entry_in_front_of_it() {
    let mut headers = Headers::new();
    headers.parse(&written(&plain("etc/passwd"))).unwrap();
    let mut bytes = written(&plain("next"));
    bytes[3] ^= 1;
    let text = headers.parse(&bytes).unwrap_err().to_string();
    assert!(
        text.contains("behind etc/passwd: this is no header"),
        "{text}"
    );
}

#[test]
fn a_global_header_with_meaning_is_refused() {
    let global = |key: &str| {
        let mut bytes = with_records(&[(key, "1")], |_| ());
        let mut header = *Header::from_bytes(bytes.first_chunk().unwrap());
        header.as_mut_bytes()[FLAG] = b'g';
        header.set_checksum();
        bytes[..BLOCK].copy_from_slice(header.as_bytes());
        bytes
    };
    assert_eq!(entry(&global("comment")).path, b"file");
    assert_eq!(refusal(&global("uid")).1, Refusal::Global("uid".to_owned()));
    let extended = with_records(&[("comment", "1")], |_| ());
    let between = [&extended[..2 * BLOCK], &global("comment")].concat();
    assert!(matches!(parse(&between), Err(Error::Tar { .. })));
}

#[test]
fn metadata_is_bounded() {
    let mut bytes = written(&plain(&"n".repeat(200)));
    let mut header = *Header::from_bytes(bytes.first_chunk().unwrap());
    header.set_size((2 << 20) + 1).unwrap();
    header.set_checksum();
    bytes[..BLOCK].copy_from_slice(header.as_bytes());
    assert!(matches!(parse(&bytes), Err(Error::Tar { .. })));
    let many = Entry {
        xattrs: (0..40)
            .map(|n| (format!("user.{n}").into_bytes(), vec![0; 65_536]))
            .collect(),
        ..plain("file")
    };
    assert!(append(&mut Vec::new(), &many).is_err());
}

#[test]
fn a_sparse_map_must_agree_with_the_size() {
    let sparse = Entry {
        size: 1 << 40,
        map: Some(vec![Extent {
            offset: 5,
            length: 600,
        }]),
        ..plain("file")
    };
    let bytes = written(&sparse);
    let at = bytes.len() - 2 * BLOCK;
    for size in [1111_u64, 1113, 0, 600] {
        let mut bytes = bytes.clone();
        let mut header = *Header::from_bytes(bytes[at..].first_chunk().unwrap());
        header.set_size(size).unwrap();
        header.set_checksum();
        bytes[at..at + BLOCK].copy_from_slice(header.as_bytes());
        assert_eq!(
            refusal(&bytes),
            ("file".to_owned(), Refusal::Contradiction("size"))
        );
    }
}
