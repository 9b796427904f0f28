//! Links that lead out only when they are followed together, as found in programs that
//! judge targets by their text.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Result, ensure};

use crate::arena::Arena;
use crate::canary::SECRET;
use crate::ustar::{Header, Tar};
use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    // Python's filters resolved targets with realpath, which gives up beyond PATH_MAX
    // and leaves the `..` after it unjudged.
    (
        "cve_2025_4517_a_chain_beyond_path_max_stays_inside",
        Root,
        || beyond_path_max(|tar| tar.file("escape/evil", "evil")),
    ),
    (
        "cve_2025_4138_a_symlink_through_such_a_chain_stays_inside",
        Root,
        || beyond_path_max(|tar| tar.symlink("escape/evil", "/")),
    ),
    (
        "cve_2025_4517_a_hard_link_through_such_a_chain_stays_inside",
        Root,
        || beyond_path_max(|tar| tar.hard_link("stolen", "escape/file")),
    ),
    // Python's filters let links to the outside pass; here a hard link to a symlink.
    (
        "cve_2025_4330_a_hard_link_to_a_symlink_is_not_followed",
        Root,
        link_to_symlink,
    ),
    // Python's filters gave mode and time to what a symlink pointed to.
    (
        "cve_2024_12718_mode_and_time_do_not_go_through_a_symlink",
        Root,
        metadata_through,
    ),
    // node-tar: two symlinks and a hard link, none of which is suspicious by its text.
    (
        "cve_2026_26960_a_hard_link_through_two_symlinks_stays_inside",
        Root,
        two_symlinks,
    ),
];

/// Sixteen long directories in each other with a short symlink beside each: the path
/// `a/b/…/p/lll…` is short, and what it resolves to is longer than 4096 bytes. There a
/// symlink leads up again, to the root.
fn chain() -> (Tar, String) {
    let long = "d".repeat(247);
    let steps: Vec<String> = (b'a'..=b'p').map(|step| char::from(step).into()).collect();
    let (mut tar, mut place) = (Tar::new(), String::new());
    for step in &steps {
        let directory = format!("{place}{long}");
        let link = format!("{place}{step}");
        tar = tar.pax(&[("path", &directory)]).directory("directory");
        tar = tar.pax(&[("path", &link), ("linkpath", &long)]);
        tar = tar.symlink("link", "target");
        place = format!("{directory}/");
    }
    let bottom = format!("{}/{}", steps.join("/"), "l".repeat(250));
    let up = "../".repeat(steps.len());
    let tar = tar.pax(&[("path", &bottom), ("linkpath", &up)]);
    (tar.symlink("link", "target"), bottom)
}

/// Something through the chain, and through a symlink that leads through it.
fn beyond_path_max(last: impl Fn(Tar) -> Tar) -> Result<()> {
    let (tar, bottom) = chain();
    for beyond in ["..", "../../.."] {
        let arena = Arena::new()?;
        let target = format!("{bottom}/{beyond}/outside");
        let archive = last(tar.clone().symlink("escape", &target)).end();
        let outcome = arena.extract(&archive)?;
        if outcome.code != Some(0) {
            outcome.refused("", &["escape", "stolen", "link", "dddd"])?;
        }
        let stolen = fs::read(arena.root().join("stolen"));
        ensure!(stolen.is_err(), "a file of the outside is inside");
    }
    Ok(())
}

fn link_to_symlink() -> Result<()> {
    let arena = Arena::new()?;
    let first = Tar::new()
        .symlink("link", &arena.beyond("file"))
        .hard_link("twin", "link");
    arena.extract(&first.clone().end())?.accepted()?;
    let twin = arena.root().join("twin").symlink_metadata()?;
    ensure!(twin.is_symlink() && twin.nlink() == 2, "{twin:?}");
    let arena = Arena::new()?;
    let first = Tar::new()
        .symlink("link", &arena.beyond("file"))
        .hard_link("twin", "link");
    let outcome = arena.extract(&first.file("twin", "evil").end())?;
    outcome.refused("twin", crate::reason::EXISTS)
}

fn metadata_through() -> Result<()> {
    for name in ["link/", "link/.", "link/./"] {
        let arena = Arena::new()?;
        let archive = Tar::new()
            .symlink("link", "../outside/directory")
            .pax(&[("mtime", "5.5"), ("uid", "1234")])
            .header(Header::new(b'5', name))
            .end();
        let outcome = arena.extract(&archive)?;
        outcome.refused("link", crate::reason::EXISTS)?;
    }
    Ok(())
}

fn two_symlinks() -> Result<()> {
    let arena = Arena::new()?;
    let archive = Tar::new()
        .directory("a")
        .directory("a/b")
        .directory("a/b/c")
        .symlink("a/b/c/up", "../..")
        .symlink("a/b/escape", "c/up/../..")
        .hard_link("stolen", "a/b/escape/outside/file")
        .end();
    let outcome = arena.extract(&archive)?;
    outcome.refused("stolen", crate::reason::LINK)?;
    let stolen = fs::read(arena.root().join("stolen"));
    ensure!(stolen.ok().as_deref() != Some(SECRET), "it was linked");
    Ok(())
}
