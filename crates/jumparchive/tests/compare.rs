//! What was unpacked and changed since is found, whatever was changed.

use std::fs::{self, File, Permissions};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use jumparchive::{
    Decision, Error, Image, PackOptions, Packer, Tree, UnpackOptions, compare, unpack,
};

/// Longer than a frame, so that it has parts.
const LARGE: usize = 9 << 20;

fn make(tree: &Path) {
    for directory in ["etc", "usr/lib", "empty"] {
        fs::create_dir_all(tree.join(directory)).unwrap();
    }
    for number in 0..200 {
        fs::write(tree.join(format!("usr/lib/{number}")), format!("{number}")).unwrap();
    }
    fs::write(tree.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
    let large: Vec<u8> = (0..LARGE)
        .map(|at| u8::try_from(at / 977 % 256).unwrap())
        .collect();
    fs::write(tree.join("usr/large"), large).unwrap();
    let sparse = File::create(tree.join("usr/sparse")).unwrap();
    sparse.write_all_at(b"island", 1 << 20).unwrap();
    sparse.set_len(3 << 20).unwrap();
    symlink("../etc/passwd", tree.join("usr/link")).unwrap();
    fs::hard_link(tree.join("etc/passwd"), tree.join("usr/other")).unwrap();
}

/// An image, and a tree that was unpacked from it.
struct Unpacked {
    scratch: tempfile::TempDir,
    image: Image,
}

impl Unpacked {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let [tree, image, root] = ["tree", "image", "root"].map(|name| scratch.path().join(name));
        make(&tree);
        fs::create_dir(&root).unwrap();
        let packer = Packer::new(File::create(&image).unwrap(), &PackOptions::default()).unwrap();
        let tree = Tree::open(&tree).unwrap();
        packer
            .pack(&tree, &|_| Decision::Store, None, &|_| ())
            .unwrap();
        let image = Image::open(File::open(&image).unwrap()).unwrap();
        let below = File::open(&root).unwrap();
        let options = UnpackOptions {
            sync: false,
            ..UnpackOptions::default()
        };
        unpack(&image, below.as_fd(), &options).unwrap();
        Self { scratch, image }
    }

    fn path(&self, inside: &str) -> std::path::PathBuf {
        self.scratch.path().join("root").join(inside)
    }

    fn compare(&self) -> Result<(), Error> {
        let below = File::open(self.path("")).unwrap();
        compare(&self.image, below.as_fd(), &|_| true, &|_| ())
    }
}

#[test]
fn what_was_unpacked_is_the_same_and_all_of_it_is_looked_at() {
    let unpacked = Unpacked::new();
    let below = File::open(unpacked.path("")).unwrap();
    let seen = std::cell::Cell::new(0);
    compare(&unpacked.image, below.as_fd(), &|_| true, &|done| {
        seen.set(done);
    })
    .unwrap();
    assert_eq!(seen.get(), unpacked.image.raw_length());
}

/// What is changed, what is said of it, and how.
type Change<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));

#[test]
fn every_change_is_found_and_named() {
    let flip = |path: &Path, at: u64| {
        let file = File::options().read(true).write(true).open(path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    };
    let changes: [Change<'_>; 9] = [
        ("usr/lib/100", "has other content", &|path| {
            flip(path, 0);
        }),
        ("usr/large", "has other content", &|path| {
            flip(path, LARGE as u64 - 1);
        }),
        ("usr/sparse", "has other content", &|path| {
            flip(path, 1 << 20);
        }),
        ("usr/lib/7", "has another length", &|path| {
            fs::write(path, "77").unwrap();
        }),
        ("usr/lib/8", "has another mode", &|path| {
            fs::set_permissions(path, Permissions::from_mode(0o4711)).unwrap();
        }),
        ("usr/link", "leads elsewhere", &|path| {
            fs::remove_file(path).unwrap();
            symlink("/etc/passwd", path).unwrap();
        }),
        ("usr/other", "is not the other name of a file", &|path| {
            fs::remove_file(path).unwrap();
            fs::write(path, "root:x:0:0::/root:/bin/sh\n").unwrap();
        }),
        ("empty", "is of another type", &|path| {
            fs::remove_dir(path).unwrap();
            fs::write(path, "").unwrap();
        }),
        ("usr/lib/9", "cannot look at it", &|path| {
            fs::remove_file(path).unwrap();
        }),
    ];
    for (path, what, change) in changes {
        let unpacked = Unpacked::new();
        change(&unpacked.path(path));
        let error = unpacked.compare().unwrap_err().to_string();
        assert!(
            error.contains(path) && error.contains(what),
            "{path}: {error}"
        );
    }
}
