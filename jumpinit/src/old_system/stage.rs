//! What `jumpimg` calls on the old system, over SSH, before it arms: stage, receive.

use std::path::Path;

use anyhow::{Result, bail};
use jumpspec::run::arm;
use jumpspec::run::event::{Next, What};
use jumpspec::run::failure::Code;
use jumpspec::step::{ImageRole, Stage, Step};

use crate::conduct::{self, Start};
use crate::node::lock::Forbidden;
use crate::old_system::arm::taken_back;
use crate::old_system::open;
use crate::orders::stdin::Feed;
use crate::run::context::Context;
use crate::run::failure;
use crate::steps::stage::{self, received};

/// Runs the old system's steps from where the journal stands. An arm is taken back: what was saved
/// for it is as old as it is.
pub(crate) fn run(work: &Path) -> Result<()> {
    let (_lock, mut cx) = open::run(work)?;
    match cx.journal().stage {
        Stage::Stage => {}
        Stage::Armed => {
            crate::old_system::arm::take_back(&mut cx, &taken_back("it is staged anew"))?;
        }
        _ => bail!(Forbidden::WrongStage(format!(
            "run {} was staged before, and has run its course since",
            cx.plan.run
        ))),
    }
    remount(&mut cx)?;
    match fill(&mut cx) {
        Ok(None) => cx.reporter.tell(What::Complete),
        Ok(Some((image, offset))) => cx.reporter.tell(What::Need { image, offset }),
        Err(error) => {
            cx.reporter.tell(What::Failed {
                failure: failure::of(&error, Code::Unknown),
                next: Next::OldUnarmed,
            });
            return Err(error);
        }
    }
    Ok(())
}

/// Carries the steps out up to the arm, or to an image that has to be uploaded, and from which byte
/// on.
fn fill(cx: &mut Context) -> Result<Option<(ImageRole, u64)>> {
    let steps = cx.plan.steps.old.clone();
    let halts = |cx: &Context, step: &Step| match step {
        Step::Receive { image, size, .. } => received(cx, *image) < *size,
        step => arm::is_arm(step),
    };
    let halted = conduct::until(cx, &steps, &Start::Journal, halts)?;
    Ok(match halted {
        Some(Step::Receive { image, .. }) => Some((*image, received(cx, *image))),
        _ => None,
    })
}

/// Mounts the landing file system again, if an earlier call made it.
fn remount(cx: &mut Context) -> Result<()> {
    if !cx.has_landing() {
        return Ok(());
    }
    if cx.plan.landing.is_in_memory() {
        if crate::run::landing::is_mounted(&cx.landing)? {
            cx.reporter.log_to(&cx.on_landing(jumpspec::places::EVENTS));
        }
        return Ok(());
    }
    let found =
        jumpsys::disk::superblock::probe(&cx.landing_device())?.and_then(|found| found.uuid);
    if found.as_deref() == Some(cx.plan.landing.fs_uuid.as_str()) {
        crate::run::landing::mount(cx)?;
        cx.reporter.log_to(&cx.on_landing(jumpspec::places::EVENTS));
    }
    Ok(())
}

/// Takes an image's bytes from standard input.
pub(crate) fn receive(work: &Path, image: ImageRole, offset: u64) -> Result<()> {
    let (_lock, mut cx) = open::run(work)?;
    if cx.journal().stage != Stage::Stage {
        bail!(Forbidden::WrongStage(format!(
            "run {} is staged and wants no image",
            cx.plan.run
        )));
    }
    remount(&mut cx)?;
    stage::receive(&cx, image, offset, &mut Feed::stdin())
}
