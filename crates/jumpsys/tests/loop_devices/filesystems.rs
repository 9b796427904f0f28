//! File systems and swap: made by mkfs, found by us and by blkid.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use jumpspec::disk::Filesystem;
use jumpsys::cmd::Program;
use jumpsys::disk::superblock::{self, Kind};
use jumpsys::disk::swap;
use jumpsys::files::mount::{swapoff, swapon};
use jumpsys::files::mountinfo::read_swaps;

use crate::device::{Loop, UUID, make, mbr, mount_at, part};

/// What blkid says, as (TYPE, UUID, LABEL); `None` where there is no blkid.
fn blkid(device: &Path) -> Option<(String, String, String)> {
    let out = Command::new("/usr/sbin/blkid")
        .args(["-p", "-o", "export"])
        .arg(device)
        .output();
    let Ok(out) = out else {
        println!("skipped: blkid's opinion on {}: no blkid", device.display());
        return None;
    };
    let text = String::from_utf8(out.stdout).unwrap();
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|l| l.strip_prefix(&format!("{name}=")));
        line.unwrap_or_default().to_owned()
    };
    Some((value("TYPE"), value("UUID"), value("LABEL")))
}

fn agrees_with_blkid(device: &Path) {
    let ours = superblock::probe(device).unwrap().expect("something on it");
    let Some(theirs) = blkid(device) else { return };
    let ours = (
        ours.kind.name().to_owned(),
        ours.uuid.unwrap_or_default(),
        ours.label.unwrap_or_default(),
    );
    assert_eq!(ours, theirs);
}

/// The arguments by which mkfs makes a file system labelled JUMP.
pub(crate) const MADE: [(&str, &[&str]); 6] = [
    ("ext2", &["-F", "-q", "-L", "JUMP"]),
    ("ext3", &["-F", "-q", "-L", "JUMP"]),
    ("ext4", &["-F", "-q", "-L", "JUMP"]),
    ("xfs", &["-f", "-q", "-L", "JUMP"]),
    ("btrfs", &["-f", "-q", "-L", "JUMP"]),
    ("vfat", &["-n", "JUMP"]),
];

/// mkfs for a file system of that name.
pub(crate) fn program(fs: &str) -> String {
    format!("/usr/sbin/mkfs.{fs}")
}

pub(crate) fn what_mkfs_makes_is_what_we_and_blkid_find(fs: &str, arguments: &[&str]) {
    // mkfs.xfs wants 300 MiB.
    let disk = Loop::new(400);
    disk.divide(&mbr(vec![part(1, 2048, 700_000, "0x83")]));
    let device = disk.part(1);
    // What another file system left is gone, too.
    make(Filesystem::Ext4, &device);
    swap::wipe_signatures(&device).unwrap();
    assert_eq!(superblock::probe(&device).unwrap(), None);
    let mkfs = Program::new(program(fs)).args(arguments).arg(&device);
    mkfs.run().unwrap();
    let found = superblock::probe(&device).unwrap().unwrap();
    assert_eq!(found.kind.name(), fs);
    assert_eq!(found.label.as_deref(), Some("JUMP"));
    agrees_with_blkid(&device);
}

pub(crate) fn swap_over_another_file_system_is_swap_alone() {
    let disk = Loop::new(32);
    disk.divide(&mbr(vec![part(2, 2048, 40960, "0x82")]));
    let device = disk.part(2);
    make(Filesystem::Ext4, &device);
    swap::make_swap(&device, UUID, Some("swap0")).unwrap();
    let found = superblock::probe(&device).unwrap().unwrap();
    assert_eq!(
        (found.kind, found.uuid.as_deref()),
        (Kind::Swap, Some(UUID))
    );
    agrees_with_blkid(&device);
    if let Err(e) = swapon(&device) {
        println!("skipped: swapping to it: {e}: {}", e.source);
        return;
    }
    assert!(read_swaps().unwrap().iter().any(|s| s.path == device));
    let again = swap::make_swap(&device, UUID, None);
    assert!(again.is_err(), "made anew while in use");
    swapoff(&device).unwrap();
}

pub(crate) fn what_somebody_looks_into_is_unmounted_once_he_has_looked() {
    let disk = Loop::new(16);
    disk.divide(&mbr(vec![part(1, 2048, 16384, "0x83")]));
    let scratch = tempfile::tempdir().unwrap();
    make(Filesystem::Ext4, &disk.part(1));
    let mounted = mount_at(&disk.part(1), scratch.path(), "ext4");
    let open = File::open(scratch.path()).unwrap();
    let looks = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        drop(open);
    });
    mounted.unmount().unwrap();
    looks.join().unwrap();
}
