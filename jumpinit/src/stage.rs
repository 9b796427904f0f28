//! What `jumpimg` calls on the old system, over SSH, before it arms: stage, receive.

use std::path::Path;

use anyhow::{Result, bail};
use jumpspec::arm;
use jumpspec::event::What;
use jumpspec::journal::Stage;
use jumpspec::plan::Plan;
use jumpspec::step::ImageRole;
use jumpsys::lock::RunLock;
use jumpsys::system::boot_id;

use crate::context::Context;
use crate::facts::{gather_disks, jump_in_progress};
use crate::feed::Feed;
use crate::old::{self, Progress};
use crate::order::{self, Forbidden};
use crate::reporter::Reporter;

/// Runs the old system's steps from where the journal stands. An arm is taken back: what was saved
/// for it is as old as it is.
pub(crate) fn run(work: &Path) -> Result<()> {
    let (_lock, mut cx) = open(work)?;
    match cx.journal().stage {
        Stage::Stage => {}
        Stage::Armed => crate::arm::take_back(&mut cx, "it is staged anew")?,
        _ => bail!(Forbidden::WrongStage(format!(
            "run {} was staged before, and has run its course since",
            cx.plan.run
        ))),
    }
    remount(&mut cx)?;
    match old::run(&mut cx) {
        Ok(Progress::Staged) => cx.reporter.tell(What::Complete),
        Ok(Progress::Wants { image, offset }) => cx.reporter.tell(What::Need { image, offset }),
        Err(error) => {
            cx.reporter.tell(What::Failed {
                step: "stage".to_owned(),
                error: format!("{error:#}"),
                next: "the old system stays, and boots; it is not armed".to_owned(),
            });
            return Err(error);
        }
    }
    Ok(())
}

/// Mounts the landing file system again, if an earlier call made it.
fn remount(cx: &mut Context) -> Result<()> {
    let found = jumpsys::superblock::probe(&cx.landing_device())?.and_then(|found| found.uuid);
    if found.as_deref() == Some(cx.plan.landing.fs_uuid.as_str()) {
        crate::landing::mount_landing(cx)?;
        cx.reporter.log_to(&cx.on_landing(jumpspec::places::EVENTS));
    }
    Ok(())
}

/// Takes an image's bytes from standard input.
pub(crate) fn receive(work: &Path, image: ImageRole, offset: u64) -> Result<()> {
    let (_lock, mut cx) = open(work)?;
    if cx.journal().stage != Stage::Stage {
        bail!(Forbidden::WrongStage(format!(
            "run {} is staged and wants no image",
            cx.plan.run
        )));
    }
    remount(&mut cx)?;
    old::receive(&cx, image, offset, &mut Feed::stdin())
}

/// The run of the bundle in `work`, if this is the boot that its plan was made in.
pub(crate) fn open(work: &Path) -> Result<(RunLock, Context)> {
    let bundle = old::read_bundle(work)?;
    let lock = order::lock(&bundle.plan.run)?;
    arm::in_its_boot(&bundle.plan, &boot_id()?).map_err(Forbidden::from)?;
    refuse_other_run(&bundle.plan)?;
    let cx = Context::new(
        bundle.plan,
        work.join("landing"),
        work.to_owned(),
        Reporter::to_stdout(),
    )?;
    Ok((lock, cx))
}

/// A run that another admin host has begun since the plan was made is not run over; what a dead
/// one has left is.
fn refuse_other_run(plan: &Plan) -> Result<()> {
    match jump_in_progress(&gather_disks()?) {
        Some(jump) if jump.live || jump.armed => Ok(order::refuse_other(&jump.run, &plan.run)?),
        _ => Ok(()),
    }
}
