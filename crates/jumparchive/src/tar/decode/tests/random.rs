//! Random entries, whole, cut and damaged.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{BLOCK, Header, entry, parse, written};
use crate::tar::acl::{ACCESS, Acl, DEFAULT};
use crate::tar::decode::Parsed;
use crate::tar::entry::{Entry, EntryKind};
use crate::tar::mtime::Mtime;
use crate::tar::sparse::Extent;

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
