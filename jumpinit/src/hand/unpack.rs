//! Unpacks an image file below a root, telling how far it has come.

use std::cell::RefCell;
use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use jumparchive::{Existing, Image, UnpackOptions};
use jumpspec::run::task::Task;
use jumpsys::files::root::Root;

use crate::run::reporter::Reporter;

/// Holds the tree below a root against those entries of the image at `path` that `select` takes, told
/// as the progress of `task`.
pub(crate) fn compare(
    path: &Path,
    root: &Root,
    select: jumparchive::Select<'_>,
    reporter: &mut Reporter,
    task: &Task,
) -> Result<()> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let image = Image::open(file).with_context(|| path.display().to_string())?;
    let total = image.raw_length();
    let reporter = RefCell::new(reporter);
    let progress = |done: u64| reporter.borrow_mut().progress(task, done, total);
    jumparchive::compare(&image, root.as_fd(), select, &progress)
        .with_context(|| format!("{} is not what was unpacked", root.path().display()))
}

/// Unpacks those entries of the image at `path` that `select` takes below `root`, over what is there,
/// told as the progress of `task`.
pub(crate) fn image(
    path: &Path,
    root: &Root,
    select: jumparchive::Select<'_>,
    reporter: &mut Reporter,
    task: &Task,
) -> Result<()> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let image = Image::open(file).with_context(|| path.display().to_string())?;
    let total = image.raw_length();
    let reporter = RefCell::new(reporter);
    let progress = |done: u64| reporter.borrow_mut().progress(task, done, total);
    let options = UnpackOptions {
        existing: Existing::Replace,
        select,
        progress: &progress,
        ..UnpackOptions::default()
    };
    jumparchive::unpack(&image, root.as_fd(), &options)
        .with_context(|| path.display().to_string())?;
    Ok(())
}
