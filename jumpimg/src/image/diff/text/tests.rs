//! What is told of two small images.

use std::fmt::Write as _;

use super::super::{directories, packages};
use super::*;
use crate::image::packages::Ledger;
use crate::image::weight::{Item, Measure, Scales, Weights};

fn weights(packages: &[(&str, &str, &str)], files: &[(&[u8], u64)]) -> Weights {
    let mut ledger = Ledger::default();
    let mut status = String::new();
    for (name, version, paths) in packages {
        ledger.dpkg_list(name, paths.as_bytes());
        let fields = "Status: install ok installed\nArchitecture: amd64\n";
        let _ = write!(status, "Package: {name}\n{fields}Version: {version}\n\n");
    }
    ledger.dpkg_status(status.as_bytes());
    let mut scales = Scales::new(ledger, Measure::Size);
    for (path, size) in files {
        scales.add(Item {
            path,
            directory: false,
            size: *size,
            compressed: size / 3,
        });
    }
    scales.finish()
}

fn file(size: u64, mode: u32, uid: u32) -> Side {
    Side {
        kind: b'0',
        size,
        mode,
        uid,
        gid: 0,
    }
}

fn comparison() -> Comparison {
    let old = weights(
        &[
            ("bash", "5.1", "/usr/bin/bash\n"),
            ("nano", "7", "/usr/bin/nano\n"),
        ],
        &[
            (b"usr/bin/bash", 1_000_000),
            (b"usr/bin/nano", 90_000),
            (b"etc/motd", 10),
        ],
    );
    let new = weights(
        &[
            ("bash", "5.2", "/usr/bin/bash\n"),
            ("vim-tiny", "9", "/usr/bin/vim\n"),
        ],
        &[
            (b"usr/bin/bash", 1_200_000),
            (b"usr/bin/vim", 3_000_000),
            (b"etc/motd", 20),
        ],
    );
    let change = |path: &[u8], old, new, aspects: &[Aspect], package| EntryChange {
        path: path.into(),
        old,
        new,
        aspects: aspects.to_vec(),
        package,
    };
    let (small, odd) = (file(10, 0o644, 0), file(20, 0o4755, 1000));
    let bash = (
        Some(file(1_000_000, 0o755, 0)),
        Some(file(1_200_000, 0o755, 0)),
    );
    let link = Side {
        kind: b'2',
        ..small
    };
    let all = [Aspect::Content, Aspect::Mode, Aspect::Owner];
    Comparison {
        packages: packages::changes(old.ledger.packages(), new.ledger.packages()),
        directories: directories::changes(&old.directories, &new.directories, 4),
        entries: vec![
            change(b"etc/motd", Some(small), Some(odd), &all, None),
            change(
                b"etc/\x1b[2J",
                Some(small),
                Some(link),
                &[Aspect::Type],
                None,
            ),
            change(b"usr/bin/bash", bash.0, bash.1, &[Aspect::Content], Some(0)),
            change(
                b"usr/bin/nano",
                Some(file(90_000, 0o755, 0)),
                None,
                &[],
                Some(1),
            ),
            change(
                b"usr/bin/vim",
                None,
                Some(file(3_000_000, 0o755, 0)),
                &[],
                Some(1),
            ),
        ],
        old,
        new,
        touched: 3,
    }
}

#[test]
fn changed_packages_speak_for_their_files() {
    let extent = Extent {
        top: 20,
        all: false,
    };
    insta::assert_snapshot!(text(&comparison(), extent));
}

#[test]
fn all_names_every_file() {
    let extent = Extent { top: 0, all: true };
    insta::assert_snapshot!(text(&comparison(), extent));
}

#[test]
fn what_is_not_named_is_counted() {
    let extent = Extent { top: 1, all: false };
    let told = text(&comparison(), extent);
    assert!(
        told.as_str().contains("… 1 more (--all names them)"),
        "{told}"
    );
    assert!(
        told.as_str().contains("… 3 of the packages above"),
        "{told}"
    );
}
