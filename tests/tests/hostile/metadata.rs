//! Modes, owners, times and attributes: none of them reaches through a link.

use std::os::unix::fs::MetadataExt as _;

use anyhow::{Result, ensure};
use rustix::fs::lgetxattr;

use crate::arena::{Arena, refused};
use crate::reason::PAX;
use crate::ustar::{Header, Tar, field};
use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    // libarchive set a symlink entry's ACL at the target.
    (
        "cve_2021_23177_an_attribute_of_a_symlink_does_not_reach_its_target",
        Root,
        || of_symlink("trusted.evil", "value"),
    ),
    // libarchive set a symlink entry's mode, time and flags at the target.
    (
        "cve_2021_31566_owner_and_time_of_a_symlink_do_not_reach_its_target",
        Root,
        owner_of_symlink,
    ),
    // GNU tar put an attribute's name on the stack, however long it was.
    (
        "cve_2023_39804_an_attribute_with_a_huge_name_is_refused",
        Root,
        || {
            for length in [256, 65_536, 1 << 20] {
                let key = format!("SCHILY.xattr.user.{}", "n".repeat(length));
                attribute(&key)?;
            }
            Ok(())
        },
    ),
    ("an_attribute_without_a_name_is_refused", Root, || {
        attribute("SCHILY.xattr.")
    }),
    ("an_attribute_of_no_known_class_is_refused", Root, || {
        attribute("SCHILY.xattr.nobody.knows")
    }),
    ("an_acl_that_is_none_is_not_passed_over", Root, || {
        // The kernel alone knows: it is a failure as well as a refusal.
        let arena = Arena::new()?;
        let tar = Tar::new().pax(&[("SCHILY.xattr.system.posix_acl_access", "evil")]);
        let outcome = arena.extract(&tar.file("victim", "1").end())?;
        ensure!(matches!(outcome.code, Some(1 | 3)), "{outcome:?}");
        ensure!(outcome.stderr.contains("victim"), "{outcome:?}");
        Ok(())
    }),
    ("type_bits_in_a_mode_do_not_count", Root, || {
        let arena = Arena::new()?;
        // As old tars wrote it: the whole st_mode, here that of a symlink.
        let header = Header::new(b'0', "file").octal(field::MODE, 0o120_640);
        arena
            .extract(&Tar::new().header(header).end())?
            .accepted()?;
        arena.holds(&["- file "])?;
        let mode = arena.root().join("file").metadata()?.mode();
        ensure!(mode == 0o100_640, "the mode is {mode:o}");
        Ok(())
    }),
];

fn attribute(key: &str) -> Result<()> {
    refused(
        |_| Tar::new().pax(&[(key, "evil")]).file("victim", "1").end(),
        "victim",
        &[PAX, &["attribute", "xattr"]].concat(),
    )
}

fn of_symlink(name: &str, value: &str) -> Result<()> {
    let arena = Arena::new()?;
    let key = format!("SCHILY.xattr.{name}");
    let archive = Tar::new()
        .pax(&[(&key, value)])
        .symlink("link", &arena.beyond("file"))
        .pax(&[(&key, value)])
        .symlink("link2", "../outside/directory")
        .end();
    arena.extract(&archive)?.accepted()?;
    let mut found = [0; 16];
    let length = lgetxattr(arena.root().join("link"), name, &mut found[..])?;
    ensure!(&found[..length] == value.as_bytes());
    Ok(())
}

fn owner_of_symlink() -> Result<()> {
    let arena = Arena::new()?;
    let header = |name: &str, target: &str| {
        let header = Header::new(b'2', name).octal(field::MODE, 0o777);
        let header = header.octal(field::UID, 1234).octal(field::GID, 1234);
        header.octal(field::MTIME, 5).link(target)
    };
    let archive = Tar::new()
        .header(header("up", "../outside/file"))
        .header(header("up2", "../outside/directory"))
        .end();
    arena.extract(&archive)?.accepted()?;
    let link = arena.root().join("up2").symlink_metadata()?;
    ensure!((link.uid(), link.mtime()) == (1234, 5), "{link:?}");
    Ok(())
}
