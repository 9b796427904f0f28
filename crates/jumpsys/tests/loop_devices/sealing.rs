//! The reserved area of a partition: its journal, and the key of the sealed files.

use std::fs::{self, File};

use jumpspec::disk::Filesystem;
use jumpsys::disk::mkfs::{MkfsSpec, mkfs};
use jumpsys::files::sealed::{Key, KeySector, Reader, Writer};
use jumpsys::journal_slots::SlotPair;

use crate::device::{Loop, UUID, mbr, mount_at, part};

pub(crate) fn a_journal_lives_on_a_partition() {
    let disk = Loop::new(16);
    disk.divide(&mbr(vec![part(1, 2048, 16384, "0x83")]));
    let device = disk.part(1);
    let mut pair = SlotPair::open(&device, 4 << 20).unwrap();
    for entry in [&b"one"[..], b"two", b"three"] {
        pair.write(entry).unwrap();
    }
    let newest = SlotPair::open(&device, 4 << 20).unwrap().read_newest();
    assert_eq!(newest.unwrap().unwrap().payload, b"three");
}

pub(crate) fn sealed_files_are_nobodys_once_their_key_is_erased() {
    let disk = Loop::new(64);
    disk.divide(&mbr(vec![part(2, 2048, 98_304, "0x82")]));
    let device = disk.part(2);
    let reserved = (48 << 20) - (1 << 20);
    mkfs(&MkfsSpec {
        fs: Filesystem::Ext4,
        device: &device,
        uuid: Some(UUID),
        label: None,
        root: None,
        size: Some(reserved),
    })
    .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mounted = mount_at(&device, dir.path(), "ext4");
    let (place, key) = (
        KeySector::new(&device, reserved + 8192),
        Key::random().unwrap(),
    );
    place.write(&key).unwrap();
    let path = dir.path().join("saved");
    let writer = Writer::new(File::create(&path).unwrap(), &path, &key).unwrap();
    let secret = "a secret that nobody else has ".repeat(10_000);
    let (front, rest) = secret.as_bytes().split_at(64 << 10);
    writer.write_all_at(rest, 64 << 10).unwrap();
    writer.write_all_at(front, 0).unwrap();
    writer.finish().unwrap();
    let mut found = vec![0; secret.len()];
    let reader = Reader::open(&path, &place.read().unwrap()).unwrap();
    reader.read_exact_at(&mut found, 0).unwrap();
    assert_eq!(found, secret.as_bytes());
    // The journal beside the key is another block.
    let mut pair = SlotPair::open(&device, reserved).unwrap();
    pair.write(b"journal").unwrap();
    place.read().unwrap();
    place.erase().unwrap();
    assert!(place.read().is_err());
    assert_eq!(pair.read_newest().unwrap().unwrap().payload, b"journal");
    drop((reader, writer));
    mounted.unmount().unwrap();
    let bytes = fs::read(&device).unwrap();
    let open = bytes
        .windows(16)
        .any(|window| window == &secret.as_bytes()[..16]);
    assert!(!open && !bytes.windows(8).any(|window| window == b"JUMPKEY1"));
}
