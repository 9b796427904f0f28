//! Names that lead out of the root, and names that no system can hold.

use anyhow::{Result, ensure};

use crate::arena::{Arena, accepted, confined, refused};
use crate::reason::{ESCAPES, LENGTH};
use crate::ustar::{Header, Tar, field};
use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    // Python's tarfile took any name, `..` in front included.
    (
        "cve_2007_4559_a_name_that_begins_with_dots_is_refused",
        Root,
        || one("../outside/evil", "../outside/evil"),
    ),
    // GNU tar 1.13.19: `..` anywhere in a name.
    (
        "cve_2001_1267_a_name_with_dots_in_the_middle_is_refused",
        Root,
        || one("a/../../outside/evil", "outside/evil"),
    ),
    // GNU tar 1.13.25: its check passed over `..` after `./`.
    (
        "cve_2002_0399_a_name_with_dots_after_a_dot_is_refused",
        Root,
        || one("./../outside/evil", "../outside/evil"),
    ),
    // Red Hat's fix of the former missed `/../` in front.
    (
        "cve_2005_1918_a_name_with_dots_after_a_slash_is_refused",
        Root,
        || one("/../outside/evil", "/../outside/evil"),
    ),
    // GNU tar cut a name behind its last `..`, so that a filter on names saw another
    // one: `etc/shadow` would be made.
    (
        "cve_2016_6321_a_name_is_not_cut_behind_its_dots",
        Root,
        cut_behind_dots,
    ),
    // BusyBox looked for `/../` alone: not for dots at the end.
    (
        "cve_2026_26157_a_name_that_ends_with_dots_is_refused",
        Root,
        || {
            for name in ["a/..", "..", "../", "a/b/../..", "../."] {
                refused(|_| Tar::new().directory(name).end(), name, ESCAPES)?;
            }
            Ok(())
        },
    ),
    // node-tar took one slash off and left the next.
    (
        "cve_2021_32804_a_name_with_many_slashes_in_front_is_refused",
        Root,
        || absolute("///"),
    ),
    ("an_absolute_name_is_refused", Root, || absolute("")),
    ("an_absolute_directory_is_refused", Root, || {
        refused(
            |arena| Tar::new().directory(&arena.beyond("made")).end(),
            "outside/made",
            ESCAPES,
        )
    }),
    // Where in the headers the name stands must not matter.
    ("dots_in_a_long_name_are_refused", Root, long_names),
    ("dots_in_the_prefix_field_are_refused", Root, prefixes),
    ("a_name_with_a_zero_byte_is_refused", Root, zero_byte),
    (
        "what_stands_behind_the_end_of_a_name_is_not_read",
        Root,
        behind_the_end,
    ),
    ("a_name_of_256_bytes_is_refused", Root, || {
        let name = "n".repeat(256);
        let wanted = "n".repeat(20);
        refused(
            |_| Tar::new().pax(&[("path", &name)]).file("short", "").end(),
            &wanted,
            LENGTH,
        )
    }),
    ("a_name_of_255_bytes_is_accepted", Root, || {
        let name = "n".repeat(255);
        accepted(
            |_| Tar::new().pax(&[("path", &name)]).file("short", "1").end(),
            &[&format!("- {name} 1")],
        )
    }),
    ("a_path_of_a_mebibyte_is_refused", Root, mebibyte),
    ("an_empty_name_is_refused", Root, || {
        refused(|_| Tar::new().file("", "evil").end(), "", &["name", "path"])
    }),
    ("the_root_can_only_be_a_directory", Root, root_as_other),
    (
        "names_that_only_look_dangerous_are_accepted",
        Root,
        harmless,
    ),
    (
        "an_error_shows_no_control_characters_of_a_name",
        Root,
        control_characters,
    ),
];

fn one(name: &str, shown: &str) -> Result<()> {
    refused(|_| Tar::new().file(name, "evil").end(), shown, ESCAPES)
}

fn absolute(slashes: &str) -> Result<()> {
    let name = |arena: &Arena| format!("{slashes}{}", arena.beyond("evil"));
    refused(
        |arena| Tar::new().file(&name(arena), "evil").end(),
        "outside/evil",
        ESCAPES,
    )
}

