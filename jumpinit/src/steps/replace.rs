//! Steps on the jump system that replace the old one: partitions, file systems, the
//! unpacked image.

use std::fs::File;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};
use jumpspec::disk::{Filesystem, TableKind};
use jumpspec::places;
use jumpspec::run::task::StepId;
use jumpspec::step::ImageRole;
use jumpspec::words::abspath::AbsPath;
use jumpsys::disk::mkfs::MkfsSpec;
use jumpsys::disk::partition::{NewTable, read_table, write_table};
use jumpsys::disk::partnodes::sync_kernel_partitions;
use jumpsys::disk::{blockdev, swap};
use jumpsys::files::usage::{self, Space};

use crate::run::context::Context;
use crate::run::new_root;

/// Writes the new partition table and tells the kernel, leaving the landing partition
/// that we run from as it is.
pub(crate) fn repartition(cx: &mut Context) -> Result<()> {
    new_root::unmount(cx)?;
    let disk = &cx.plan.disk;
    let partitions = disk.after.clone();
    let table = match disk.table {
        TableKind::Mbr => NewTable::Mbr {
            signature: u32::from_str_radix(&disk.table_id, 16)
                .context("the planned disk signature is no number")?,
            partitions,
        },
        TableKind::Gpt => NewTable::Gpt {
            guid: disk.table_id.clone(),
            partitions,
        },
    };
    write_table(&cx.disk, &table)?;
    sync_kernel_partitions(&cx.disk, &read_table(&cx.disk)?.kernel_extents())?;
    Ok(())
}

/// Makes a file system by the jump system's own mkfs.
pub(crate) fn mkfs(
    cx: &mut Context,
    number: u32,
    fs: Filesystem,
    uuid: &str,
    label: Option<&str>,
) -> Result<()> {
    new_root::unmount(cx)?;
    let device = cx.partition(number);
    swap::wipe_signatures(&device)?;
    jumpsys::disk::mkfs::mkfs(&MkfsSpec {
        fs,
        device: &device,
        uuid: Some(uuid),
        label,
        root: None,
        size: None,
    })?;
    Ok(())
}

/// Unpacks the target image into the new, empty file systems.
pub(crate) fn extract(cx: &mut Context) -> Result<()> {
    new_root::mount(cx)?;
    let root = new_root::open(cx)?;
    let path = cx
        .on_landing(places::IMAGES)
        .join(ImageRole::Target.file_name());
    let copies = cx.plan.copied_into_new();
    crate::hand::unpack::image(
        &path,
        &root,
        &|entry| is_images(&copies, entry),
        &mut cx.reporter,
        &StepId::Extract.into(),
    )
    .map_err(|error| explain_full(cx, error))
}

/// Names the file systems that are full, if that is what an error is about.
pub(crate) fn explain_full(cx: &Context, error: anyhow::Error) -> anyhow::Error {
    let io = |cause: &(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref::<std::io::Error>()?.kind();
        matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded).then_some(())
    };
    if error.chain().find_map(io).is_none() {
        return error;
    }
    let made = cx.plan.filesystems.iter().filter(|made| !made.kept);
    let figures: Vec<String> = made
        .map(|made| {
            let inside = made.mount.trim_start_matches('/');
            let space = usage::space(&cx.on_landing(places::NEW_ROOT).join(inside));
            let figures = space.map_or_else(|error| error.to_string(), |space| in_words(&space));
            format!("{} ({}): {figures}", made.mount, made.fs)
        })
        .collect();
    error.context(format!(
        "a file system of the new system is full: {}",
        figures.join("; ")
    ))
}

fn in_words(space: &Space) -> String {
    format!(
        "{} of {} MiB and {} of {} inodes are free",
        space.free >> 20,
        space.total >> 20,
        space.free_inodes,
        space.inodes
    )
}

/// Reads back what was unpacked, from the disk and not from memory, and holds it against the
/// image.
pub(crate) fn verify(cx: &mut Context) -> Result<()> {
    new_root::unmount(cx)?;
    for filesystem in cx.plan.filesystems.iter().filter(|made| !made.kept) {
        let device = cx.partition(filesystem.number);
        let file =
            File::open(&device).with_context(|| format!("cannot open {}", device.display()))?;
        blockdev::flush(&file, &device)?;
    }
    let root = new_root::open(cx)?;
    let path = cx
        .on_landing(places::IMAGES)
        .join(ImageRole::Target.file_name());
    let copies = cx.plan.copied_into_new();
    crate::hand::unpack::compare(
        &path,
        &root,
        &|entry| is_images(&copies, entry),
        &mut cx.reporter,
        &StepId::VerifyRoot.into(),
    )
}

/// Whether an image's entry is the new system's there: a tree that was copied stands in place of what
/// the image has.
fn is_images(copies: &[AbsPath], entry: &[u8]) -> bool {
    let within = |copy: &AbsPath| {
        let top = copy.as_str().trim_start_matches('/').as_bytes();
        let rest = entry.strip_prefix(top);
        rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    };
    !copies.iter().any(within)
}

/// Unmounts the new system: what GRUB will read is on disk then, not in a journal.
pub(crate) fn seal(cx: &mut Context) -> Result<()> {
    new_root::unmount(cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stands_in_place_of_what_the_image_has() {
        let copies = ["/home".parse().unwrap(), "/srv/data".parse().unwrap()];
        let unpacked = |entry: &str| is_images(&copies, entry.as_bytes());
        assert!(unpacked("") && unpacked("srv") && unpacked("homes") && unpacked("srv/data2"));
        assert!(!unpacked("home") && !unpacked("home/ada") && !unpacked("srv/data/x"));
    }
}
