//! Many files fetched from an image in one pass.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use jumparchive::{Decision, Fetched, Image, PackOptions, Packer, Tree, fetch};

/// Noise, so that large files stay large and span frames.
fn noise(length: u32) -> Vec<u8> {
    (0..length / 4)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

fn image(scratch: &Path) -> Image {
    let root = scratch.join("root");
    fs::create_dir_all(root.join("info")).unwrap();
    for number in 0..300 {
        let content = format!("list {number}");
        fs::write(root.join(format!("info/{number}.list")), content).unwrap();
    }
    fs::write(root.join("large"), noise(20_000_000)).unwrap();
    fs::write(root.join("after"), "small").unwrap();
    fs::hard_link(root.join("after"), root.join("second-name")).unwrap();
    symlink("usr/bin", root.join("bin")).unwrap();
    let path = scratch.join("image");
    let mut options = File::options();
    let options = options.read(true).write(true).create_new(true);
    let out = options.open(&path).unwrap();
    let packer = Packer::new(out, &PackOptions::default()).unwrap();
    let tree = Tree::open(&root).unwrap();
    packer
        .pack(&tree, &|_| Decision::Store, None, &|_| ())
        .unwrap();
    Image::open(File::open(path).unwrap()).unwrap()
}

fn fetched(image: &Image, wanted: impl Fn(&[u8]) -> bool) -> Vec<(String, Fetched)> {
    let mut found = Vec::new();
    fetch(
        image,
        &|entry| wanted(&entry.path),
        &mut |entry, fetched| {
            found.push((String::from_utf8(entry.path).unwrap(), fetched));
        },
    )
    .unwrap();
    found.sort_by(|one, two| one.0.cmp(&two.0));
    found
}

#[test]
fn many_small_files_come_with_their_own_contents() {
    let scratch = tempfile::tempdir().unwrap();
    let found = fetched(&image(scratch.path()), |path| path.starts_with(b"info/"));
    assert_eq!(found.len(), 300);
    for (path, content) in found {
        let number = path.trim_start_matches("info/").trim_end_matches(".list");
        assert_eq!(
            content,
            Fetched::File(format!("list {number}").into_bytes())
        );
    }
}

#[test]
fn a_file_over_several_frames_is_whole_and_a_symlink_has_its_target() {
    let scratch = tempfile::tempdir().unwrap();
    let image = image(scratch.path());
    assert!(image.frames().len() > 3);
    let found = fetched(&image, |path| [&b"large"[..], b"bin"].contains(&path));
    let wanted = [
        ("bin".to_owned(), Fetched::Symlink(b"usr/bin".to_vec())),
        ("large".to_owned(), Fetched::File(noise(20_000_000))),
    ];
    assert!(found == wanted);
}

#[test]
fn only_files_and_symlinks_are_fetched() {
    let scratch = tempfile::tempdir().unwrap();
    let image = image(scratch.path());
    let all = fetched(&image, |_| true);
    // 300 lists, the large file, the small one under its first name, the symlink.
    assert_eq!(all.len(), 303);
    assert!(
        !all.iter()
            .any(|(path, _)| path == "info" || path.is_empty())
    );
}
