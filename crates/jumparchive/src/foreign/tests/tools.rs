//! Archives made by the tools that people have.

use super::listing::{Detail, LEAST, MOST, of_archive, of_tree};
use super::planted::{Planted, can_run, set_time};

fn assert_read(planted: &Planted, command: &[&str], detail: Detail, sparse: bool) {
    let (found, is_sparse) = of_archive(&planted.archive(command), detail)
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let wanted = of_tree(&planted.root(), detail);
    let shown = |path: &Vec<u8>| String::from_utf8_lossy(path).into_owned();
    for (path, node) in &wanted {
        let other = found.get(path);
        assert!(
            other == Some(node),
            "{command:?}: {}: {other:?} is not {node:?}",
            shown(path)
        );
    }
    assert_eq!(found.len(), wanted.len(), "{command:?}");
    assert_eq!(is_sparse, sparse, "{command:?}");
}

#[test]
fn reads_what_gnu_tar_writes() {
    if !can_run("reads_what_gnu_tar_writes", &["tar"]) {
        return;
    }
    let tar = |options: &[&'static str]| {
        let mut words = vec!["tar", "--numeric-owner"];
        words.extend(options);
        words.extend(["-cf", "OUT", "-C", "ROOT", "."]);
        words
    };
    assert_read(&Planted::least(), &tar(&["--format=v7"]), LEAST, false);
    assert_read(&Planted::plain(), &tar(&["--format=ustar"]), LEAST, false);
    let nanoseconds = Detail {
        nanoseconds: true,
        ..LEAST
    };
    let rich = Planted::rich();
    // Between two seconds before 1970, where bsdtar and Python mean another time.
    set_time(&rich.root().join("file"), -1_000_000_000, 123_456_789);
    for format in ["--format=gnu", "--format=oldgnu"] {
        assert_read(&rich, &tar(&[format]), LEAST, false);
        assert_read(&rich, &tar(&[format, "-S"]), LEAST, true);
    }
    assert_read(
        &rich,
        &tar(&["--format=gnu", "-z", "-V", "a label"]),
        LEAST,
        false,
    );
    assert_read(
        &rich,
        &tar(&["--format=posix", "-z", "-V", "a label"]),
        nanoseconds,
        false,
    );
    for version in ["0.0", "0.1", "1.0"] {
        let version: &'static str = match version {
            "0.0" => "--sparse-version=0.0",
            "0.1" => "--sparse-version=0.1",
            _ => "--sparse-version=1.0",
        };
        assert_read(
            &rich,
            &tar(&["--format=posix", "-S", version]),
            nanoseconds,
            true,
        );
    }
    let with_all = [
        "--format=posix",
        "--acls",
        "--selinux",
        "--xattrs",
        "--xattrs-include=*",
    ];
    let attributed = Planted::attributed();
    assert_read(&attributed, &tar(&with_all), MOST, false);
    assert_read(
        &attributed,
        &tar(&[&with_all[..], &["-S"]].concat()),
        MOST,
        true,
    );
}

#[test]
fn reads_what_bsdtar_writes() {
    if !can_run("reads_what_bsdtar_writes", &["bsdtar"]) {
        return;
    }
    let plain = Planted::plain();
    for format in ["ustar", "gnutar"] {
        let words = [
            "bsdtar", "--format", format, "-cf", "OUT", "-C", "ROOT", ".",
        ];
        assert_read(&plain, &words, LEAST, false);
    }
    let attributed = Planted::attributed();
    let words = [
        "bsdtar",
        "--format",
        "pax",
        "--no-read-sparse",
        "-czf",
        "OUT",
        "-C",
        "ROOT",
        ".",
    ];
    assert_read(&attributed, &words, MOST, false);
    let words = [
        "bsdtar",
        "--format",
        "pax",
        "--read-sparse",
        "--zstd",
        "-cf",
        "OUT",
        "-C",
        "ROOT",
        ".",
    ];
    assert_read(&attributed, &words, MOST, true);
}

#[test]
fn reads_what_busybox_writes() {
    if !can_run("reads_what_busybox_writes", &["busybox"]) {
        return;
    }
    let plain = Planted::plain();
    let words = ["busybox", "tar", "-cf", "OUT", "-C", "ROOT", "."];
    assert_read(&plain, &words, LEAST, false);
}

const SCRIPT: &str = "\
import sys, tarfile
headers = {'comment': 'x'} if sys.argv[3] == 'PAX' else {}
form = getattr(tarfile, sys.argv[3] + '_FORMAT')
with tarfile.open(sys.argv[2], 'w:xz', format=form, pax_headers=headers) as out:
    out.add(sys.argv[1], '.')
";

#[test]
fn reads_what_python_writes() {
    if !can_run("reads_what_python_writes", &["python3"]) {
        return;
    }
    let rich = Planted::rich();
    for format in ["PAX", "GNU"] {
        let words = ["python3", "-c", SCRIPT, "ROOT", "OUT", format];
        // Its times are floating-point numbers: they are not exact.
        assert_read(&rich, &words, LEAST, false);
    }
    let plain = Planted::plain();
    let words = ["python3", "-c", SCRIPT, "ROOT", "OUT", "USTAR"];
    assert_read(&plain, &words, LEAST, false);
}

#[test]
fn an_xz_archive_is_read_whole_or_refused() {
    if !can_run("an_xz_archive_is_read_whole_or_refused", &["tar", "xz"]) {
        return;
    }
    let planted = Planted::least();
    let words = ["tar", "-b1", "--xz", "-cf", "OUT", "-C", "ROOT", "."];
    let whole = planted.archive(&words);
    let wanted = of_archive(&whole, LEAST).unwrap();
    for cut in 0..whole.len() {
        assert!(of_archive(&whole[..cut], LEAST).is_err(), "{cut}");
        let mut flipped = whole.clone();
        flipped[cut] ^= 0x10;
        assert!(of_archive(&flipped, LEAST).is_err(), "{cut}");
    }
    let padded = [&whole[..], &[0; 4]].concat();
    assert!(of_archive(&padded, LEAST).unwrap() == wanted);
    let trailing = [&whole[..], b"garbage"].concat();
    assert!(of_archive(&trailing, LEAST).is_err());
}
