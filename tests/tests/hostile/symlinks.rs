//! Symlinks that an archive plants, and entries that want to go through them.
//!
//! `/` in an archive is the root itself, and above the root there is nothing: a symlink
//! that would lead out is followed as if the root were `/`.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Result, ensure};

use crate::arena::{Arena, accepted, confined, refused};
use crate::reason::{EXISTS, LINK, PARENT};
use crate::ustar::{Header, Tar};
use crate::{Case, Needs::Mounts, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    // BusyBox wrote through a symlink made by the entry before.
    (
        "cve_2011_5325_a_write_through_a_climbing_symlink_stays_inside",
        Root,
        climbing,
    ),
    // PEAR's Archive_Tar did so too; again later, by absolute targets.
    (
        "cve_2020_36193_a_write_through_an_absolute_symlink_stays_inside",
        Root,
        || through_absolute(b'0'),
    ),
    // tar-rs made missing parents with create_dir_all, which follows symlinks.
    (
        "cve_2021_38511_directories_below_a_symlink_stay_inside",
        Root,
        || through_absolute(b'5'),
    ),
    // moby/go-archive: links below a symlink.
    (
        "cve_2026_17106_links_below_a_symlink_stay_inside",
        Root,
        || through_absolute(b'2'),
    ),
    // Perl's Archive::Tar opened what the symlink of the same name pointed to.
    (
        "cve_2018_12015_a_file_named_like_a_symlink_is_refused",
        Root,
        || after_symlink(&Header::new(b'0', "name").size(0)),
    ),
    // tar-rs took a symlink to a directory for the directory, and changed its mode.
    (
        "cve_2026_33056_a_directory_named_like_a_symlink_is_refused",
        Root,
        || {
            for name in ["name", "name/", "name/."] {
                after_symlink(&Header::new(b'5', name))?;
            }
            Ok(())
        },
    ),
    // node-tar remembered a directory that a symlink had replaced since.
    (
        "cve_2021_32803_a_directory_replaced_by_a_symlink_is_refused",
        Root,
        replaced_directory,
    ),
    // The same, by names with backslashes, which it took for slashes.
    (
        "cve_2021_37701_a_backslash_is_a_letter_of_a_name",
        Root,
        backslash,
    ),
    // The same, by names that only Unicode's normal forms make equal.
    (
        "cve_2021_37712_names_are_compared_by_their_bytes",
        Root,
        normal_forms,
    ),
    // GNU tar guards symlinks of one archive only: a first one plants, a second writes.
    (
        "cve_2025_45582_a_symlink_of_an_earlier_archive_leads_nowhere",
        Root,
        two_archives,
    ),
    (
        "a_symlink_that_was_in_the_root_before_is_not_written_through",
        Root,
        planted_before,
    ),
    (
        "a_write_through_a_symlink_inside_the_root_succeeds",
        Root,
        inside,
    ),
    ("a_symlink_may_point_anywhere", Root, anywhere),
    ("an_entry_below_a_symlink_loop_is_refused", Root, || {
        refused(
            |_| {
                Tar::new()
                    .symlink("one", "two")
                    .symlink("two", "one")
                    .file("one/victim", "evil")
                    .end()
            },
            "one",
            PARENT,
        )
    }),
    (
        "an_entry_below_a_long_chain_of_symlinks_is_refused",
        Root,
        long_chain,
    ),
    ("an_entry_below_a_file_is_refused", Root, || {
        refused(
            |_| Tar::new().file("file", "1").file("file/victim", "2").end(),
            "file",
            &["director", "exists"],
        )
    }),
    ("a_symlink_without_a_target_is_refused", Root, || {
        refused(|_| Tar::new().symlink("victim", "").end(), "victim", LINK)
    }),
    ("a_target_of_5000_bytes_is_refused", Root, || {
        let target = "t".repeat(5000);
        refused(
            |_| Tar::new().symlink("victim", &target).end(),
            "victim",
            &["long", "link"],
        )
    }),
    ("a_magic_link_of_proc_is_not_followed", Mounts, magic_link),
];

fn climbing() -> Result<()> {
    accepted(
        |_| {
            Tar::new()
                .symlink("up", "../../../..")
                .directory("outside")
                .file("up/outside/evil", "inside")
                .end()
        },
        &["d outside", "- outside/evil inside", "l up -> ../../../.."],
    )
}

/// An entry of type `kind` below a symlink to the canary, of which there is nothing at
/// the same path below the root.
fn through_absolute(kind: u8) -> Result<()> {
    for target in ["", "directory"] {
        let arena = Arena::new()?;
        let header = Header::new(kind, "link/made/evil").link("target");
        let archive = Tar::new()
            .symlink("link", &arena.beyond(target))
            .header(header)
            .end();
        let outcome = arena.extract(&archive)?;
        if outcome.code != Some(0) {
            outcome.refused("link", &[""])?;
        }
    }
    Ok(())
}

/// An entry after a symlink `name` to the canary: a file of it and a directory.
fn after_symlink(header: &Header) -> Result<()> {
    for target in ["file", "directory"] {
        refused(
            |arena| {
                Tar::new()
                    .symlink("name", &arena.beyond(target))
                    .header(header.clone())
                    .end()
            },
            "name",
            EXISTS,
        )?;
    }
    Ok(())
}

