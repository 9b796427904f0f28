//! `jumpimg adopt` makes an image of a foreign archive without unpacking it, so there is
//! no root to stay inside: it refuses the same archives by name, and leaves no image.

use anyhow::{Context as _, Result, ensure};

use crate::arena::Arena;
use crate::reason::{ESCAPES, EXISTS, LINK, NUMBER, PAX, TYPE};
use crate::ustar::{Header, Tar, field};
use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    ("adopt_takes_an_ordinary_archive", Root, || {
        let arena = Arena::new()?;
        let os = Tar::new()
            .directory("etc")
            .file("etc/os-release", "ID=os\n");
        let archive = os.directory("a").file("a/file", "1").end();
        adopt(&arena, &archive)?.accepted()?;
        let image = arena.root().join("image");
        let root = arena.root().join("tree");
        std::fs::create_dir(&root)?;
        let arguments = ["extract".into(), image.into(), root.clone().into()];
        let outcome = arena.watched(&jump_tests::bin("jumpinit"), &arguments)?;
        outcome.accepted()?;
        ensure!(std::fs::read(root.join("a/file"))? == b"1");
        Ok(())
    }),
    ("adopt_refuses_names_that_lead_out", Root, || {
        let tar = Tar::new();
        refused(&tar.clone().file("../victim", "evil").end(), ESCAPES)?;
        refused(&tar.clone().file("/victim", "evil").end(), ESCAPES)?;
        let long = tar.pax(&[("path", "a/../../victim")]).file("b", "evil");
        refused(&long.end(), ESCAPES)
    }),
    ("adopt_refuses_hard_links_out", Root, || {
        let why = [ESCAPES, LINK].concat();
        for target in ["../outside/file", "/etc/passwd", "nowhere", "victim"] {
            refused(&Tar::new().hard_link("victim", target).end(), &why).context(target)?;
        }
        Ok(())
    }),
    ("adopt_refuses_a_second_entry_of_one_name", Root, || {
        let tar = Tar::new().file("victim", "1");
        refused(&tar.clone().file("victim", "2").end(), EXISTS)?;
        refused(&tar.clone().directory("victim").end(), EXISTS)?;
        let tar = Tar::new().directory("victim").symlink("victim", "/");
        refused(&tar.end(), EXISTS)
    }),
    (
        "adopt_refuses_entries_below_what_is_no_directory",
        Root,
        || {
            let tar = Tar::new().file("file", "1").file("file/victim", "2");
            refused(&tar.end(), &["director", "exists", "parent"])
        },
    ),
    ("adopt_refuses_numbers_types_and_records", Root, || {
        let header = Header::new(b'0', "victim").base256(field::SIZE, -1);
        refused(&Tar::new().header(header).end(), NUMBER)?;
        let header = Header::new(b'Z', "victim");
        refused(&Tar::new().header(header).end(), TYPE)?;
        let tar = Tar::new().pax(&[("VENDOR.key", "1")]);
        refused(&tar.file("victim", "1").end(), PAX)
    }),
];

/// Adopts an archive as `root/image`: the rest is watched as for an extraction.
fn adopt(arena: &Arena, archive: &[u8]) -> Result<crate::measured::Outcome> {
    std::fs::write(arena.archive(), archive)?;
    let image = arena.root().join("image");
    let arguments = [
        "adopt".into(),
        arena.archive().into_os_string(),
        "-o".into(),
        image.into_os_string(),
    ];
    arena.watched(&jump_tests::bin("jumpimg"), &arguments)
}

fn refused(archive: &[u8], why: &[&str]) -> Result<()> {
    let arena = Arena::new()?;
    adopt(&arena, archive)?.refused("victim", why)?;
    // Neither the image nor a part of it beside its place.
    arena.holds(&[])
}
