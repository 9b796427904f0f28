//! Images made, opened, checked and unpacked, without privileges.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use jumparchive::{
    Decision, Error, Existing, Image, PackOptions, Packer, Tree, UnpackOptions, Virtual,
    VirtualKind, extract_subset, pack_paths, read_file, unpack, unpack_stream, unpack_tar, verify,
};
use jumpspec::words::relpath::RelPath;

fn path(text: &str) -> RelPath {
    text.parse().unwrap()
}

/// A little of everything that needs no privileges.
fn plant(root: &Path) {
    fs::create_dir_all(root.join("etc/ssh")).unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0\n").unwrap();
    fs::write(root.join("etc/ssh/key"), "secret").unwrap();
    fs::set_permissions(root.join("etc/ssh/key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(root.join("etc/passwd"), root.join("etc/twin")).unwrap();
    symlink("/etc/passwd", root.join("link")).unwrap();
    let long = "n".repeat(200);
    fs::write(root.join(&long), "long name").unwrap();
    symlink(&long, root.join("long-link")).unwrap();
    let noise: Vec<u8> = (0..20_000_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .take(20_000_000)
        .collect();
    fs::write(root.join("large"), noise).unwrap();
}

fn pack(root: &Path, out: &Path) {
    let packer = Packer::new(create(out), &PackOptions::default()).unwrap();
    let tree = Tree::open(root).unwrap();
    packer
        .pack(&tree, &|_| Decision::Store, None, &|_| ())
        .unwrap();
}

fn create(path: &Path) -> File {
    File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .unwrap()
}

struct Planted {
    scratch: tempfile::TempDir,
    image: std::path::PathBuf,
}

impl Planted {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        plant(&root);
        let image = scratch.path().join("image");
        pack(&root, &image);
        Self { scratch, image }
    }

    fn open(&self) -> Result<Image, Error> {
        Image::open(File::open(&self.image).unwrap())
    }

    fn check(&self) -> Result<(), Error> {
        verify(self.open()?, &|_| ()).map(|_| ())
    }

    fn directory(&self, name: &str) -> (std::path::PathBuf, File) {
        let path = self.scratch.path().join(name);
        fs::create_dir(&path).unwrap();
        let file = File::open(&path).unwrap();
        (path, file)
    }

    fn assert_same(&self, copy: &Path) {
        let root = self.scratch.path().join("root");
        for name in ["etc/passwd", "etc/ssh/key", "large", "", "etc", "link"] {
            let (one, two) = (root.join(name), copy.join(name));
            let (one_is, two_is) = (
                one.symlink_metadata().unwrap(),
                two.symlink_metadata().unwrap(),
            );
            assert_eq!(one_is.mode(), two_is.mode(), "{name}");
            assert_eq!(
                (one_is.mtime(), one_is.mtime_nsec()),
                (two_is.mtime(), two_is.mtime_nsec()),
                "{name}"
            );
            if one_is.is_file() {
                assert_eq!(fs::read(one).unwrap(), fs::read(two).unwrap(), "{name}");
            }
        }
        let inode = |name: &str| copy.join(name).metadata().unwrap().ino();
        assert_eq!(inode("etc/passwd"), inode("etc/twin"));
        assert_eq!(
            fs::read_link(copy.join("long-link"))
                .unwrap()
                .as_os_str()
                .len(),
            200
        );
    }
}

#[test]
fn what_was_packed_is_verified_and_unpacked() {
    let planted = Planted::new();
    let image = planted.open().unwrap();
    assert!(image.frames().len() > 2);
    let image = verify(image, &|_| ()).unwrap();
    let (copy, fd) = planted.directory("copy");
    let summary = unpack(&image, fd.as_fd(), &UnpackOptions::default()).unwrap();
    assert_eq!(summary.entries, image.entry_count());
    planted.assert_same(&copy);
}

#[test]
fn a_stream_is_unpacked_and_a_cut_or_changed_one_is_refused() {
    let planted = Planted::new();
    let bytes = fs::read(&planted.image).unwrap();
    let (copy, fd) = planted.directory("copy");
    unpack_stream(bytes.as_slice(), fd.as_fd(), &UnpackOptions::default()).unwrap();
    planted.assert_same(&copy);
    for cut in [10, 70_000, bytes.len() / 2, bytes.len() - 1] {
        let (_, fd) = planted.directory(&format!("cut{cut}"));
        assert!(
            unpack_stream(&bytes[..cut], fd.as_fd(), &UnpackOptions::default()).is_err(),
            "{cut}"
        );
    }
    for at in [65_600, bytes.len() / 2, bytes.len() - 20] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        let (_, fd) = planted.directory(&format!("flip{at}"));
        assert!(
            unpack_stream(flipped.as_slice(), fd.as_fd(), &UnpackOptions::default()).is_err(),
            "{at}"
        );
    }
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let planted = Planted::new();
    let again = planted.scratch.path().join("again");
    pack(&planted.scratch.path().join("root"), &again);
    assert!(fs::read(&planted.image).unwrap() == fs::read(again).unwrap());
}

#[test]
fn refuses_to_overwrite_unless_told_to_replace() {
    let planted = Planted::new();
    let image = planted.open().unwrap();
    let (copy, fd) = planted.directory("copy");
    let options = UnpackOptions::default();
    unpack(&image, fd.as_fd(), &options).unwrap();
    assert!(matches!(
        unpack(&image, fd.as_fd(), &options),
        Err(Error::Refused { .. })
    ));
    fs::write(copy.join("etc/ssh/key"), "other").unwrap();
    let options = UnpackOptions {
        existing: Existing::Replace,
        ..options
    };
    unpack(&image, fd.as_fd(), &options).unwrap();
    planted.assert_same(&copy);
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let planted = Planted::new();
    planted.check().unwrap();
    let length = fs::metadata(&planted.image).unwrap().len();
    let file = File::options()
        .read(true)
        .write(true)
        .open(&planted.image)
        .unwrap();
    for at in [
        0,
        9,
        20,
        100,
        60_000,
        65_530,
        65_536,
        length / 3,
        length - 500,
        length - 1,
    ] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
        assert!(planted.check().is_err(), "{at}");
        file.write_all_at(&byte, at).unwrap();
    }
    planted.check().unwrap();
}

