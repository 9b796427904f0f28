//! Headers of unknown types, with wrong sums, and archives that do not end.

use anyhow::{Context as _, Result, ensure};

use crate::arena::{Arena, accepted, confined, refused};
use crate::reason::{CUT, TYPE};
use crate::ustar::{BLOCK, Header, Tar, field};
use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    ("an_unknown_type_is_refused", Root, || {
        // Solaris's ACL and extended header, GNU's dump directory and rest of a volume,
        // and some that nobody has.
        for kind in *b"89AZXDMmz@\xff" {
            types(kind).with_context(|| format!("type {kind}"))?;
        }
        Ok(())
    }),
    ("a_volume_label_makes_nothing", Root, || {
        let label = Header::gnu(b'V', "../outside/evil");
        confined(
            |_| Tar::new().header(label).file("file", "1").end(),
            "evil",
            &["- file 1"],
        )
    }),
    // GNU tar made the symlinks that such an entry's content told it to.
    (
        "cve_2006_6097_an_entry_of_old_gnu_names_is_refused",
        Root,
        || {
            let header = Header::gnu(b'N', "victim");
            let content = "Symlink /etc to victim/link\nRename a to b\n";
            refused(|_| Tar::new().entry(header, content).end(), "victim", TYPE)
        },
    ),
    ("a_header_with_a_wrong_sum_is_refused", Root, wrong_sum),
    ("an_archive_without_an_end_is_refused", Root, no_end),
    ("an_archive_cut_anywhere_is_refused", Root, cut_anywhere),
    ("entries_behind_the_end_are_refused", Root, behind_the_end),
    ("zeros_behind_the_end_are_accepted", Root, || {
        accepted(
            |_| Tar::new().file("file", "1").raw([0; 20 * BLOCK]).end(),
            &["- file 1"],
        )
    }),
    ("bytes_in_the_padding_are_no_entries", Root, || {
        let header = Header::new(b'0', "file").size(1);
        let mut block = [b'!'; BLOCK];
        block[0] = b'1';
        confined(
            |_| Tar::new().header(header).raw(block).end(),
            "file",
            &["- file 1"],
        )
    }),
    ("a_long_name_of_a_gibibyte_is_refused", Root, || {
        for kind in *b"LK" {
            let header = Header::gnu(kind, "././@LongLink").size(1 << 30);
            announced(header)?;
        }
        Ok(())
    }),
    // Go's archive/tar read a whole extended header into memory, however large.
    (
        "cve_2022_2879_an_extended_header_of_a_gibibyte_is_refused",
        Root,
        || {
            for kind in *b"xg" {
                announced(Header::new(kind, "PaxHeaders/0").size(1 << 30))?;
            }
            Ok(())
        },
    ),
    ("a_long_name_without_an_entry_is_refused", Root, || {
        let long = Tar::new().file("file", "1").gnu_long(b'L', "name");
        refused(|_| long.end(), "", CUT_OR_HEADER)?;
        let pax = Tar::new().file("file", "1").pax(&[("path", "name")]);
        refused(|_| pax.end(), "", CUT_OR_HEADER)
    }),
    (
        "two_long_names_of_one_entry_are_refused_or_the_last",
        Root,
        || {
            confined(
                |_| {
                    let tar = Tar::new().gnu_long(b'L', "one").gnu_long(b'L', "two");
                    tar.file("three", "1").end()
                },
                "",
                &["- two 1"],
            )
        },
    ),
    ("a_name_between_two_headers_is_not_mixed_up", Root, || {
        // The path of an extended header goes before GNU's long name, whichever is first.
        confined(
            |_| {
                let tar = Tar::new().pax(&[("path", "pax")]).gnu_long(b'L', "gnu");
                tar.file("ustar", "1").end()
            },
            "",
            &["- pax 1"],
        )
    }),
];

/// What is wrong where a header should be.
const CUT_OR_HEADER: &[&str] = &[
    "cut short",
    "ends",
    "missing",
    "without",
    "orphan",
    "header",
];

fn types(kind: u8) -> Result<()> {
    let arena = Arena::new()?;
    let tar = Tar::new().header(Header::gnu(kind, "victim"));
    let outcome = arena.extract(&tar.file("after", "1").end())?;
    outcome.refused("victim", TYPE)?;
    arena.holds(&[])
}

fn wrong_sum() -> Result<()> {
    let sums = ["", "000000\0 ", "177777\0 ", "garbage", "-00001\0 "];
    for sum in sums {
        let mut block = Header::new(b'0', "victim").block();
        block[field::CHECKSUM].fill(0);
        block[field::CHECKSUM][..sum.len()].copy_from_slice(sum.as_bytes());
        let arena = Arena::new()?;
        let archive = Tar::new().file("good", "1").raw(block).end();
        let outcome = arena.extract(&archive)?;
        outcome.refused("", &["checksum", "header"])?;
        ensure!(!arena.root().join("victim").exists(), "it was made");
    }
    Ok(())
}

fn no_end() -> Result<()> {
    let tar = Tar::new().file("one", "1").file("two", "2");
    refused(|_| tar.clone().unended(), "", CUT)?;
    // GNU tar warns of this one and takes it.
    refused(|_| tar.clone().raw([0; BLOCK]).unended(), "", CUT)
}

fn cut_anywhere() -> Result<()> {
    let archive = Tar::new()
        .directory("directory")
        .file("directory/file", [b'x'; 1000])
        .pax(&[("path", "long")])
        .file("short", "1")
        .end();
    for length in (0..archive.len()).step_by(BLOCK / 2) {
        refused(|_| archive[..length].to_vec(), "", &[""])
            .with_context(|| format!("cut at {length} of {}", archive.len()))?;
    }
    Ok(())
}

/// A reader that goes on behind the end, or behind one block of zeros, sees another
/// archive than one that does not.
fn behind_the_end() -> Result<()> {
    let one = Tar::new().file("one", "1");
    let two = Tar::new().file("smuggled", "2").end();
    for zeros in [1, 2, 20] {
        let arena = Arena::new()?;
        let archive = one.clone().raw(vec![0; zeros * BLOCK]).raw(&two).unended();
        let outcome = arena.extract(&archive)?;
        outcome
            .refused("", &["end", "follow", "zero"])
            .with_context(|| format!("{zeros} blocks of zeros"))?;
        ensure!(!arena.root().join("smuggled").exists(), "it was smuggled");
    }
    Ok(())
}

/// What a header announces and is not there takes no memory.
fn announced(header: Header) -> Result<()> {
    let archive = Tar::new().header(header).raw([b'n'; 8 * BLOCK]).unended();
    let why = ["large", "long", "limit", "exceeds", "size", "cut short"];
    refused(|_| archive, "", &why)
}
