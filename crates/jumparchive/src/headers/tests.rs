use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::acl::{ACCESS, Acl, DEFAULT};
use crate::entry::{EntryKind, Extent};
use crate::header::append;
use crate::mtime::Mtime;
use crate::records::Records;

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

fn name() -> impl Strategy<Value = Vec<u8>> {
    let bytes = any::<u8>().prop_filter("ends a name", |byte| !matches!(byte, 0 | b'/'));
    vec(bytes, 1..40).prop_filter("is a direction", |name| name != b"." && name != b"..")
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    let path = |names: Vec<Vec<u8>>| names.join(&b'/');
    prop_oneof![
        vec(name(), 1..4).prop_map(path),
        vec(name(), 20..300).prop_map(path)
    ]
}

fn acl() -> impl Strategy<Value = Acl> {
    let ids = || vec((0..u32::MAX, 0..8_u16), 0..4);
    (ids(), ids(), any::<[u8; 4]>()).prop_map(|(users, groups, bits)| {
        let bit = |at: usize| u16::from(bits[at] & 7);
        let mut lines = vec![(1, bit(0), u32::MAX)];
        lines.extend(users.iter().map(|(id, bits)| (2, *bits, *id)));
        lines.push((4, bit(1), u32::MAX));
        lines.extend(groups.iter().map(|(id, bits)| (8, *bits, *id)));
        lines.push((16, bit(2), u32::MAX));
        lines.push((32, bit(3), u32::MAX));
        let mut binary = vec![2, 0, 0, 0];
        for (tag, bits, id) in lines {
            binary.extend(u16::to_le_bytes(tag));
            binary.extend(u16::to_le_bytes(bits));
            binary.extend(u32::to_le_bytes(id));
        }
        Acl::from_binary(&binary).unwrap()
    })
}

fn map() -> impl Strategy<Value = (Vec<Extent>, u64)> {
    (vec((1..1_u64 << 40, 1..1_u64 << 40), 0..60), 0..1_u64 << 40).prop_map(|(steps, hole)| {
        let mut end = 0;
        let extents = steps.iter().map(|(gap, length)| {
            let offset = end + gap;
            end = offset + length;
            Extent {
                offset,
                length: *length,
            }
        });
        (extents.collect(), end + hole)
    })
}

fn kind() -> impl Strategy<Value = EntryKind> {
    prop_oneof![
        Just(EntryKind::File),
        Just(EntryKind::Directory),
        Just(EntryKind::Fifo),
        vec(name(), 1..100).prop_map(|names| EntryKind::Symlink(names.join(&b'/'))),
        path().prop_map(EntryKind::HardLink),
        (0..4096_u32, 0..1_u32 << 20)
            .prop_map(|(major, minor)| EntryKind::CharDevice(major, minor)),
        (0..4096_u32, 0..1_u32 << 20)
            .prop_map(|(major, minor)| EntryKind::BlockDevice(major, minor)),
    ]
}

prop_compose! {
    fn any_entry()(
        path in path(),
        kind in kind(),
        mode in 0..0o10000_u32,
        ids in (0..u32::MAX, 0..u32::MAX),
        seconds in prop_oneof![-5..5_i64, (1 - i64::MAX)..i64::MAX],
        nanoseconds in 0..1_000_000_000_u32,
        size in prop_oneof![0..10_000_u64, 0..i64::MAX as u64],
        sparse in proptest::option::of(map()),
        xattrs in proptest::collection::btree_map(name(), vec(any::<u8>(), 0..200), 0..4),
        acls in (proptest::option::of(acl()), proptest::option::of(acl())),
    ) -> Entry {
        let file = kind == EntryKind::File;
        let (map, size) = match sparse {
            Some((map, size)) if file => (Some(map), size),
            _ => (None, if file { size } else { 0 }),
        };
        let named = |(name, value): (Vec<u8>, Vec<u8>)| ([b"user.", &name[..]].concat(), value);
        let mut xattrs: Vec<_> = xattrs.into_iter().map(named).collect();
        let mut mode = mode;
        if let Some(acl) = acls.0 {
            xattrs.push((ACCESS.to_vec(), acl.to_binary()));
            mode = acl.mode(mode);
        }
        if let Some(acl) = acls.1.filter(|_| kind == EntryKind::Directory) {
            xattrs.push((DEFAULT.to_vec(), acl.to_binary()));
        }
        xattrs.sort();
        let mtime = Mtime { seconds, nanoseconds };
        Entry { path, kind, mode, uid: ids.0, gid: ids.1, mtime, size, xattrs, map }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(wanted in any_entry()) {
        prop_assert_eq!(entry(&written(&wanted)), wanted);
    }

    #[test]
    fn a_part_is_never_taken_for_the_whole(wanted in any_entry(), cut in any::<prop::sample::Index>()) {
        let bytes = written(&wanted);
        let part = &bytes[..cut.index(bytes.len())];
        prop_assert!(matches!(parse(part), Ok(Parsed::More)));
    }

    #[test]
    fn no_bytes_make_it_panic(
        wanted in any_entry(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut bytes = written(&wanted);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
            let block = at / BLOCK * BLOCK;
            let mut header = *Header::from_bytes(bytes[block..].first_chunk().unwrap());
            header.set_checksum();
            bytes[block..block + BLOCK].copy_from_slice(header.as_bytes());
        }
        if let Ok(Parsed::Entry { consumed, entry }) = parse(&bytes) {
            prop_assert!(consumed <= bytes.len() && entry.stored() <= entry.size);
        }
    }
}

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
