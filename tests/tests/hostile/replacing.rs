//! Two entries of one name: the second must not change what the first has made.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Result, ensure};

use crate::arena::{Arena, refused};
use crate::reason::EXISTS;
use crate::ustar::{Header, Tar, field};
use crate::{Case, Needs::Root};

/// The types that a name can have.
const KINDS: [u8; 7] = *b"0123456";

pub(crate) const CASES: &[Case] = &[
    ("a_second_file_of_one_name_is_refused", Root, || {
        let arena = Arena::new()?;
        let archive = Tar::new().file("victim", "1").file("./victim", "2").end();
        arena.extract(&archive)?.refused("victim", EXISTS)?;
        arena.holds(&["- victim 1"])
    }),
    (
        "a_second_directory_of_one_name_is_refused_or_the_same",
        Root,
        directories,
    ),
    ("no_type_replaces_another", Root, || {
        for first in KINDS {
            for second in KINDS.into_iter().filter(|second| *second != first) {
                replace(first, second)?;
            }
        }
        Ok(())
    }),
    (
        "a_file_named_like_a_device_is_not_written_to_it",
        Root,
        over_devices,
    ),
    (
        "a_directory_replaced_by_a_symlink_between_two_entries_is_refused",
        Root,
        || {
            refused(
                |_| {
                    Tar::new()
                        .directory("a")
                        .directory("a/victim")
                        .file("a/victim/one", "1")
                        .symlink("a/victim", "../../outside/directory")
                        .file("a/victim/inner", "evil")
                        .end()
                },
                "victim",
                EXISTS,
            )
        },
    ),
    (
        "a_missing_parent_made_on_the_way_is_not_replaced_by_a_symlink",
        Root,
        || {
            refused(
                |_| {
                    Tar::new()
                        .file("victim/one", "1")
                        .symlink("victim", "../outside/directory")
                        .file("victim/inner", "evil")
                        .end()
                },
                "victim",
                EXISTS,
            )
        },
    ),
    (
        "what_the_root_held_before_is_not_replaced",
        Root,
        held_before,
    ),
];

fn entry(kind: u8) -> Header {
    let header = Header::new(kind, "victim").octal(field::MAJOR, 1);
    header.octal(field::MINOR, 3).link("other")
}

fn replace(first: u8, second: u8) -> Result<()> {
    let tar = Tar::new().file("other", "other").header(entry(first));
    refused(|_| tar.header(entry(second)).end(), "victim", EXISTS)
        .map_err(|error| error.context(format!("{} then {}", first - b'0', second - b'0')))
}

fn directories() -> Result<()> {
    let arena = Arena::new()?;
    let archive = Tar::new()
        .directory("victim")
        .file("victim/kept", "1")
        .header(Header::new(b'5', "victim").octal(field::MODE, 0o700))
        .end();
    let outcome = arena.extract(&archive)?;
    if outcome.code != Some(0) {
        return outcome.refused("victim", EXISTS);
    }
    arena.holds(&["d victim", "- victim/kept 1"])?;
    let mode = arena.root().join("victim").metadata()?.permissions().mode();
    ensure!(mode & 0o7777 == 0o700, "the mode is {mode:o}");
    Ok(())
}

/// A FIFO would hold whoever opens it, and `/dev/full` would fail the write.
fn over_devices() -> Result<()> {
    let full = Header::new(b'3', "victim").octal(field::MAJOR, 1);
    for device in [full.octal(field::MINOR, 7), Header::new(b'6', "victim")] {
        refused(
            |_| Tar::new().header(device).file("victim", "evil").end(),
            "victim",
            EXISTS,
        )?;
    }
    Ok(())
}

fn held_before() -> Result<()> {
    let arena = Arena::new()?;
    fs::write(arena.root().join("victim"), "mine")?;
    for kind in KINDS {
        let archive = Tar::new().file("other", "").header(entry(kind)).end();
        arena.extract(&archive)?.refused("victim", EXISTS)?;
        drop(fs::remove_file(arena.root().join("other")));
    }
    arena.holds(&["- victim mine"])
}