#[test]
fn a_cut_at_a_frame_boundary_is_told_as_such() {
    let planted = Planted::new();
    let first = u64::from(planted.open().unwrap().frames()[0].length);
    let file = File::options().write(true).open(&planted.image).unwrap();
    file.set_len(65_536 + first).unwrap();
    assert!(matches!(planted.check(), Err(Error::Truncated { .. })));
}

#[test]
fn one_file_and_a_subset_come_without_the_rest() {
    let planted = Planted::new();
    let image = planted.open().unwrap();
    assert_eq!(
        read_file(&image, &path("etc/twin"), 100).unwrap().unwrap(),
        b"root:x:0:0\n"
    );
    assert_eq!(read_file(&image, &path("etc"), 100).unwrap(), None);
    assert!(read_file(&image, &path("etc/twin"), 5).is_err());
    assert_eq!(
        read_file(&image, &path("large"), 1 << 30)
            .unwrap()
            .unwrap()
            .len(),
        20_000_000
    );
    let archive =
        extract_subset(&image, &[path("etc/twin"), path("link"), path("nothing")]).unwrap();
    let names: Vec<String> = tar::Archive::new(archive.as_slice())
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(names, ["etc/", "link", "etc/passwd", "etc/twin"]);
    let (copy, fd) = planted.directory("toolbox");
    unpack_tar(archive, fd.as_fd(), &UnpackOptions::default()).unwrap();
    assert!(copy.join("etc/twin").is_file());
}

#[test]
fn saved_paths_come_back_over_a_new_system() {
    let planted = Planted::new();
    let tree = Tree::open(&planted.scratch.path().join("root")).unwrap();
    let saved = planted.scratch.path().join("saved");
    pack_paths(&tree, &[path("etc/ssh"), path("missing")], create(&saved)).unwrap();
    let image = Image::open(File::open(saved).unwrap()).unwrap();
    let (copy, fd) = planted.directory("new");
    fs::create_dir_all(copy.join("etc/ssh")).unwrap();
    fs::write(copy.join("etc/ssh/key"), "the new system's").unwrap();
    let options = UnpackOptions {
        existing: Existing::Replace,
        ..UnpackOptions::default()
    };
    unpack(&image, fd.as_fd(), &options).unwrap();
    assert_eq!(fs::read(copy.join("etc/ssh/key")).unwrap(), b"secret");
    assert!(!copy.join("etc/passwd").exists());
}

#[test]
fn virtual_nodes_replace_what_the_tree_has() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    plant(&root);
    let out = scratch.path().join("image");
    let mut packer = Packer::new(create(&out), &PackOptions::default()).unwrap();
    let file = |text: &str| Virtual {
        kind: VirtualKind::File(text.into()),
        mode: 0o755,
        mtime: 1,
    };
    packer.add_virtual(&path("etc/passwd"), file("virtual"));
    packer.add_virtual(&path("etc/rc.local"), file("new"));
    let tree = Tree::open(&root).unwrap();
    packer
        .pack(&tree, &|_| Decision::Store, None, &|_| ())
        .unwrap();
    let image = Image::open(File::open(out).unwrap()).unwrap();
    assert_eq!(
        read_file(&image, &path("etc/passwd"), 100)
            .unwrap()
            .unwrap(),
        b"virtual"
    );
    assert_eq!(
        read_file(&image, &path("etc/twin"), 100).unwrap().unwrap(),
        b"root:x:0:0\n"
    );
    assert_eq!(
        read_file(&image, &path("etc/rc.local"), 100)
            .unwrap()
            .unwrap(),
        b"new"
    );
    verify(image, &|_| ()).unwrap();
}