fn replaced_directory() -> Result<()> {
    refused(
        |arena| {
            Tar::new()
                .directory("cached")
                .file("cached/first", "1")
                .symlink("cached", &arena.beyond("directory"))
                .file("cached/inner", "evil")
                .end()
        },
        "cached",
        EXISTS,
    )
}

fn backslash() -> Result<()> {
    accepted(
        |_| {
            Tar::new()
                .directory("a")
                .directory("a\\b")
                .symlink("a/b", "/nowhere")
                .file("a\\b/file", "1")
                .end()
        },
        &["d a", "l a/b -> /nowhere", "d a\\\\b", "- a\\\\b/file 1"],
    )
}

fn normal_forms() -> Result<()> {
    // `é` as one character, and as `e` with an accent that joins it.
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let arena = Arena::new()?;
    let archive = Tar::new()
        .directory(composed)
        .symlink(decomposed, &arena.beyond("directory"))
        .file(&format!("{composed}/inner"), "1")
        .end();
    arena.extract(&archive)?.accepted()?;
    let inner = arena.root().join(composed).join("inner");
    ensure!(fs::read(inner)? == b"1");
    Ok(())
}

fn two_archives() -> Result<()> {
    let arena = Arena::new()?;
    let first = Tar::new()
        .symlink("x", "../outside")
        .symlink("y", &arena.beyond("directory"))
        .end();
    arena.extract(&first)?.accepted()?;
    for name in ["x/file", "x/evil", "y/inner", "y/evil"] {
        let outcome = arena.extract(&Tar::new().file(name, "evil").end())?;
        if outcome.code != Some(0) {
            outcome.refused(&name[..1], &[""])?;
        }
    }
    Ok(())
}

fn planted_before() -> Result<()> {
    let arena = Arena::new()?;
    symlink(arena.outside().join("file"), arena.root().join("file"))?;
    symlink(arena.outside().join("directory"), arena.root().join("dir"))?;
    let file = arena.extract(&Tar::new().file("file", "evil").end())?;
    file.refused("file", EXISTS)?;
    let directory = arena.extract(&Tar::new().directory("dir").end())?;
    directory.refused("dir", EXISTS)?;
    let below = arena.extract(&Tar::new().file("dir/inner", "evil").end())?;
    if below.code != Some(0) {
        below.refused("dir", &[""])?;
    }
    Ok(())
}

fn inside() -> Result<()> {
    accepted(
        |_| {
            Tar::new()
                .directory("run")
                .directory("usr")
                .directory("usr/lib")
                .directory("var")
                .symlink("lib", "usr/lib")
                .symlink("var/run", "/run")
                .symlink("var/lib", "../usr/lib")
                .file("var/run/pid", "1")
                .file("lib/one", "2")
                .file("var/lib/two", "3")
                .directory("var/run/made")
                .hard_link("var/run/made/twin", "lib/one")
                .end()
        },
        &[
            "l lib -> usr/lib",
            "d run",
            "d run/made",
            "- run/made/twin 2",
            "- run/pid 1",
            "d usr",
            "d usr/lib",
            "- usr/lib/one 2",
            "- usr/lib/two 3",
            "d var",
            "l var/lib -> ../usr/lib",
            "l var/run -> /run",
        ],
    )
}

fn anywhere() -> Result<()> {
    // Archive::Tar and node-tar were blamed for making such (CVE-2026-42496,
    // CVE-2026-23745); systems are full of them, and following them is what must not be.
    let long = "t".repeat(4095);
    accepted(
        |_| {
            Tar::new()
                .symlink("above", "../../../etc/passwd")
                .symlink("absolute", "/etc/passwd")
                .symlink("long", &long)
                .symlink("self", "self")
                .end()
        },
        &[
            "l above -> ../../../etc/passwd",
            "l absolute -> /etc/passwd",
            &format!("l long -> {long}"),
            "l self -> self",
        ],
    )
}

fn long_chain() -> Result<()> {
    // The kernel follows 40 in one path, path_resolution(7).
    let links = (0..60).fold(Tar::new().directory("0"), |tar, n| {
        tar.symlink(&format!("{}", n + 1), &format!("{n}"))
    });
    let near = links.clone().file("30/file", "1").end();
    let arena = Arena::new()?;
    arena.extract(&near)?.accepted()?;
    ensure!(fs::read(arena.root().join("0/file"))? == b"1");
    confined(|_| links.file("60/victim", "1").end(), "60", &[])
}

/// `/proc/self/cwd` is a link that no `..` and no root binds, proc(5).
fn magic_link() -> Result<()> {
    let arena = Arena::new()?;
    fs::create_dir(arena.root().join("proc"))?;
    let archive = Tar::new()
        .symlink("link", "/proc/self/cwd")
        .file("link/evil", "evil")
        .end();
    fs::write(arena.archive(), archive)?;
    let script = "mount --bind /proc \"$1/proc\" && cd \"$2\" && exec \"$3\" extract \"$4\" \"$1\"";
    let arguments = [
        "-m".into(),
        "sh".into(),
        "-c".into(),
        script.into(),
        "sh".into(),
        arena.root().into_os_string(),
        arena.outside().into_os_string(),
        jump_tests::bin("jumpinit").into_os_string(),
        arena.archive().into_os_string(),
    ];
    let outcome = arena.watched("/usr/bin/unshare".as_ref(), &arguments)?;
    outcome.refused("link", PARENT)
}
