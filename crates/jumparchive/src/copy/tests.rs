//! On directories of this machine's: what a copy keeps, and what it never touches.

use std::fs::{self, File, Permissions};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use rustix::fs::{FileType, Mode, XattrFlags, lgetxattr, lsetxattr, mknodat};

use super::*;

/// A default ACL and an access ACL for a user 1234 (linux/posix_acl_xattr.h).
const ACL: [u8; 44] =
    *b"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x07\0\xd2\x04\0\0\x04\0\x05\0\xff\xff\xff\xff\
    \x10\0\x07\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff";
/// `cap_net_bind_service=ep` (linux/capability.h, VFS_CAP_REVISION_2).
const CAPABILITY: [u8; 20] = *b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// A source and a destination, or nothing where this user or this file system cannot have them.
struct Place {
    scratch: tempfile::TempDir,
}

impl Place {
    fn make(test: &str) -> Option<Self> {
        let scratch = tempfile::tempdir().unwrap();
        let set = lsetxattr(scratch.path(), destination::MARK, b"", XattrFlags::empty());
        if let Err(error) = set {
            println!("skipped: {test}: not root, or no extended attributes here: {error}");
            return None;
        }
        for directory in ["from", "to"] {
            fs::create_dir(scratch.path().join(directory)).unwrap();
        }
        Some(Self { scratch })
    }

    fn from(&self, path: &str) -> std::path::PathBuf {
        self.scratch.path().join("from").join(path)
    }

    fn to(&self, path: &str) -> std::path::PathBuf {
        self.scratch.path().join("to").join(path)
    }

    fn source(&self) -> Tree {
        Tree::open(&self.from("")).unwrap()
    }

    fn destination(&self, path: &str) -> Result<Destination> {
        let root = File::open(self.to("")).unwrap();
        Destination::open(root.as_fd(), path, "run/0")
    }

    /// Copies all, to the end.
    fn copy(&self) -> Result<Copied> {
        let (from, to) = (self.source(), self.destination("")?);
        let copied = match to.begin(&from, &|_| ())? {
            Some(copied) => copied,
            None => copy(&from, &to, &|_| ())?,
        };
        copied.check(&to.tree()?, &|_| ())?;
        to.end(&copied)?;
        copied.check(&to.tree()?, &|_| ())?;
        Ok(copied)
    }
}

/// One of everything.
fn fill(place: &Place) {
    fs::create_dir_all(place.from("home/ada")).unwrap();
    fs::write(place.from("home/ada/notes"), "the engine").unwrap();
    fs::hard_link(place.from("home/ada/notes"), place.from("home/other")).unwrap();
    symlink("/etc/passwd", place.from("home/link")).unwrap();
    let sparse = File::create(place.from("sparse")).unwrap();
    sparse.write_all_at(b"island", 40 << 20).unwrap();
    sparse.set_len(100 << 20).unwrap();
    let large: Vec<u8> = (0..3_000_001_u32).map(|n| (n % 251) as u8).collect();
    fs::write(place.from("large"), large).unwrap();
    fs::write(place.from("program"), "#!/bin/sh\n").unwrap();
    let directory = File::open(place.from("")).unwrap();
    let mode = Mode::from_raw_mode(0o600);
    mknodat(&directory, "fifo", FileType::Fifo, mode, 0).unwrap();
    let null = rustix::fs::makedev(1, 3);
    mknodat(&directory, "null", FileType::CharacterDevice, mode, null).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.from("socket")).unwrap();
    chown(place.from("home/ada"), Some(1007), Some(1008)).unwrap();
    std::os::unix::fs::lchown(place.from("home/link"), Some(1007), None).unwrap();
    fs::set_permissions(place.from("home/ada"), Permissions::from_mode(0o2750)).unwrap();
    set(place, "home/ada", "system.posix_acl_default", &ACL);
    set(place, "home/ada/notes", "system.posix_acl_access", &ACL);
    set(place, "program", "security.capability", &CAPABILITY);
    set(place, "program", "trusted.kept", b"\n\0");
    let old = std::time::UNIX_EPOCH + std::time::Duration::new(1_234_567_890, 123_456_789);
    for path in ["home/ada", "home", "large", ""] {
        File::open(place.from(path))
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
}

fn set(place: &Place, path: &str, name: &str, value: &[u8]) {
    lsetxattr(place.from(path), name, value, XattrFlags::empty()).unwrap();
}

fn attribute(path: &Path, name: &str) -> Vec<u8> {
    let mut value = vec![0; 256];
    let length = lgetxattr(path, name, &mut value).unwrap();
    value.truncate(length);
    value
}

