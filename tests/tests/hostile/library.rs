//! The same at the library's level: archives that are taken from memory, as saved files are.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Result, ensure};
use jumparchive::{UnpackOptions, unpack_tar};
use tar::{Builder, EntryType, Header};

use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    ("a_path_with_dots_is_refused", Root, dots),
    ("an_absolute_path_is_refused", Root, absolute),
    (
        "a_write_through_a_planted_symlink_stays_inside",
        Root,
        through_symlink,
    ),
    ("a_symlink_is_not_opened_for_its_target", Root, over_symlink),
    ("a_hard_link_to_the_outside_is_refused", Root, hard_link_out),
    ("a_second_entry_of_one_name_is_refused", Root, duplicate),
    ("an_unknown_type_is_refused", Root, unknown_type),
    ("an_unknown_pax_key_is_refused", Root, unknown_pax),
    ("an_archive_cut_at_an_entry_is_refused", Root, cut),
];

fn add(
    archive: &mut Builder<Vec<u8>>,
    kind: EntryType,
    path: &str,
    link: &str,
    data: &[u8],
) -> Result<()> {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(data.len() as u64);
    header.set_cksum();
    Ok(archive.append(&header, data)?)
}

/// Unpacks below `root/new`, with `root/outside` next to it.
fn attempt(archive: Vec<u8>) -> Result<(tempfile::TempDir, Result<(), jumparchive::Error>)> {
    let scratch = tempfile::tempdir()?;
    fs::create_dir(scratch.path().join("new"))?;
    fs::write(scratch.path().join("outside"), "untouched")?;
    let root = File::open(scratch.path().join("new"))?;
    let result = unpack_tar(archive, root.as_fd(), &UnpackOptions::default());
    let outside = fs::read(scratch.path().join("outside"))?;
    ensure!(outside == b"untouched", "the outside was written to");
    ensure!(
        fs::read_dir(scratch.path())?.count() == 2,
        "something was made outside"
    );
    Ok((scratch, result.map(|_| ())))
}

fn refused(build: impl FnOnce(&mut Builder<Vec<u8>>) -> Result<()>) -> Result<()> {
    let mut archive = Builder::new(Vec::new());
    build(&mut archive)?;
    let (_scratch, result) = attempt(archive.into_inner()?)?;
    ensure!(result.is_err(), "it was taken");
    Ok(())
}

fn dots() -> Result<()> {
    refused(|archive| add(archive, EntryType::Regular, "../outside", "", b"evil"))?;
    refused(|archive| add(archive, EntryType::Regular, "a/../../outside", "", b"evil"))
}

fn absolute() -> Result<()> {
    refused(|archive| add(archive, EntryType::Regular, "/tmp/evil", "", b"evil"))
}

fn through_symlink() -> Result<()> {
    let mut archive = Builder::new(Vec::new());
    add(&mut archive, EntryType::Symlink, "up", "../../../..", b"")?;
    add(
        &mut archive,
        EntryType::Regular,
        "up/inside",
        "",
        b"content",
    )?;
    let (scratch, result) = attempt(archive.into_inner()?)?;
    result?;
    ensure!(fs::read(scratch.path().join("new/inside"))? == b"content");
    Ok(())
}

fn over_symlink() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let outside = scratch.path().join("outside");
    fs::write(&outside, "untouched")?;
    fs::create_dir(scratch.path().join("new"))?;
    symlink(&outside, scratch.path().join("new/file"))?;
    let mut archive = Builder::new(Vec::new());
    add(&mut archive, EntryType::Regular, "file", "", b"evil")?;
    let archive = archive.into_inner()?;
    let root = File::open(scratch.path().join("new"))?;
    let refused = unpack_tar(archive.clone(), root.as_fd(), &UnpackOptions::default());
    ensure!(refused.is_err(), "it was taken");
    let replace = UnpackOptions {
        existing: jumparchive::Existing::Replace,
        ..UnpackOptions::default()
    };
    unpack_tar(archive, root.as_fd(), &replace)?;
    let is = Path::new("new/file");
    ensure!(fs::read(scratch.path().join(is))? == b"evil" && fs::read(outside)? == b"untouched");
    Ok(())
}

fn hard_link_out() -> Result<()> {
    refused(|archive| add(archive, EntryType::Link, "link", "../outside", b""))?;
    refused(|archive| add(archive, EntryType::Link, "link", "/etc/passwd", b""))
}

fn duplicate() -> Result<()> {
    refused(|archive| {
        add(archive, EntryType::Regular, "file", "", b"one")?;
        add(archive, EntryType::Regular, "file", "", b"two")
    })
}

fn unknown_type() -> Result<()> {
    refused(|archive| add(archive, EntryType::new(b'Z'), "file", "", b""))
}

fn unknown_pax() -> Result<()> {
    refused(|archive| {
        archive.append_pax_extensions([("VENDOR.key", &b"1"[..])])?;
        add(archive, EntryType::Regular, "file", "", b"")
    })
}

fn cut() -> Result<()> {
    let mut archive = Builder::new(Vec::new());
    add(&mut archive, EntryType::Regular, "one", "", b"1")?;
    add(&mut archive, EntryType::Regular, "two", "", b"2")?;
    let (_scratch, result) = attempt(archive.into_inner()?[..1024].to_vec())?;
    ensure!(result.is_err(), "it was taken");
    Ok(())
}