fn cut_behind_dots() -> Result<()> {
    let arena = Arena::new()?;
    let archive = Tar::new().file("allowed/../etc/shadow", "evil").end();
    let outcome = arena.extract(&archive)?;
    outcome.refused("allowed/../etc/shadow", ESCAPES)?;
    ensure!(!arena.root().join("etc").exists(), "etc was made");
    Ok(())
}

fn long_names() -> Result<()> {
    let name = "../outside/evil";
    let pax = |_: &Arena| Tar::new().pax(&[("path", name)]).file("good", "evil").end();
    refused(pax, name, ESCAPES)?;
    let gnu = |_: &Arena| Tar::new().gnu_long(b'L', name).file("good", "evil").end();
    refused(gnu, name, ESCAPES)?;
    let absolute = |arena: &Arena| {
        let name = arena.beyond("evil");
        Tar::new()
            .pax(&[("path", &name)])
            .file("good", "evil")
            .end()
    };
    refused(absolute, "outside/evil", ESCAPES)
}

fn prefixes() -> Result<()> {
    for prefix in ["..", "/tmp", "a/../.."] {
        let header = Header::new(b'0', "outside/evil").set(field::PREFIX, prefix);
        let archive = Tar::new().entry(header, "evil").end();
        refused(|_| archive, "outside/evil", ESCAPES)?;
    }
    Ok(())
}

fn zero_byte() -> Result<()> {
    let name = "good\0/../../outside/evil";
    let pax = |_: &Arena| Tar::new().pax(&[("path", name)]).file("good", "evil").end();
    refused(pax, "good", &["zero", "nul", "path", "pax"])?;
    // GNU tar ends the long name at the zero byte.
    let gnu = |_: &Arena| Tar::new().gnu_long(b'L', name).file("good", "evil").end();
    confined(gnu, "good", &["- good evil"])
}

fn behind_the_end() -> Result<()> {
    let header = Header::new(b'0', "good\0../outside/evil");
    accepted(|_| Tar::new().entry(header, "1").end(), &["- good 1"])
}

fn mebibyte() -> Result<()> {
    for step in ["d/", "directory/"] {
        let name = step.repeat((1 << 20) / step.len());
        let gnu = |_: &Arena| Tar::new().gnu_long(b'L', &name).file("good", "").end();
        // It may be too long to be read, and then it cannot be shown.
        refused(gnu, "", LENGTH)?;
        let pax = |_: &Arena| Tar::new().pax(&[("path", &name)]).file("good", "").end();
        refused(pax, "", LENGTH)?;
    }
    Ok(())
}

fn root_as_other() -> Result<()> {
    for name in [".", "./", "././"] {
        for kind in [b'0', b'1', b'2', b'3', b'6'] {
            // A file's name with a slash at its end is a directory's, before ustar.
            if kind == b'0' && name.ends_with('/') {
                continue;
            }
            let header = Header::new(kind, name).link("target");
            refused(
                |_| Tar::new().file("target", "").header(header).end(),
                "",
                &["root", "exists", "director"],
            )?;
        }
    }
    Ok(())
}

fn harmless() -> Result<()> {
    accepted(
        |_| {
            Tar::new()
                .file("-rf", "1")
                .file("...", "2")
                .file("..a", "3")
                .file("a..", "4")
                .file("back\\slash", "5")
                .file("./dot", "6")
                .end()
        },
        &[
            "- -rf 1",
            "- ... 2",
            "- ..a 3",
            "- a.. 4",
            "- back\\\\slash 5",
            "- dot 6",
        ],
    )
}

/// A name must not be able to write to the admin's terminal, nor to look like more
/// lines of an error.
fn control_characters() -> Result<()> {
    let arena = Arena::new()?;
    let name = "../\x1b[2J\nhint: all is well\r\x07";
    let outcome = arena.extract(&Tar::new().file(name, "evil").end())?;
    outcome.refused("[2J", ESCAPES)?;
    let shown = outcome.stderr.trim_end_matches('\n');
    ensure!(
        shown.chars().all(|c| c == '\n' || !c.is_control()),
        "{outcome:?}"
    );
    ensure!(!shown.contains("\nhint: all is well"), "{outcome:?}");
    Ok(())
}
