//! Steps on the old system that fill the landing partition. Nothing that the old system
//! boots from or keeps is touched.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jumparchive::{Existing, Tree};
use jumpspec::bundle::{self, Bundle};
use jumpspec::digest::Digest;
use jumpspec::journal::Journal;
use jumpspec::places;
use jumpspec::relpath::RelPath;
use jumpspec::step::{ImageRole, Step};
use jumpsys::cmd::Program;

use crate::attempt;
use crate::context::Context;
use crate::seal::Sealing;

/// How long a hook of the admin's may take.
pub(crate) const HOOK_LIMIT: Duration = Duration::from_hours(1);

/// The bundle that `jumpimg` put into the work directory.
pub(crate) fn read_bundle(work: &Path) -> Result<Bundle> {
    let path = work.join(bundle::FILE);
    let failed = || format!("cannot read {}", path.display());
    let mode = std::fs::metadata(&path).with_context(failed)?.mode();
    let of_others = mode & 0o077;
    ensure!(
        of_others == 0,
        "{} may be read by others than root (mode {:o}), and it holds a private key",
        path.display(),
        mode & 0o7777
    );
    let text = std::fs::read(&path).with_context(failed)?;
    // The cause would quote the text, and the text holds a private key.
    serde_json::from_slice(&text).map_err(|_| anyhow::anyhow!("{} is not a bundle", path.display()))
}

/// Runs the admin's hook `before`.
pub(crate) fn run_hook(cx: &Context) -> Result<()> {
    let bundle = read_bundle(&cx.work)?;
    let Some(script) = bundle.hooks.get("before") else {
        return Ok(());
    };
    let path = cx.work.join("hook-before");
    jumpsys::atomic::write_atomic(&path, script.as_bytes(), 0o700)?;
    Program::new(&path).timeout(HOOK_LIMIT).run()?;
    Ok(())
}

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
    let found = crate::hash::file(&path, &mut cx.reporter, "check the digest")?;
    if received(cx, image) == size && found == *digest {
        return Ok(());
    }
    std::fs::remove_file(&path)?;
    bail!("the {image} arrived with digest {found}, not {digest}; it was removed")
}

/// Unpacks the jump image into the landing file system, then removes the image file.
pub(crate) fn unpack_jump(cx: &mut Context) -> Result<()> {
    let path = image_path(cx, ImageRole::Jump);
    if !path.exists() {
        return Ok(());
    }
    let root = cx.landing_root()?;
    crate::unpack::image(
        &path,
        &root,
        Existing::Replace,
        &mut cx.reporter,
        "unpack the jump system",
    )?;
    std::fs::remove_file(&path)?;
    Ok(())
}

/// Saves files of the old system into one sealed archive.
pub(crate) fn save_files(cx: &mut Context, paths: &[RelPath]) -> Result<()> {
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

/// Runs the plan's steps on the old system from where the journal stands, until an
/// image is wanted or nothing is left but to arm the node.
pub(crate) fn run(cx: &mut Context) -> Result<Progress> {
    let steps = cx.plan.steps.old.clone();
    for (index, step) in steps
        .iter()
        .enumerate()
        .skip(first_step(cx.journal(), &steps))
    {
        if let Step::Receive { image, size, .. } = step {
            let offset = received(cx, *image);
            if offset < *size {
                return Ok(Progress::Wants {
                    image: *image,
                    offset,
                });
            }
        }
        if *step == Step::Arm {
            break;
        }
        attempt::carry_out(cx, index, step)?;
    }
    Ok(Progress::Staged)
}

/// How far [`run`] came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// An image has to be uploaded, from this byte on.
    Wants {
        /// Which.
        image: ImageRole,
        /// From where.
        offset: u64,
    },
    /// The node can be armed.
    Staged,
}

/// The first step to do: the one that was begun and not finished, or the next; but files are saved
/// by every call that comes so far. A journal that was never written stands before the first
/// journalled step.
fn first_step(journal: &Journal, steps: &[Step]) -> usize {
    let index = journal.step as usize;
    let fresh = index == 0
        && !journal.done
        && steps
            .first()
            .is_some_and(|step| !crate::apply::is_journalled(step));
    if fresh {
        return 0;
    }
    let next = index + usize::from(journal.done);
    let saving = |step: &Step| matches!(step, Step::SaveFiles { .. });
    steps.iter().position(saving).unwrap_or(next).min(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        vec![
            Step::SwapOff,
            Step::MakeLanding,
            Step::UnpackJump,
            Step::SaveFiles { paths: Vec::new() },
            Step::ConfigureJump,
            Step::WriteSelector,
            Step::Arm,
        ]
    }

    fn first(step: u32, done: bool) -> usize {
        let journal = Journal {
            step,
            done,
            ..Journal::new(&jumpspec::run_id::RunId::new(0xaa), &[])
        };
        first_step(&journal, &steps())
    }

    #[test]
    fn staging_goes_on_where_it_was() {
        assert_eq!(first(0, false), 0);
        assert_eq!(first(1, false), 1);
        assert_eq!(first(1, true), 2);
        assert_eq!(first(2, true), 3);
    }

    #[test]
    fn what_was_saved_by_an_earlier_call_is_saved_anew() {
        for (step, done) in [(3, true), (4, false), (4, true), (5, false), (5, true)] {
            assert_eq!(first(step, done), 3, "step {step}, {done}");
        }
    }
}
