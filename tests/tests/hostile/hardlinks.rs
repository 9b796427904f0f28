//! Hard links to what is outside, or is not there, or is no file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Result, ensure};

use crate::arena::{Arena, accepted, confined, refused};
use crate::reason::{CONTENT, ESCAPES, EXISTS, LINK};
use crate::ustar::{Header, Tar};
use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    // tar-rs made the link, and the next entry of its name wrote into the file outside.
    (
        "cve_2018_20990_a_hard_link_is_not_written_through",
        Root,
        || {
            for target in ["../outside/file", "/outside/file"] {
                let tar = |_: &Arena| {
                    let tar = Tar::new().hard_link("victim", target);
                    tar.file("victim", "evil").end()
                };
                refused(tar, "victim", &[ESCAPES, LINK].concat())?;
            }
            Ok(())
        },
    ),
    // Archive::Tar gave the link's mode, owner and time to the file outside.
    (
        "cve_2026_42497_an_absolute_hard_link_is_refused",
        Root,
        || {
            refused(
                |arena| Tar::new().hard_link("victim", &arena.beyond("file")).end(),
                "victim",
                &[ESCAPES, LINK].concat(),
            )
        },
    ),
    // BusyBox followed a symlink on the way to a hard link's target.
    (
        "cve_2026_26158_a_hard_link_through_a_symlink_stays_inside",
        Root,
        through_symlinks,
    ),
    // libarchive wrote a hard link's content into the file that it named.
    (
        "cve_2016_5418_a_hard_link_with_content_writes_nothing",
        Root,
        with_content,
    ),
    ("a_hard_link_to_nothing_is_refused", Root, || {
        refused(
            |_| Tar::new().hard_link("victim", "nowhere").end(),
            "victim",
            LINK,
        )
    }),
    ("a_hard_link_to_nothing_makes_no_directories", Root, || {
        let arena = Arena::new()?;
        let archive = Tar::new().hard_link("victim", "no/where/at/all").end();
        arena.extract(&archive)?.refused("victim", LINK)?;
        arena.holds(&[])
    }),
    ("a_hard_link_to_a_later_entry_is_refused", Root, || {
        refused(
            |_| {
                Tar::new()
                    .hard_link("victim", "later")
                    .file("later", "1")
                    .end()
            },
            "victim",
            LINK,
        )
    }),
    ("a_hard_link_to_itself_is_refused", Root, || {
        refused(
            |_| Tar::new().hard_link("victim", "victim").end(),
            "victim",
            &[LINK, EXISTS].concat(),
        )
    }),
    ("a_hard_link_to_a_directory_is_refused", Root, || {
        for target in ["directory", ".", "directory/"] {
            refused(
                |_| {
                    let tar = Tar::new().directory("directory");
                    tar.hard_link("victim", target).end()
                },
                "victim",
                &[LINK, ESCAPES].concat(),
            )?;
        }
        Ok(())
    }),
    ("a_hard_link_over_something_is_refused", Root, || {
        refused(
            |_| {
                let tar = Tar::new().file("one", "1").file("victim", "2");
                tar.hard_link("victim", "one").end()
            },
            "victim",
            EXISTS,
        )
    }),
    ("a_hard_link_without_a_target_is_refused", Root, || {
        refused(|_| Tar::new().hard_link("victim", "").end(), "victim", LINK)
    }),
    ("hard_links_inside_the_root_are_accepted", Root, inside),
];

fn through_symlinks() -> Result<()> {
    for climb in ["..", "../../.."] {
        let arena = Arena::new()?;
        let archive = Tar::new()
            .symlink("up", climb)
            .hard_link("victim", "up/outside/file")
            .end();
        arena.extract(&archive)?.refused("victim", LINK)?;
        let arena = Arena::new()?;
        let archive = Tar::new()
            .symlink("there", &arena.beyond(""))
            .hard_link("victim", "there/file")
            .end();
        arena.extract(&archive)?.refused("victim", LINK)?;
        ensure!(fs::read(arena.root().join("victim")).is_err());
    }
    Ok(())
}

fn with_content() -> Result<()> {
    let header = |target: &str| Header::new(b'1', "victim").link(target);
    for target in ["../outside/file", "file"] {
        let tar = |_: &Arena| {
            let tar = Tar::new().file("file", "good");
            tar.entry(header(target), "evil").end()
        };
        if target == "file" {
            // POSIX allows a link to repeat the content of its file: then it is that.
            confined(tar, "victim", &["- file good", "- victim good"])?;
        } else {
            refused(tar, "victim", &[CONTENT, ESCAPES, LINK].concat())?;
        }
    }
    Ok(())
}

fn inside() -> Result<()> {
    accepted(
        |_| {
            Tar::new()
                .directory("a")
                .file("a/one", "1")
                .hard_link("a/two", "a/one")
                .hard_link("three", "./a/two")
                .header(Header::new(b'6', "fifo"))
                .hard_link("fifo2", "fifo")
                .end()
        },
        &[
            "d a",
            "- a/one 1",
            "- a/two 1",
            "p fifo",
            "p fifo2",
            "- three 1",
        ],
    )?;
    let arena = Arena::new()?;
    let archive = Tar::new().file("one", "1").hard_link("two", "one").end();
    arena.extract(&archive)?.accepted()?;
    ensure!(arena.root().join("two").metadata()?.nlink() == 2);
    Ok(())
}
