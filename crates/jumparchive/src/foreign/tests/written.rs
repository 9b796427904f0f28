//! What is written here, extracted by the tools that people have.

use std::fs;
use std::process::Command;

use super::listing::{MOST, of_archive, of_tree, written};
use super::planted::{Planted, can_run, run};

/// Extracts our archive of a tree with a command, and compares.
fn assert_extracted(planted: &Planted, command: &[&str]) {
    let wanted = of_tree(&planted.root(), MOST);
    let archive = written(&wanted);
    let (ours, sparse) = of_archive(&archive, MOST).unwrap();
    assert!(ours == wanted && sparse);
    let (file, copy) = (
        planted.scratch.path().join("in"),
        planted.scratch.path().join("copy"),
    );
    fs::write(&file, archive).unwrap();
    fs::create_dir(&copy).unwrap();
    run(Command::new(command[0])
        .args(&command[1..])
        .arg("-C")
        .arg(&copy)
        .arg("-xpf")
        .arg(&file));
    let found = of_tree(&copy, MOST);
    for (path, node) in &wanted {
        let (other, path) = (found.get(path), String::from_utf8_lossy(path));
        // bsdtar does not give the root its time, whoever wrote the archive.
        assert!(
            path.is_empty() || other == Some(node),
            "{command:?}: {path}: {other:?} is not {node:?}"
        );
    }
    assert!(found.keys().eq(wanted.keys()), "{command:?}");
}

#[test]
fn gnu_tar_extracts_what_is_written() {
    if can_run("gnu_tar_extracts_what_is_written", &["tar"]) {
        let words = [
            "tar",
            "--numeric-owner",
            "--acls",
            "--xattrs",
            "--xattrs-include=*",
        ];
        assert_extracted(&Planted::attributed(), &words);
    }
}

#[test]
fn bsdtar_extracts_what_is_written() {
    if can_run("bsdtar_extracts_what_is_written", &["bsdtar"]) {
        let planted = Planted::attributed();
        // libarchive 3.6.2 does not take GNU tar's `%3D` for `=`, nor its own.
        rustix::fs::lremovexattr(planted.root().join("file"), "user.a=b%3D").unwrap();
        assert_extracted(&planted, &["bsdtar", "--numeric-owner"]);
    }
}
