//! Makes the old system boot and swap as before a run, while nothing is replaced: at every point
//! of staging, armed, or after a jump system that came back; also when an earlier attempt to do
//! so was cut off.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result, bail};
use jumpspec::boot::environment::State;
use jumpspec::plan::Plan;
use jumpspec::run::bundle;
use jumpspec::run::event::What;
use jumpspec::run::journal::Journal;
use jumpspec::run::task::StepId;
use jumpspec::step::Stage;
use jumpsys::files::{mount, mountinfo};
use jumpsys::kernel::{kexec, system};

use crate::node::bundle::read_plan;
use crate::node::facts::{gather_disks, jump_in_progress};
use crate::node::lock::{self, Forbidden};
use crate::node::mounted::device_of;
use crate::node::records;
use crate::run::context::Context;
use crate::run::kept;
use crate::run::reporter::Reporter;

/// Where the landing file system is mounted meanwhile.
const LANDING: &str = "/run/jump-landing";

/// Takes the run back whose plan is found; `wanted` is its id, if the caller knows it.
pub(crate) fn run(work: Option<&Path>, wanted: Option<&str>) -> Result<()> {
    let plan = find_plan(work)?;
    if let Some(wanted) = wanted {
        lock::refuse_other(&plan.run, wanted)?;
    }
    let _lock = lock::lock(&plan.run)?;
    let opened = Context::new(plan.clone(), PathBuf::from(LANDING), Reporter::to_stdout());
    let mut cx = match opened {
        Ok(cx) => cx,
        Err(error) => return Err(do_without(&plan, error)),
    };
    if cx.plan.landing.is_volatile() {
        kexec::unload_loaded()?;
        remove_work(&cx.plan.run)?;
        cx.reporter.tell(What::Complete);
        return Ok(());
    }
    unmount_landing(&mut cx)?;
    ensure_not_replaced(&mut cx)?;
    begin(&mut cx, StepId::RestoreLoader);
    if cx.plan.landing.is_in_memory() {
        // What lies beside the selector is overwritten before it goes with it.
        crate::boot::lead_back(&cx)?;
    } else {
        crate::boot::disarm(&cx)?;
    }
    begin(&mut cx, StepId::ReturnLanding);
    crate::steps::finish::give_back(&mut cx, |cx| crate::boot::erase_selector(cx))?;
    remove_work(&cx.plan.run)?;
    if cx.landing.exists() {
        std::fs::remove_dir(&cx.landing)
            .with_context(|| format!("cannot remove {}", cx.landing.display()))?;
    }
    cx.reporter.tell(What::Complete);
    Ok(())
}

/// Where an EFI system partition is not to be had, to be written to, all else is done: the firmware leads to
/// the old system. It is taken back again once the partition is there.
fn do_without(plan: &Plan, error: Error) -> Error {
    if !plan.landing.is_kept() || !is_unreplaced(plan) {
        return error;
    }
    match crate::boot::lead_back_by_firmware(plan) {
        Ok(false) => error,
        Ok(true) => error.context(
            "the next boots are the old system's, but what lies on the EFI system partition stays until it can be written to: then abort again",
        ),
        Err(other) => error.context(format!("the firmware may lead to the jump system still: {other:#}")),
    }
}

/// Whether nothing was replaced, by what can be read: this boot is the one that the plan was made in, or
/// journal and environment say so.
fn is_unreplaced(plan: &Plan) -> bool {
    if system::boot_id().is_ok_and(|boot| boot == plan.boot_id) {
        return true;
    }
    let Ok(Some(found)) = crate::node::landing::find() else {
        return false;
    };
    let is_ours = |journal: &&Journal| journal.run == plan.run && journal.stage < Stage::Replace;
    let before = [State::Once, State::Old].map(|state| state.values().0);
    let state = found.state.as_deref();
    found
        .journal
        .as_ref()
        .is_some_and(|journal| is_ours(&journal))
        && state.is_some_and(|state| before.contains(&state))
}

fn begin(cx: &mut Context, step: StepId) {
    cx.reporter.tell(What::Begin { task: step.into() });
}

