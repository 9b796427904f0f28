//! Steps on the old system that fill the landing partition. Nothing that the old system
//! boots from or keeps is touched.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jumparchive::Tree;
use jumpspec::places;
use jumpspec::run::failure::Code;
use jumpspec::run::task::{StepId, Task};
use jumpspec::step::ImageRole;
use jumpspec::words::digest::Digest;
use jumpspec::words::relpath::RelPath;

use crate::node::cause::Cause;
use crate::run::context::Context;
use crate::steps::seal::Sealing;

/// Where an image is received.
fn image_path(cx: &Context, image: ImageRole) -> PathBuf {
    cx.on_landing(places::IMAGES).join(image.file_name())
}

/// How many bytes of an image are there.
pub(crate) fn received(cx: &Context, image: ImageRole) -> u64 {
    std::fs::metadata(image_path(cx, image)).map_or(0, |metadata| metadata.len())
}

/// Appends what standard input has to an image from `offset` on.
pub(crate) fn receive(
    cx: &Context,
    image: ImageRole,
    offset: u64,
    input: &mut impl Read,
) -> Result<()> {
    append(
        &image_path(cx, image),
        cx.plan.image(image).size,
        offset,
        input,
    )
}

/// Appends `input` to a file of at most `size` bytes that has `offset` bytes so far, on disk.
pub(crate) fn append(path: &Path, size: u64, offset: u64, input: &mut impl Read) -> Result<()> {
    let there = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if there != offset || offset > size {
        bail!(
            "{} has {there} bytes, not {offset}: ask for the offset again",
            path.display()
        );
    }
    let mut file = File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    std::io::copy(&mut input.take(size - offset), &mut file)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.flush()?;
    file.sync_all()?;
    Ok(())
}

/// Checks the digest of a received image; a wrong one is removed, to be sent again.
pub(crate) fn check_received(
    cx: &mut Context,
    image: ImageRole,
    size: u64,
    digest: &Digest,
) -> Result<()> {
    let path = image_path(cx, image);
    let task = Task {
        image: Some(image),
        ..Task::from(StepId::Receive)
    };
    let found = crate::hand::hash::file(&path, &mut cx.reporter, &task)?;
    if received(cx, image) == size && found == *digest {
        return Ok(());
    }
    std::fs::remove_file(&path)?;
    let why = format!("the {image} arrived with digest {found}, not {digest}; it was removed");
    Err(Cause::new(Code::ImageDamaged, why).into())
}

/// Unpacks the jump image into the landing file system, then removes the image file.
pub(crate) fn unpack_jump(cx: &mut Context) -> Result<()> {
    let path = image_path(cx, ImageRole::Jump);
    if !path.exists() {
        return Ok(());
    }
    let root = cx.landing_root()?;
    crate::hand::unpack::image(
        &path,
        &root,
        &|_| true,
        &mut cx.reporter,
        &StepId::UnpackJump.into(),
    )?;
    std::fs::remove_file(&path)?;
    Ok(())
}

/// Saves files of the old system into one sealed archive.
pub(crate) fn save_files(cx: &mut Context, paths: &[RelPath]) -> Result<()> {
    crate::steps::added::begin(cx)?;
    let sealing = Sealing::begin(cx, places::SAVED)?;
    let tree = Tree::open(Path::new("/")).context("cannot open /")?;
    let packed =
        jumparchive::pack_paths(&tree, paths, sealing.clone()).context("cannot save the files")?;
    sealing.finish()?;
    for path in packed.report.changed.iter().chain(&packed.report.vanished) {
        cx.reporter
            .note(format!("{path} changed while it was saved"));
    }
    Ok(())
}
