//! Orders to the jump system over SSH: go back while nothing is destroyed; go on after it gave
//! up, with the same plan or with another one that takes its place.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::boot::environment::State;
use jumpspec::places;
use jumpspec::plan::PlannedImage;
use jumpspec::planner::succession;
use jumpspec::run::bundle::Bundle;
use jumpspec::run::event::{Destination, What};
use jumpspec::run::failure::Code;
use jumpspec::run::task::StepId;
use jumpspec::step::{ImageRole, Stage};
use jumpspec::words::size::Size;
use jumpsys::files::root::Owner;
use jumpsys::files::usage::space;
use jumpsys::kernel::restart::{RebootVia, reboot};
use jumpsys::lock::RunLock;

use crate::boot;
use crate::hand::hash;
use crate::node::bundle;
use crate::node::bundle::read_plan;
use crate::node::cause::Cause;
use crate::node::lock::{self, Forbidden};
use crate::orders::stdin::Feed;
use crate::run::context::Context;
use crate::run::reporter::Reporter;
use crate::steps::{configure, prove, stage};

/// What stays free beside a staged image, for logs and settings, in bytes.
const SLACK: u64 = 16 << 20;
/// What the name of an image begins with that is not in its place yet.
const BESIDE: &str = "next-";

/// Whether this is the jump system.
pub(crate) fn is_here() -> bool {
    Path::new("/").join(places::PLAN).exists()
}

/// Makes a jump system that has not committed go back: the selector has turned to the old system
/// already, so a reboot is enough, and a commit that comes first wins without harm.
pub(crate) fn turn_back(run: &str) -> Result<()> {
    let (_lock, cx) = open(run)?;
    let leads_back = matches!(boot::state(&cx), Some(State::Old | State::Once));
    if !leads_back && !cx.plan.landing.is_volatile() {
        bail!(Forbidden::WrongStage(format!(
            "run {run} has begun to replace this node; there is nothing to go back to"
        )));
    }
    Ok(reboot(RebootVia::Kernel)?)
}

/// Makes a jump system that gave up begin to replace anew, by way of a reboot.
pub(crate) fn resume(run: &str) -> Result<()> {
    let (_lock, mut cx) = open(run)?;
    ensure_stuck(&cx)?;
    cx.reporter.log_to(&cx.on_landing(places::EVENTS));
    if !cx.plan.landing.is_in_memory() {
        prove::image(&mut cx).context("resume with --job, which sends an image")?;
    }
    boot::resume(&mut cx)?;
    cx.reporter.tell(What::Reboot {
        into: Destination::JumpResumed,
    });
    cx.reporter.close_log();
    Ok(reboot(RebootVia::Kernel)?)
}

/// Puts the plan of the bundle in the place of the one that is stuck, once its image is here.
pub(crate) fn exchange(work: &Path) -> Result<()> {
    let bundle = bundle::read(work)?;
    let (_lock, mut cx) = open(&bundle.plan.run)?;
    ensure_stuck(&cx)?;
    if cx.plan.landing.is_in_memory() {
        bail!(Forbidden::WrongStage(
            "this jump system lies in memory, and begins with its own plan at every boot: it takes no other"
                .to_owned()
        ));
    }
    if let Err(refusals) = succession::check(&cx.plan, &bundle.plan) {
        let words: Vec<_> = refusals.iter().map(ToString::to_string).collect();
        bail!(Forbidden::WrongStage(words.join("; ")));
    }
    let image = bundle.plan.images.target.clone();
    if let Some(offset) = still_to_send(&mut cx, &image)? {
        cx.reporter.tell(What::Need {
            image: ImageRole::Target,
            offset,
        });
        return Ok(());
    }
    take_over(&cx, &bundle)?;
    cx.reporter.tell(What::Complete);
    Ok(())
}

/// Takes the bytes of the bundle's target image from standard input.
pub(crate) fn receive(work: &Path, offset: u64) -> Result<()> {
    let bundle = bundle::read(work)?;
    let (_lock, cx) = open(&bundle.plan.run)?;
    ensure_stuck(&cx)?;
    let image = &bundle.plan.images.target;
    let path = beside(&cx, image);
    stage::append(&path, image.size, offset, &mut Feed::stdin())
}

