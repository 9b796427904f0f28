//! What was staged on a borrowed partition is nowhere on it afterwards.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use jumpspec::disk::Filesystem;
use jumpsys::disk::erase::erase;
use jumpsys::disk::ext4::{Written, written};
use jumpsys::disk::superblock;
use jumpsys::files::mount::lies_on;

use crate::device::{Loop, UUID, make, mount_at};

const SECRET: &[u8; 16] = b"nobody else's 16";

pub(crate) fn what_was_written_to_a_file_system_is_erased_also_after_a_cut() {
    let disk = Loop::new(1024);
    make(Filesystem::Ext4, &disk.path);
    let dir = tempfile::tempdir().unwrap();
    let mounted = mount_at(&disk.path, dir.path(), "ext4");
    let secrets = SECRET.repeat(1 << 20);
    fs::write(dir.path().join("removed"), &secrets).unwrap();
    fs::write(dir.path().join("kept"), &secrets).unwrap();
    nix::unistd::sync();
    fs::remove_file(dir.path().join("removed")).unwrap();
    assert!(lies_on(dir.path(), &disk.path).unwrap());
    assert!(!lies_on(Path::new("/"), &disk.path).unwrap());
    assert!(!lies_on(dir.path(), Path::new("/dev/null")).unwrap());
    mounted.unmount().unwrap();
    assert!(is_there(&disk));
    let Written::Runs(runs) = written(&disk.path).unwrap() else {
        panic!("a file system that was just made keeps its record");
    };
    let total: u64 = runs.iter().map(|run| run.end - run.start).sum();
    assert!(total < 1 << 30, "all of the device counts as written");
    let mut pieces = 0;
    let mut cut = |_, _| {
        pieces += 1;
        pieces < 3
    };
    assert!(!erase(&disk.path, &runs, &mut cut).unwrap());
    let found = superblock::probe(&disk.path).unwrap().unwrap();
    assert_eq!(found.uuid.as_deref(), Some(UUID), "it cannot be done again");
    assert_eq!(written(&disk.path).unwrap(), Written::Runs(runs.clone()));
    assert!(erase(&disk.path, &runs, &mut |_, _| true).unwrap());
    assert!(!is_there(&disk));
    assert!(superblock::probe(&disk.path).unwrap().is_none());
}

fn is_there(disk: &Loop) -> bool {
    let mut device = File::open(&disk.path).unwrap();
    let mut piece = vec![0; 1 << 20];
    while device.read_exact(&mut piece).is_ok() {
        if piece
            .chunks_exact(SECRET.len())
            .any(|chunk| chunk == SECRET)
        {
            return true;
        }
    }
    false
}