/// The plan of the run that this node belongs to. Landing file system and journal say which it
/// is; where neither does, a plan counts only if it has left something here.
fn find_plan(work: Option<&Path>) -> Result<Plan> {
    let mut plans: Vec<Plan> = Vec::new();
    let mut unread = None;
    if let Some(work) = work {
        plans.extend(
            crate::node::bundle::read(work)
                .ok()
                .map(|bundle| bundle.plan),
        );
        let plan = work.join(bundle::PLAN_FILE);
        if plan.exists() {
            let read = read_plan(&plan);
            unread = read.as_ref().err().map(|error| format!("{error:#}"));
            plans.extend(read.ok());
        }
    }
    plans.extend(crate::node::landing::find()?.and_then(|landing| landing.plan));
    plans.extend(
        records::bundles()
            .into_iter()
            .map(|(_, bundle)| bundle.plan),
    );
    let Some(jump) = jump_in_progress(&gather_disks()?) else {
        let found = plans.into_iter().find(has_left_something);
        return found.ok_or_else(|| Forbidden::NoRun.into());
    };
    let asked = plans.first().map(|plan| plan.run.clone());
    let found = plans.into_iter().find(|plan| plan.run == jump.run);
    found.ok_or_else(|| match (asked, unread) {
        (Some(asked), _) => Forbidden::OtherRun {
            found: jump.run.into(),
            asked: asked.into(),
        }
        .into(),
        (None, Some(why)) => Forbidden::WrongStage(format!(
            "run {} was begun by another version of jumpimg, which can abort it: {why}",
            jump.run
        ))
        .into(),
        (None, None) => Forbidden::WrongStage(format!(
            "run {} has left no plan here; abort it from the host that began it",
            jump.run
        ))
        .into(),
    })
}

/// Whether this boot is the one that the plan was made in, or the landing partition carries the
/// run's journal or file system.
fn has_left_something(plan: &Plan) -> bool {
    let this_boot = system::boot_id().is_ok_and(|boot| boot == plan.boot_id);
    let on_disk = || {
        if plan.landing.is_volatile() {
            return Some(false);
        }
        let cx = Context::new(plan.clone(), PathBuf::from(LANDING), Reporter::default()).ok()?;
        if plan.landing.is_in_memory() {
            let found = cx.has_landing();
            drop(cx);
            if !found {
                // Nobody else would.
                kept::unmount().ok()?;
            }
            return Some(found);
        }
        let found = jumpsys::disk::superblock::probe(&cx.landing_device()).ok()??;
        Some(found.uuid.as_deref() == Some(plan.landing.fs_uuid.as_str()))
    };
    this_boot || records::journal_of(plan).is_some() || on_disk() == Some(true)
}

/// Staging may have mounted it at several places, and /dev below its toolbox.
fn unmount_landing(cx: &mut Context) -> Result<()> {
    cx.reporter.close_log();
    if cx.plan.landing.is_in_memory() {
        // The old system's own, which stays; what is in memory goes with the run's directory.
        return Ok(());
    }
    let device = cx.landing_device().display().to_string();
    let mut mounts = mountinfo::read_mountinfo()?;
    mounts.reverse();
    for mount in mounts {
        if device_of(&mount) == device {
            mount::unmount(&mount.mount_point)?;
        }
    }
    Ok(())
}

/// The environment besides the journal, which is written after it.
fn ensure_not_replaced(cx: &mut Context) -> Result<()> {
    if !cx.has_landing() {
        return Ok(());
    }
    let ours = jumpsys::disk::superblock::probe(&cx.landing_device())?.and_then(|found| found.uuid);
    let leads_on =
        |state: Option<State>| matches!(state, Some(State::Jump | State::Try(_) | State::New));
    let committed = if cx.plan.landing.is_in_memory() {
        leads_on(crate::boot::state(cx))
    } else if ours.as_deref() == Some(cx.plan.landing.fs_uuid.as_str()) {
        // A file system that was never made to its end has no environment.
        let state = crate::run::landing::mount(cx)
            .ok()
            .and_then(|()| crate::boot::state(cx));
        crate::run::landing::unmount(cx)?;
        leads_on(state)
    } else {
        false
    };
    if committed || cx.journal().stage >= Stage::Replace {
        bail!(Forbidden::WrongStage(format!(
            "run {} has begun to replace this node; there is nothing to go back to",
            cx.plan.run
        )));
    }
    Ok(())
}

/// Removes what staging left in memory: bundle, toolbox, mount points. Not while anything is
/// still mounted below it: removing would reach into that.
fn remove_work(run: &str) -> Result<()> {
    for (directory, bundle) in records::bundles() {
        if bundle.plan.run != run {
            continue;
        }
        let below = |mounts: Vec<mountinfo::Mount>| {
            mounts
                .into_iter()
                .rev()
                .filter(|mount| mount.mount_point.starts_with(&directory))
                .collect::<Vec<_>>()
        };
        for mount in below(mountinfo::read_mountinfo()?) {
            mount::unmount(&mount.mount_point)?;
        }
        if below(mountinfo::read_mountinfo()?).is_empty() {
            std::fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot remove {}", directory.display()))?;
        }
    }
    Ok(())
}
