use super::{Landing, Request};
use crate::nextrel::{Look, Wrong};

/// A node as in 2009: /boot, root and swap, and a disk beside.
const SAID: &str = "\
== swaps
Filename\tType\tSize\tUsed\tPriority
/dev/sda2 partition 1951888 0 -1
/swapfile file 1024 0 -2
== mounts
rootfs / rootfs rw 0 0
/dev/sda3 / ext3 rw 0 0
/dev/sda1 /boot ext3 rw 0 0
== partitions
major minor  #blocks  name

   8        0    8388608 sda
   8        1     204800 sda1
   8        2    1951888 sda2
   8        3    6000000 sda3
   8        4          1 sda4
   8       17    4000000 sdb1
   8       18    4000000 sdb2
== holders
/sys/class/block/sdb1/holders/md0
/sys/class/block/*/holders/*
== signatures
/dev/sda1: UUID=\"a\" TYPE=\"ext3\"
/dev/sda2: UUID=\"b\" TYPE=\"swap\"
/dev/sda3: LABEL=\"TYPE=swap\" UUID=\"c\" SEC_TYPE=\"ext2\" TYPE=\"ext3\"
/dev/sdb1: UUID=\"d\" TYPE=\"linux_raid_member\"
== drives
(fd0) /dev/fd0
(hd0) /dev/sdb
(hd1) /dev/sda
== named
";

fn request(partition: &str) -> Request {
    Request::new(partition, Some("/media/jump/")).unwrap()
}

fn chosen(said: &str, partition: &str) -> Result<Landing, Wrong> {
    request(partition).choose(&Look::read(said))
}

fn reason(said: &str, partition: &str) -> String {
    chosen(said, partition).unwrap_err().reason
}

/// The node after `jump(usepartition, swap)`.
fn taken() -> String {
    SAID.replace("/dev/sda2 partition 1951888 0 -1\n", "")
        .replace(
            "/dev/sda1 /boot",
            "/dev/sda2 /media/jump ext3 rw 0 0\n/dev/sda1 /boot",
        )
        .replace(
            "UUID=\"b\" TYPE=\"swap\"",
            "LABEL=\"jump2nr\" UUID=\"e\" TYPE=\"ext3\"",
        )
}

#[test]
fn the_swap_partition_is_taken_as_grubs_device_map_counts_it() {
    let landing = chosen(SAID, "swap").unwrap();
    assert_eq!(
        landing.values(),
        ["/dev/sda2", "/dev/sda", "hd1,1", "/media/jump"]
    );
    insta::assert_snapshot!(landing.make_script(), @r#"
    set -e
    PATH=$PATH:/usr/sbin:/sbin; export PATH
    kind=$(blkid -p -o value -s PART_ENTRY_TYPE '/dev/sda2' || :)
    [ "$kind" != 0x82 ] || sfdisk --version >/dev/null
    swapoff '/dev/sda2'
    mkfs.ext3 -q -F -I 128 -L jump2nr '/dev/sda2'
    [ "$kind" != 0x82 ] || sfdisk -q --no-reread --no-tell-kernel --part-type '/dev/sda' 2 83
    mkdir -p '/media/jump'
    mount -t ext3 '/dev/sda2' '/media/jump'
    "#);
    let without = SAID.replace("(hd1) /dev/sda", "");
    assert_eq!(chosen(&without, "swap").unwrap().values()[2], "hd0,1");
}

#[test]
fn a_named_partition_is_followed_to_what_it_is() {
    let said = format!("{SAID}/dev/sda2\n");
    assert_eq!(
        chosen(&said, "/dev/disk/by-id/x-part2").unwrap().device(),
        "/dev/sda2"
    );
    let said = format!("{SAID}/dev/dm-3\n");
    assert_eq!(
        reason(&said, "/dev/vg/swap"),
        "/dev/vg/swap is no partition of a disk"
    );
}

#[test]
fn what_holds_anything_but_swap_is_refused_by_its_reason() {
    let cases = [
        ("/dev/sda1", "/dev/sda1 is mounted at /boot"),
        ("/dev/sda3", "/dev/sda3 is mounted at /"),
        ("/dev/sda4", "/dev/sda4 has 1 KiB: no system fits into it"),
        ("/dev/sda9", "the node has no partition /dev/sda9"),
        ("/dev/sda", "/dev/sda is no partition of a disk"),
        ("/dev/sdb1", "/dev/sdb1 is part of an array or of a volume"),
        (
            "/dev/sdb2",
            "/dev/sdb2 is not swap: it holds nothing that blkid knows",
        ),
    ];
    for (device, wanted) in cases {
        assert_eq!(reason(SAID, device), wanted);
    }
    let unmounted = SAID.replace("/dev/sda3 / ext3", "/dev/root / ext3");
    assert_eq!(
        reason(&unmounted, "/dev/sda3"),
        "/dev/sda3 is not swap: it holds ext3"
    );
    let taken = SAID.replace("/boot ext3", "/media/jump ext3");
    assert_eq!(
        reason(&taken, "swap"),
        "/dev/sda1 is mounted at /media/jump already"
    );
}

#[test]
fn none_and_several_swap_partitions_are_refused() {
    let none = SAID
        .replace("/dev/sda2 partition", "/dev/dm-1 partition")
        .replace("TYPE=\"swap\"", "TYPE=\"swsuspend\"");
    assert_eq!(
        reason(&none, "swap"),
        "the node has no swap partition: its swap is on /dev/dm-1"
    );
    let several = SAID.replace("TYPE=\"linux_raid_member\"", "TYPE=\"swap\"");
    assert_eq!(
        reason(&several, "swap"),
        "the node has several swap partitions: /dev/sda2, /dev/sdb1"
    );
}

#[test]
fn what_was_made_is_found_again_and_made_anew_only_when_asked() {
    let look = Look::read(&taken());
    let again = request("swap").find_again(&look).unwrap();
    assert_eq!(again.values(), chosen(SAID, "swap").unwrap().values());
    assert_eq!(again.mount_script(), None);
    let anew = chosen(&taken(), "swap").unwrap().make_script();
    assert!(anew.contains("umount '/media/jump'\nmkfs.ext3"), "{anew}");
    let rebooted = taken().replace("/dev/sda2 /media/jump ext3 rw 0 0\n", "");
    let again = request("swap").find_again(&Look::read(&rebooted)).unwrap();
    assert!(!again.mount_script().unwrap().contains("mkfs"));
    let gone = request("swap").find_again(&Look::read(SAID)).unwrap_err();
    assert_eq!(gone.cure, "go on from this line, which makes it");
}

#[test]
fn what_a_shell_would_take_apart_is_no_device_and_no_mount_point() {
    for device in [
        "/dev/a b",
        "/dev/$(x)",
        "/dev/../etc/passwd",
        "/dev/'",
        "sda2",
        "Swap",
        "",
    ] {
        assert!(Request::new(device, None).is_err(), "{device}");
    }
    for mount in ["", "/", "media", "/a b", "/a/../..", "/'", "/;x"] {
        assert!(Request::new("swap", Some(mount)).is_err(), "{mount}");
    }
    assert_eq!(Request::new("swap", None).unwrap().mount, "/media/jump");
}

#[test]
fn a_node_that_says_anything_names_no_command() {
    let said = "== swaps\n/dev/$(reboot)2 partition 1 1 1\n/dev/sda'2 partition\n== signatures\n/dev/;x: TYPE=\"swap\"\n";
    assert!(reason(said, "swap").starts_with("the node has no swap partition"));
}