#[test]
fn keeps_what_an_image_keeps_and_holes() {
    let Some(place) = Place::make("keeps_what_an_image_keeps_and_holes") else {
        return;
    };
    fill(&place);
    let copied = place.copy().unwrap();
    assert_eq!(copied.sockets, 1);
    assert!(!place.to("socket").exists());
    let look = |path: &str| fs::symlink_metadata(place.to(path)).unwrap();
    assert_eq!(fs::read(place.to("home/ada/notes")).unwrap(), b"the engine");
    assert_eq!(look("home/ada/notes").ino(), look("home/other").ino());
    assert_eq!(
        (look("home/ada").uid(), look("home/ada").gid()),
        (1007, 1008)
    );
    assert_eq!(look("home/ada").mode() & 0o7777, 0o2750);
    assert_eq!(look("home/link").uid(), 1007);
    assert_eq!(
        fs::read_link(place.to("home/link")).unwrap(),
        Path::new("/etc/passwd")
    );
    assert_eq!(look("null").rdev(), rustix::fs::makedev(1, 3));
    assert_eq!(
        (look("sparse").len(), look("sparse").blocks() < 1024),
        (100 << 20, true)
    );
    assert_eq!(
        fs::read(place.to("large")).unwrap(),
        fs::read(place.from("large")).unwrap()
    );
    for path in ["home/ada", "home", "large", ""] {
        assert_eq!(
            (look(path).mtime(), look(path).mtime_nsec()),
            (1_234_567_890, 123_456_789)
        );
    }
    assert_eq!(
        attribute(&place.to("home/ada"), "system.posix_acl_default"),
        ACL
    );
    assert_eq!(
        attribute(&place.to("home/ada/notes"), "system.posix_acl_access"),
        ACL
    );
    assert_eq!(
        attribute(&place.to("program"), "security.capability"),
        CAPABILITY
    );
    assert_eq!(attribute(&place.to("program"), "trusted.kept"), b"\n\0");
    assert!(lgetxattr(place.to(""), destination::MARK, &mut [0; 8][..]).is_err());
}

#[test]
fn what_an_unfinished_copy_has_left_is_done_again() {
    let Some(place) = Place::make("what_an_unfinished_copy_has_left_is_done_again") else {
        return;
    };
    fill(&place);
    fs::create_dir(place.to("lost+found")).unwrap();
    let (from, to) = (place.source(), place.destination("").unwrap());
    assert!(to.begin(&from, &|_| ()).unwrap().is_none());
    fs::create_dir_all(place.to("home/half")).unwrap();
    fs::write(place.to("large"), "half").unwrap();
    symlink(place.from(""), place.to("out")).unwrap();
    place.copy().unwrap();
    assert!(!place.to("home/half").exists() && !place.to("out").exists());
    assert!(place.to("lost+found").is_dir() && place.from("large").exists());
}

#[test]
fn a_copy_that_is_whole_is_not_made_again() {
    let Some(place) = Place::make("a_copy_that_is_whole_is_not_made_again") else {
        return;
    };
    fill(&place);
    place.copy().unwrap();
    let inode = || fs::metadata(place.to("large")).unwrap().ino();
    let before = inode();
    place.copy().unwrap();
    assert_eq!(inode(), before);
}

#[test]
fn what_is_there_already_is_kept() {
    let Some(place) = Place::make("what_is_there_already_is_kept") else {
        return;
    };
    fill(&place);
    fs::write(place.to("precious"), "mine").unwrap();
    let error = place.copy().unwrap_err();
    assert!(
        matches!(
            error,
            Error::Refused {
                why: crate::Refusal::Exists,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(fs::read(place.to("precious")).unwrap(), b"mine");
    assert!(!place.to("large").exists());
}

#[test]
fn a_mark_of_another_copy_is_no_leave_to_remove_anything() {
    let Some(place) = Place::make("a_mark_of_another_copy_is_no_leave_to_remove_anything") else {
        return;
    };
    fs::write(place.to("precious"), "mine").unwrap();
    lsetxattr(
        place.to(""),
        destination::MARK,
        b"other/0",
        XattrFlags::empty(),
    )
    .unwrap();
    place.copy().unwrap_err();
    assert_eq!(fs::read(place.to("precious")).unwrap(), b"mine");
}

#[test]
fn refuses_a_symlink_on_the_way_and_makes_what_is_missing() {
    let Some(place) = Place::make("refuses_a_symlink_on_the_way_and_makes_what_is_missing") else {
        return;
    };
    symlink(place.from(""), place.to("out")).unwrap();
    place.destination("out/home").unwrap_err();
    assert_eq!(fs::read_dir(place.from("")).unwrap().count(), 0);
    place.destination("a/b").unwrap();
    assert!(place.to("a/b").is_dir());
}

#[test]
fn tells_what_the_disk_has_changed() {
    let Some(place) = Place::make("tells_what_the_disk_has_changed") else {
        return;
    };
    fill(&place);
    let copied = place.copy().unwrap();
    let check = || copied.check(&place.destination("").unwrap().tree().unwrap(), &|_| ());
    let large = fs::OpenOptions::new()
        .write(true)
        .open(place.to("large"))
        .unwrap();
    let before = large.metadata().unwrap().modified().unwrap();
    large.write_all_at(b"!", 2_500_000).unwrap();
    large.set_modified(before).unwrap();
    assert!(
        check()
            .unwrap_err()
            .to_string()
            .starts_with("large is not what")
    );
    fs::remove_file(place.to("large")).unwrap();
    check().unwrap_err();
}

#[test]
fn tells_what_is_missing_at_the_end() {
    let Some(place) = Place::make("tells_what_is_missing_at_the_end") else {
        return;
    };
    fs::create_dir(place.from("a")).unwrap();
    fs::create_dir(place.from("a/b")).unwrap();
    let copied = place.copy().unwrap();
    let modified = fs::metadata(place.from("a")).unwrap().modified().unwrap();
    fs::remove_dir(place.to("a/b")).unwrap();
    File::open(place.to("a"))
        .unwrap()
        .set_modified(modified)
        .unwrap();
    let tree = place.destination("").unwrap().tree().unwrap();
    let error = copied.check(&tree, &|_| ()).unwrap_err();
    assert!(error.to_string().contains("lacks something"), "{error}");
}
