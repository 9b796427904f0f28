//! Extended headers: sizes that disagree, records that are none, keys that nobody knows.

use anyhow::{Context as _, Result, ensure};

use crate::arena::{Arena, accepted, confined, refused};
use crate::reason::{ESCAPES, LINK, NUMBER, PAX};
use crate::ustar::{BLOCK, Header, Tar, record};
use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    // tar-rs went by the header's size where that was not 0, others by the record's: the
    // one sees entries in what the other sees as content.
    (
        "cve_2026_33055_sizes_that_disagree_are_refused",
        Root,
        || {
            for size in [BLOCK as u64, 1] {
                disagree(size)?;
            }
            Ok(())
        },
    ),
    (
        "cve_2026_33055_a_smaller_size_in_the_record_is_refused",
        Root,
        smaller,
    ),
    // tokio-tar went on behind the header's size, 0, into the content.
    (
        "cve_2025_62518_a_size_in_the_record_alone_smuggles_nothing",
        Root,
        record_alone,
    ),
    // astral-tokio-tar took the record's size for that of GNU's long name in between.
    (
        "rustsec_2026_0112_a_size_is_not_that_of_the_header_in_between",
        Root,
        in_between,
    ),
    // GNU tar wrote behind a buffer, and followed a null pointer: records whose length
    // is a lie.
    (
        "cve_2019_9923_records_of_wrong_length_are_refused",
        Root,
        wrong_lengths,
    ),
    // astral-tokio-tar passed over malformed records and took the header's name.
    (
        "cve_2026_32766_a_malformed_record_is_not_passed_over",
        Root,
        || {
            let records = format!("{}oops\n", record("path", "good"));
            let arena = Arena::new()?;
            let archive = Tar::new().extended(b'x', records).file("victim", "1");
            arena.extract(&archive.end())?.refused("", PAX)?;
            arena.holds(&[])
        },
    ),
    ("a_key_that_nobody_knows_is_refused", Root, || {
        for key in [
            "hdrcharset",
            "charset",
            "realtime.x",
            "VENDOR.key",
            "x",
            "é",
        ] {
            key_refused(key, "value")?;
        }
        Ok(())
    }),
    ("a_record_without_a_key_is_refused", Root, || {
        key_refused("", "value")
    }),
    ("a_number_that_is_none_is_refused", Root, numbers),
    ("a_zero_byte_in_a_path_is_refused", Root, || {
        refused(
            |_| {
                let tar = Tar::new().pax(&[("path", "good\0evil")]);
                tar.file("victim", "1").end()
            },
            "",
            &[PAX, &["zero", "nul", "path"]].concat(),
        )?;
        refused(
            |_| {
                let tar = Tar::new().pax(&[("linkpath", "good\0evil")]);
                tar.symlink("victim", "good").end()
            },
            "victim",
            LINK,
        )
    }),
    ("a_hard_link_out_by_a_record_is_refused", Root, || {
        // A file has no link target: what a record says of it is nothing.
        confined(
            |_| {
                let tar = Tar::new().pax(&[("linkpath", "../outside/file")]);
                tar.file("good", "1").hard_link("victim", "good").end()
            },
            "",
            &["- good 1", "- victim 1"],
        )?;
        refused(
            |_| {
                let tar = Tar::new().file("good", "1");
                let tar = tar.pax(&[("linkpath", "../outside/file")]);
                tar.hard_link("victim", "good").end()
            },
            "victim",
            &[ESCAPES, LINK].concat(),
        )
    }),
    (
        "a_global_header_that_changes_entries_is_refused",
        Root,
        global,
    ),
    (
        "a_global_header_that_only_comments_is_passed_over",
        Root,
        || {
            // `git archive` writes one with the commit's name.
            let comment = record("comment", "2bd06db");
            accepted(
                |_| Tar::new().extended(b'g', comment).file("file", "1").end(),
                &["- file 1"],
            )
        },
    ),
    ("the_name_of_an_extended_header_is_no_name", Root, || {
        let header = Header::new(b'x', "../outside/evil");
        accepted(
            |_| {
                let tar = Tar::new().entry(header, record("path", "good"));
                tar.file("short", "1").end()
            },
            &["- good 1"],
        )
    }),
    ("a_record_is_for_the_next_entry_alone", Root, || {
        accepted(
            |_| {
                let tar = Tar::new().pax(&[("path", "one")]);
                tar.file("short", "1").file("two", "2").end()
            },
            &["- one 1", "- two 2"],
        )
    }),
    ("the_last_of_two_records_counts", Root, || {
        confined(
            |_| {
                let tar = Tar::new().pax(&[("path", "one"), ("path", "two")]);
                tar.file("short", "1").end()
            },
            "",
            &["- two 1"],
        )
    }),
];

