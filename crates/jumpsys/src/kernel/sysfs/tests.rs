use super::{
    DiskKind, Firmware, SYS, bios_disk_signature, firmware, is_crypt, length, parse_vpd_pg80,
    processors, read_disks, watchdogs,
};
use jumpspec::disk::Extent;
use std::fs;
use std::path::Path;

fn put(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn reads_a_virtio_disk_with_a_partition_and_skips_ram_disks() {
    let sys = tempfile::tempdir().unwrap();
    put(
        sys.path(),
        &[
            ("block/vda/dev", "254:0\n"),
            ("block/vda/size", "2048\n"),
            ("block/vda/ro", "0\n"),
            ("block/vda/serial", "disk-1\n"),
            ("block/vda/queue/logical_block_size", "512\n"),
            ("block/vda/queue/rotational", "1\n"),
            ("block/vda/vda2/partition", "2\n"),
            ("block/vda/vda2/dev", "254:2\n"),
            ("block/vda/vda2/start", "1024\n"),
            ("block/vda/vda2/size", "512\n"),
            ("block/vda/vda2/holders/dm-0", ""),
            ("block/ram0/size", "64\n"),
            ("block/loop0/dev", "7:0\n"),
            ("block/loop0/size", "0\n"),
        ],
    );
    let disks = read_disks(sys.path()).unwrap();
    assert_eq!(disks.len(), 1);
    let disk = &disks[0];
    assert_eq!((disk.name.as_str(), disk.size), ("vda", 1 << 20));
    assert_eq!((disk.kind, disk.rotational), (DiskKind::Plain, true));
    assert_eq!(disk.serial.as_deref(), Some("disk-1"));
    assert_eq!(disk.partitions[0].number, 2);
    assert_eq!(disk.partitions[0].device, (254, 2));
    assert_eq!(disk.partitions[0].holders, ["dm-0"]);
    let extent = Extent {
        start: 1024,
        sectors: 512,
    };
    assert_eq!(disk.partitions[0].extent, extent);
}

#[test]
fn knows_the_disk_that_the_bios_boots_from_where_edd_says_it() {
    let sys = tempfile::tempdir().unwrap();
    assert_eq!(bios_disk_signature(sys.path()), None);
    let file = "firmware/edd/int13_dev80/mbr_signature";
    for (text, signature) in [
        ("0x6a756d70\n", Some("6a756d70")),
        ("0x00000000\n", None),
        ("junk", None),
    ] {
        put(sys.path(), &[(file, text)]);
        assert_eq!(bios_disk_signature(sys.path()).as_deref(), signature);
    }
}

#[test]
fn knows_an_open_volume_by_the_name_of_its_mapping() {
    let sys = tempfile::tempdir().unwrap();
    put(
        sys.path(),
        &[
            ("block/dm-0/dm/uuid", "CRYPT-LUKS2-1234-data\n"),
            ("block/dm-1/dm/uuid", "LVM-abcd\n"),
        ],
    );
    let is = |name| is_crypt(sys.path(), name);
    assert_eq!([is("dm-0"), is("dm-1"), is("md0")], [true, false, false]);
}

#[test]
fn reads_a_scsi_serial_from_its_raw_page() {
    assert_eq!(
        parse_vpd_pg80(b"\x00\x80\x00\x08  Z1D2  "),
        Some("Z1D2".to_owned())
    );
    assert_eq!(parse_vpd_pg80(b"\x00\x83\x00\x02Z1"), None);
    assert_eq!(parse_vpd_pg80(b"\x00\x80\x00\x09Z1"), None);
}

#[test]
fn knows_efi_and_watchdogs_by_their_directories() {
    let sys = tempfile::tempdir().unwrap();
    assert_eq!(firmware(sys.path()), Firmware::Bios);
    assert!(watchdogs(sys.path()).unwrap().is_empty());
    put(
        sys.path(),
        &[
            ("firmware/efi/runtime", ""),
            ("class/watchdog/watchdog0/identity", "iTCO_wdt\n"),
            ("class/watchdog/watchdog0/timeout", "30\n"),
        ],
    );
    assert_eq!(firmware(sys.path()), Firmware::Efi);
    let dogs = watchdogs(sys.path()).unwrap();
    assert_eq!(dogs[0].identity.as_deref(), Some("iTCO_wdt"));
    assert_eq!((dogs[0].timeout, dogs[0].nowayout), (Some(30), None));
}

#[test]
fn counts_the_processors_of_a_list_of_ranges() {
    assert_eq!(length("0"), Some(1));
    assert_eq!(length("0-3,8,12-13"), Some(7));
    for wrong in ["", "3-1", "a", "0-4294967295"] {
        assert_eq!(length(wrong), None, "{wrong}");
    }
    assert!(processors(Path::new(SYS)).unwrap() > 0);
}
