//! What has to be on the disk before a commit counts.

use std::fs::{self, File};
use std::time::Duration;

use jumpspec::disk::Filesystem;
use jumpsys::cmd::Program;
use jumpsys::disk::durable::{self, DurableError};
use jumpsys::files::atomic::write_atomic;
use jumpsys::files::freeze::{Freeze, settle};
use jumpsys::files::mountinfo::read_mountinfo;

use crate::device::{Loop, make, mount_at};

/// As a boot loader sees it: debugfs replays no journal either, and the file behind the device has
/// only what was written to the device.
pub(crate) fn what_is_settled_is_read_without_the_journal() {
    let disk = Loop::new(32);
    make(Filesystem::Ext4, &disk.path);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grub.cfg");
    let mounted = mount_at(&disk.path, dir.path(), "ext4");
    fs::write(&path, "old").unwrap();
    mounted.unmount().unwrap();
    let mounted = mount_at(&disk.path, dir.path(), "ext4");
    write_atomic(&path, b"new", 0o644).unwrap();
    settle(dir.path()).unwrap();
    let debugfs = Program::new("/usr/sbin/debugfs").args(["-R", "cat /grub.cfg"]);
    let read = debugfs.arg(&disk.image).run().unwrap().stdout_text();
    assert_eq!(read, "new");
    mounted.unmount().unwrap();
}

pub(crate) fn a_forgotten_freeze_thaws() {
    let disk = Loop::new(32);
    make(Filesystem::Ext4, &disk.path);
    let dir = tempfile::tempdir().unwrap();
    let mounted = mount_at(&disk.path, dir.path(), "ext4");
    assert!(
        read_mountinfo()
            .unwrap()
            .iter()
            .any(|m| m.mount_point == dir.path())
    );
    let frozen = Freeze::start(dir.path(), Duration::from_millis(300)).unwrap();
    let late = dir.path().join("late");
    // Blocks until the guardian thaws at its limit.
    fs::write(&late, "x").unwrap();
    assert_eq!(frozen.thaw().unwrap_err().errno(), Some(22));
    mounted.unmount().unwrap();
}

/// Flushes of a device's cache since it is there (kernel documentation, block/stat).
fn flushes(disk: &Loop) -> u64 {
    let name = disk.path.file_name().unwrap().to_string_lossy();
    let stat = fs::read_to_string(format!("/sys/block/{name}/stat")).unwrap();
    stat.split_whitespace().nth(15).unwrap().parse().unwrap()
}

/// Else a power cut could lose it, whatever was read back.
pub(crate) fn a_durable_write_has_left_the_devices_cache() {
    let disk = Loop::new(1);
    let before = flushes(&disk);
    durable::write_at(&disk.path, 4096, b"commit").unwrap();
    assert!(flushes(&disk) > before, "the device was not flushed");
}

/// The device that is written to is not the one that is read, as with one that lies.
pub(crate) fn a_durable_write_that_does_not_read_back_is_an_error() {
    let (written, read) = (Loop::new(1), Loop::new(1));
    let file = File::options().write(true).open(&written.path).unwrap();
    let lost = durable::write_open(&file, &read.path, 4096, b"commit");
    assert!(
        matches!(lost, Err(DurableError::ReadBack { offset: 4096, .. })),
        "{lost:?}"
    );
}