/// An archive in an archive: to be content, and not to be seen as entries.
fn smuggled() -> Vec<u8> {
    Tar::new()
        .content("padding")
        .file("smuggled", "evil")
        .unended()
}

/// The header says `size`, the record says all of the content.
fn disagree(size: u64) -> Result<()> {
    let content = smuggled();
    let arena = Arena::new()?;
    let archive = Tar::new()
        .pax(&[("size", &content.len().to_string())])
        .header(Header::new(b'0', "victim").size(size))
        .content(content)
        .end();
    arena.extract(&archive)?.refused("victim", NUMBER)?;
    ensure!(!arena.root().join("smuggled").exists(), "it was smuggled");
    Ok(())
}

/// The header says all of the content, the record says a block.
fn smaller() -> Result<()> {
    let arena = Arena::new()?;
    let archive = Tar::new()
        .pax(&[("size", "7")])
        .entry(Header::new(b'0', "victim"), smuggled())
        .end();
    arena.extract(&archive)?.refused("victim", NUMBER)?;
    ensure!(!arena.root().join("smuggled").exists(), "it was smuggled");
    Ok(())
}

fn record_alone() -> Result<()> {
    let content = Tar::new().file("smuggled", "evil").unended();
    let length = content.len();
    confined(
        |_| {
            Tar::new()
                .pax(&[("size", &length.to_string())])
                .header(Header::new(b'0', "victim"))
                .content(content)
                .end()
        },
        "victim",
        &[&format!("- victim {length} bytes")],
    )
}

fn in_between() -> Result<()> {
    let content = smuggled();
    let length = content.len();
    confined(
        |_| {
            Tar::new()
                .pax(&[("size", &length.to_string())])
                .gnu_long(b'L', "victim")
                .file("short", content)
                .end()
        },
        "",
        &[&format!("- victim {length} bytes")],
    )
}

fn wrong_lengths() -> Result<()> {
    // The right one is "13 path=good\n".
    let records = [
        "12 path=good\n",
        "14 path=good\n",
        "13 path=good",
        "0 path=good\n",
        "-13 path=good\n",
        "path=good\n",
        "13path=good\n",
        "  13 path=good\n",
        "13  path=good\n",
        "4 \n",
        "2\n",
        "99999999999999999999 path=good\n",
        "18446744073709551629 path=good\n",
        "2147483648 path=good\n",
        "10 pathgd\n",
        "\n",
        "13 path=good\n\0\0",
    ];
    for records in records {
        let arena = Arena::new()?;
        let archive = Tar::new().extended(b'x', records).file("victim", "1").end();
        let outcome = arena.extract(&archive)?;
        outcome
            .refused("", PAX)
            .with_context(|| format!("{records:?}"))?;
        arena.holds(&[])?;
    }
    Ok(())
}

fn key_refused(key: &str, value: &str) -> Result<()> {
    let archive = Tar::new().pax(&[(key, value)]).file("victim", "1").end();
    let why = [PAX, NUMBER, &["contradict"]].concat();
    refused(|_| archive, "victim", &why).with_context(|| format!("{key:?}={value:?}"))
}

fn numbers() -> Result<()> {
    let huge = "9".repeat(40);
    for key in ["size", "uid", "gid", "mtime"] {
        for value in [huge.as_str(), "0x1", "one", "", "1e3", " 1", "1 "] {
            key_refused(key, value)?;
        }
    }
    for (key, value) in [
        ("size", "-1"),
        ("size", "18446744073709551615"),
        ("uid", "-1"),
        ("uid", "4294967295"),
        ("gid", "4294967296"),
        ("mtime", "9223372036854775808"),
        ("mtime", "1.2.3"),
        ("mtime", "nan"),
        ("mtime", "."),
    ] {
        key_refused(key, value)?;
    }
    Ok(())
}

fn global() -> Result<()> {
    for (key, value) in [
        ("path", "evil"),
        ("linkpath", "evil"),
        ("size", "0"),
        ("uid", "0"),
        ("mtime", "0"),
        ("SCHILY.xattr.security.capability", "evil"),
        ("GNU.sparse.major", "1"),
    ] {
        let arena = Arena::new()?;
        let records = record(key, value);
        let tar = Tar::new().extended(b'g', records).file("victim", "1");
        let outcome = arena.extract(&tar.end())?;
        outcome
            .refused(key, &["global", "pax"])
            .with_context(|| key)?;
        arena.holds(&[])?;
    }
    Ok(())
}
