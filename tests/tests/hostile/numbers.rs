//! Numbers in headers: too large, negative, none at all.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Context as _, Result, ensure};

use crate::arena::{Arena, accepted, refused};
use crate::reason::{CONTENT, CUT, NUMBER};
use crate::ustar::{Header, Tar, field};
use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    ("a_size_beyond_the_archive_is_refused", Root, beyond),
    (
        "a_size_of_a_tebibyte_takes_no_room_before_it_is_there",
        Root,
        tebibyte,
    ),
    ("a_size_that_overflows_is_refused", Root, sizes),
    ("a_negative_size_is_refused", Root, || {
        for size in [-1, -512, i128::from(i64::MIN)] {
            number(|header| header.base256(field::SIZE, size))?;
        }
        Ok(())
    }),
    ("an_id_beyond_32_bits_is_refused", Root, ids),
    // chown(2) takes -1 for "leave it".
    ("the_id_that_means_none_is_refused", Root, || {
        for id in [field::UID, field::GID] {
            number(|header| header.base256(id, i128::from(u32::MAX)))?;
        }
        Ok(())
    }),
    ("a_time_beyond_64_bits_is_refused", Root, || {
        for time in [1 << 63, (1 << 63) + 5, (1 << 80) + 1, -(1 << 63) - 1] {
            number(|header| header.base256(field::MTIME, time))
                .with_context(|| format!("{time}"))?;
        }
        Ok(())
    }),
    ("a_time_before_1970_is_accepted", Root, before_1970),
    ("a_device_number_that_overflows_is_refused", Root, devices),
    ("a_field_that_is_no_number_is_refused", Root, no_numbers),
    // GNU tar read a byte beyond a time that was all blanks.
    (
        "cve_2022_48303_a_blank_number_is_refused_or_zero",
        Root,
        blanks,
    ),
    ("the_largest_id_is_accepted", Root, || {
        let arena = Arena::new()?;
        let id = i128::from(u32::MAX - 1);
        let header = Header::new(b'0', "file").base256(field::UID, id);
        arena
            .extract(&Tar::new().header(header).end())?
            .accepted()?;
        let uid = arena.root().join("file").metadata()?.uid();
        ensure!(uid == u32::MAX - 1, "the owner is {uid}");
        Ok(())
    }),
    ("content_of_a_type_that_has_none_is_refused", Root, content),
];

/// A file `victim` whose header `change` has changed is refused.
fn number(change: impl FnOnce(Header) -> Header) -> Result<()> {
    let header = change(Header::new(b'0', "victim"));
    refused(
        |_| Tar::new().header(header).end(),
        "victim",
        &[NUMBER, CUT].concat(),
    )
}

fn beyond() -> Result<()> {
    let sizes = [
        Header::new(b'0', "victim").size(4 << 10),
        Header::new(b'0', "victim").set(field::SIZE, "777777777777"),
        Header::new(b'0', "victim").base256(field::SIZE, i128::from(i64::MAX) - 1023),
    ];
    for header in sizes {
        let archive = Tar::new().header(header).content("evil").end();
        refused(|_| archive, "victim", &[CUT, NUMBER].concat())?;
    }
    Ok(())
}

fn tebibyte() -> Result<()> {
    let arena = Arena::new()?;
    let header = Header::new(b'0', "victim").base256(field::SIZE, 1 << 40);
    let outcome = arena.extract(&Tar::new().header(header).content("evil").end())?;
    outcome.refused("victim", &[CUT, NUMBER].concat())?;
    let blocks = fs::metadata(arena.root().join("victim")).map_or(0, |is| is.blocks());
    ensure!(blocks <= 64, "{blocks} blocks were taken");
    Ok(())
}

fn sizes() -> Result<()> {
    // The last would be 0 or small if rounded up to blocks in 64 bits.
    for size in [
        1 << 63,
        1 << 64,
        (1 << 64) + 4,
        (1 << 90) + 4,
        (1 << 64) - 1,
    ] {
        number(|header| header.base256(field::SIZE, size))?;
    }
    number(|header| header.base256(field::SIZE, i128::from(i64::MAX)))
}

fn ids() -> Result<()> {
    for id in [field::UID, field::GID] {
        for value in [1 << 32, (1 << 32) + 7, -1, -2] {
            number(|header| header.base256(id.clone(), value))
                .with_context(|| format!("{value}"))?;
        }
    }
    Ok(())
}

fn before_1970() -> Result<()> {
    let arena = Arena::new()?;
    let header = Header::gnu(b'0', "file").base256(field::MTIME, -86_400);
    arena
        .extract(&Tar::new().header(header).end())?
        .accepted()?;
    let mtime = arena.root().join("file").metadata()?.mtime();
    ensure!(mtime == -86_400, "the time is {mtime}");
    Ok(())
}

/// The kernel has 12 bits for the major and 20 for the minor number (linux/kdev_t.h).
fn devices() -> Result<()> {
    let device = || Header::gnu(b'3', "victim");
    let headers = [
        device().octal(field::MAJOR, 1 << 12),
        device().octal(field::MINOR, 1 << 20),
        device().base256(field::MAJOR, 1 << 32),
        device().base256(field::MINOR, (1 << 32) + 3),
        device().base256(field::MAJOR, -1),
        device().set(field::MINOR, "nine"),
    ];
    for header in headers {
        let [major, minor] = [field::MAJOR, field::MINOR].map(|field| header.text(field));
        refused(|_| Tar::new().header(header).end(), "victim", NUMBER)
            .with_context(|| format!("{major}, {minor}"))?;
    }
    Ok(())
}

fn no_numbers() -> Result<()> {
    for field in [
        field::MODE,
        field::UID,
        field::GID,
        field::SIZE,
        field::MTIME,
    ] {
        for text in ["9", "0x10", "-1", "1 2", "12a"] {
            number(|header| header.set(field.clone(), text))
                .with_context(|| format!("{text:?} at {field:?}"))?;
        }
    }
    Ok(())
}

fn blanks() -> Result<()> {
    for field in [field::MTIME, field::UID, field::MODE] {
        let arena = Arena::new()?;
        let header = Header::new(b'0', "victim");
        let blank = header.set(field.clone(), " ".repeat(field.len()));
        let outcome = arena.extract(&Tar::new().header(blank).end())?;
        if outcome.code != Some(0) {
            outcome.refused("victim", NUMBER)?;
        }
    }
    Ok(())
}

fn content() -> Result<()> {
    let smuggled = Tar::new().file("smuggled", "evil").unended();
    for kind in *b"123456" {
        let arena = Arena::new()?;
        let header = Header::new(kind, "victim").link("nowhere");
        let archive = Tar::new().entry(header, &smuggled).end();
        arena
            .extract(&archive)?
            .refused("victim", &[CONTENT, crate::reason::LINK].concat())?;
        ensure!(!arena.root().join("smuggled").exists(), "it was smuggled");
    }
    accepted(
        |_| Tar::new().file("outer", &smuggled).end(),
        &[&format!("- outer {} bytes", smuggled.len())],
    )
}