/// Takes bytes of the image that a jump system in memory waits for.
pub(crate) fn receive_awaited(run: &str, image: ImageRole, offset: u64) -> Result<()> {
    let (_lock, cx) = open(run)?;
    ensure!(
        cx.plan.landing.is_kept() && image == ImageRole::Target,
        Forbidden::WrongStage(format!("run {run} waits for no image"))
    );
    stage::receive(&cx, image, offset, &mut Feed::stdin())
}

fn open(run: &str) -> Result<(RunLock, Context)> {
    if !is_here() {
        bail!(Forbidden::WrongStage(
            "this is not the jump system".to_owned()
        ));
    }
    let plan = read_plan(&Path::new("/").join(places::PLAN))?;
    lock::refuse_other(&plan.run, run)?;
    let lock = lock::lock(run)?;
    let cx = Context::new(plan, PathBuf::from("/"), Reporter::to_stdout())?;
    Ok((lock, cx))
}

fn ensure_stuck(cx: &Context) -> Result<()> {
    let committed = || {
        matches!(
            boot::state(cx),
            Some(State::Jump | State::Try(_) | State::New)
        )
    };
    // A journal that was lost is written anew, where the environment knows that the run may.
    if cx.journal().stage == Stage::Stuck || !cx.is_journal_found() && committed() {
        return Ok(());
    }
    bail!(Forbidden::WrongStage(format!(
        "run {} is at work and has not given up",
        cx.plan.run
    )))
}

/// Where the target image is.
fn staged(cx: &Context) -> PathBuf {
    cx.on_landing(places::IMAGES)
        .join(ImageRole::Target.file_name())
}

/// Where another target image is received; its name holds its digest, so that it is no other's
/// rest that is gone on with.
fn beside(cx: &Context, image: &PlannedImage) -> PathBuf {
    cx.on_landing(places::IMAGES)
        .join(format!("{BESIDE}{}", image.digest))
}

/// The byte of `image` to go on from, or `None` once it is whole and in its place.
fn still_to_send(cx: &mut Context, image: &PlannedImage) -> Result<Option<u64>> {
    let (staged, beside) = (staged(cx), beside(cx, image));
    let there = length(&beside);
    if there == 0 && length(&staged) == image.size {
        let found = hash::file(&staged, &mut cx.reporter, &StepId::CheckImage.into())?;
        if found == image.digest {
            return Ok(None);
        }
    }
    remove_rests(cx, &beside)?;
    if there < image.size {
        make_room(&staged, image.size - there)?;
        return Ok(Some(there));
    }
    let found = hash::file(&beside, &mut cx.reporter, &StepId::CheckImage.into())?;
    if found != image.digest {
        std::fs::remove_file(&beside)?;
        let why = format!(
            "the target image arrived with digest {found}, not {}; it was removed",
            image.digest
        );
        bail!(Cause::new(Code::ImageDamaged, why));
    }
    std::fs::rename(&beside, &staged)?;
    jumpsys::files::atomic::sync_parent(&staged)?;
    Ok(None)
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Removes what earlier attempts left of other images than `keep`.
fn remove_rests(cx: &Context, keep: &Path) -> Result<()> {
    let root = cx.landing_root()?;
    for name in root.list(places::IMAGES)? {
        if name.starts_with(BESIDE) && !keep.ends_with(&name) {
            root.remove(&format!("{}/{name}", places::IMAGES))?;
        }
    }
    Ok(())
}

/// Sees to it that `wanted` bytes fit: beside the staged image, or else in its place. The run is
/// stuck with that image, so nothing is lost with it; it goes only if that is enough.
fn make_room(staged: &Path, wanted: u64) -> Result<()> {
    let free = space(Path::new("/"))?.free;
    let needed = wanted + SLACK;
    if free >= needed {
        return Ok(());
    }
    let with_it = free + length(staged);
    ensure!(
        with_it >= needed,
        "the landing partition has {} free with the old image gone; the new one needs {}",
        Size(with_it),
        Size(needed)
    );
    std::fs::remove_file(staged)?;
    Ok(())
}

/// The plan comes last: until it is there, this is done again.
fn take_over(cx: &Context, bundle: &Bundle) -> Result<()> {
    let root = cx.landing_root()?;
    for name in root.list(places::HOOKS)? {
        root.remove(&format!("{}/{name}", places::HOOKS))?;
    }
    configure::write_hooks(&root, bundle)?;
    configure::write_origin(&root, bundle)?;
    root.write(
        places::PLAN,
        &serde_json::to_vec_pretty(&bundle.plan)?,
        Owner::root(0o600),
    )?;
    Ok(())
}
