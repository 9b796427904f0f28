use super::{Ext, Kind, ext, identify, probe};

const UUID: &str = "01020304-0506-0708-090a-0b0c0d0e0f10";

fn image(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut image = vec![0; 128 * 1024];
    for (at, bytes) in parts {
        image[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    image
}

fn kind_and_ids(parts: &[(usize, &[u8])]) -> Option<(Kind, Option<String>, Option<String>)> {
    let image = image(parts);
    let found = identify(&image, &image, image.len() as u64);
    found.map(|s| (s.kind, s.uuid, s.label))
}

fn uuid_bytes() -> Vec<u8> {
    (1..=16).collect()
}

#[test]
fn nothing_is_found_on_zeros_and_on_no_bytes() {
    assert_eq!(kind_and_ids(&[]), None);
    assert_eq!(identify(&[], &[], 0), None);
}

#[test]
fn tells_ext_variants_by_their_features() {
    let magic = (1024 + 0x38, &[0x53, 0xef][..]);
    let uuid = uuid_bytes();
    let ids = [magic, (1024 + 0x68, &uuid), (1024 + 0x78, b"root")];
    let with = |more: &[(usize, &[u8])]| kind_and_ids(&[&ids[..], more].concat()).unwrap();
    assert_eq!(with(&[]).0, Kind::Ext2);
    let journal = (1024 + 0x5c, &[4][..]);
    assert_eq!(with(&[journal]).0, Kind::Ext3);
    let extents = (1024 + 0x60, &[0x42][..]);
    let ext4 = (Kind::Ext4, Some(UUID.to_owned()), Some("root".to_owned()));
    assert_eq!(with(&[journal, extents]), ext4);
}

#[test]
fn what_others_can_read_of_an_ext_stands_in_its_superblock() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("device");
    let magic = (1024 + 0x38, &[0x53, 0xef][..]);
    let features = (1024 + 0x60, &[0x42, 0x80][..]);
    for (defaults, data_in_journal) in [(0x0c, false), (0x2c, true), (0x4c, false), (0x6c, false)] {
        let bytes = [defaults];
        let defaults = (1024 + 0x100, &bytes[..]);
        std::fs::write(&path, image(&[magic, features, defaults])).unwrap();
        let incompat = 0x8042;
        let expected = Ext {
            incompat,
            data_in_journal,
        };
        assert_eq!(ext(&path).unwrap(), Some(expected));
    }
    std::fs::write(&path, image(&[features])).unwrap();
    assert_eq!(ext(&path).unwrap(), None);
}

#[test]
fn a_raid_member_is_not_taken_for_the_file_system_on_it() {
    let uuid = uuid_bytes();
    let ext = (1024 + 0x38, &[0x53, 0xef][..]);
    let md = [0xfc, 0x4e, 0x2b, 0xa9, 1, 0, 0, 0];
    let end = (128 * 1024 - 8192, &md[..]);
    let parts = [ext, end, (end.0 + 16, &uuid), (end.0 + 32, b"host:0")];
    let raid = (Kind::Raid, Some(UUID.to_owned()), Some("host:0".to_owned()));
    assert_eq!(kind_and_ids(&parts), Some(raid));
}

#[test]
fn prints_an_old_raids_uuid_as_mdadm_does() {
    let at = 64 * 1024;
    let parts: [(usize, &[u8]); 4] = [
        (at, &[0xfc, 0x4e, 0x2b, 0xa9]),
        (at + 4, &[0, 0, 0, 0, 90]),
        (at + 20, &[4, 3, 2, 1]),
        (at + 52, &[8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13]),
    ];
    let (kind, uuid, _) = kind_and_ids(&parts).unwrap();
    assert_eq!((kind, uuid.as_deref()), (Kind::Raid, Some(UUID)));
}

#[test]
fn prints_ids_that_are_no_uuids_in_their_own_form() {
    let fat = kind_and_ids(&[
        (82, b"FAT32   "),
        (67, &[0x34, 0x12, 0xcd, 0xab]),
        (71, b"EFI        "),
        (510, &[0x55, 0xaa]),
    ]);
    let expected = (
        Kind::Vfat,
        Some("ABCD-1234".to_owned()),
        Some("EFI".to_owned()),
    );
    assert_eq!(fat, Some(expected));
    let (kind, uuid, _) = kind_and_ids(&[
        (512, b"LABELONE"),
        (512 + 20, &[32, 0, 0, 0]),
        (512 + 24, b"LVM2 001"),
        (512 + 32, b"abcdefghijklmnopqrstuvwxyz012345"),
    ])
    .unwrap();
    assert_eq!(kind, Kind::Lvm2);
    assert_eq!(
        uuid.as_deref(),
        Some("abcdef-ghij-klmn-opqr-stuv-wxyz-012345")
    );
}

#[test]
fn knows_what_lies_below_something_else_or_waits_to_be_resumed() {
    let kind = |parts: &[(usize, &[u8])]| kind_and_ids(parts).map(|(kind, ..)| kind);
    let ext = (1024 + 0x38, &[0x53, 0xef][..]);
    assert_eq!(kind(&[ext, (1024 + 0x60, &[8])]), Some(Kind::Journal));
    assert_eq!(kind(&[(4086, b"S1SUSPEND")]), Some(Kind::Hibernated));
    assert_eq!(kind(&[(3, b"NTFS    ")]), Some(Kind::Ntfs));
    let bcache = [
        0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f, 0x48, 0xba, 0x6d,
        0x81,
    ];
    assert_eq!(kind(&[(4096 + 24, &bcache)]), Some(Kind::Bcache));
    // The file system of the upper device is seen as well.
    let drbd = (128 * 1024 - 4096 + 60, &[0x83, 0x74, 0x02, 0x6b][..]);
    assert_eq!(kind(&[ext, drbd]), Some(Kind::Drbd));
}

#[test]
fn only_zeros_are_blank() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("device");
    let kind = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        probe(&path).unwrap().map(|found| found.kind)
    };
    let mut bytes = vec![0; 1 << 20];
    assert_eq!(kind(&bytes), None);
    for at in [0, 128 * 1024 - 1, (1 << 20) - 1] {
        bytes[at] = 1;
        assert_eq!(kind(&bytes), Some(Kind::Unknown), "{at}");
        bytes[at] = 0;
    }
}
