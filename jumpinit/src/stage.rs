//! What `jumpimg` calls on the old system, over SSH: stage and arm, receive, reboot,
//! take back.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use jumpspec::event::What;
use jumpspec::journal::Stage;
use jumpspec::step::ImageRole;
use jumpsys::lock::RunLock;
use jumpsys::system;

use crate::context::Context;
use crate::old::{self, Progress};
use crate::reporter::Reporter;

/// Held while a run changes something on the old system; the kernel lets it go when its
/// holder dies.
const LOCK: &str = "/run/jump.lock";

/// Whether a process of run `run` is at work on this system.
pub(crate) fn is_live(run: &str) -> bool {
    let holder = std::fs::read_to_string(LOCK).unwrap_or_default();
    holder.trim() == run && RunLock::acquire(Path::new(LOCK), run).is_err()
}

/// Runs the old system's steps from where the journal stands.
pub(crate) fn run(work: &Path) -> Result<()> {
    let (_lock, mut cx) = open(work)?;
    if cx.journal().stage >= Stage::Armed {
        cx.reporter.tell(What::Complete);
        return Ok(());
    }
    remount(&mut cx)?;
    match old::run(&mut cx) {
        Ok(Progress::Armed) => cx.reporter.tell(What::Complete),
        Ok(Progress::Wants { image, offset }) => cx.reporter.tell(What::Need { image, offset }),
        Err(error) => {
            cx.reporter.tell(What::Failed {
                step: "stage".to_owned(),
                error: format!("{error:#}"),
                next: "the old system stays; nothing but the landing partition was changed"
                    .to_owned(),
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
    remount(&mut cx)?;
    old::receive(&cx, image, offset, &mut std::io::stdin().lock())
}

/// Restores boot sector and swap of the old system after a jump that did not commit.
pub(crate) fn take_back(work: Option<&Path>) -> Result<()> {
    let (work, plan) = match work {
        Some(work) if work.join(jumpspec::bundle::FILE).exists() => {
            (work.to_owned(), old::read_bundle(work)?.plan)
        }
        _ => (PathBuf::from("/run/jump"), plan_on_landing()?),
    };
    let _lock = RunLock::acquire(Path::new(LOCK), &plan.run)?;
    let mut cx = Context::new(plan, work.join("landing"), work, Reporter::to_stdout())?;
    ensure!(
        cx.journal().stage < Stage::Replace,
        "run {} has begun to replace this node; there is nothing to go back to",
        cx.plan.run
    );
    crate::landing::unmount_landing(&mut cx)?;
    cx.reporter.tell(What::Begin {
        step: "restore the boot sector".to_owned(),
    });
    crate::selector::disarm(&cx)?;
    cx.reporter.tell(What::Begin {
        step: "make the landing partition swap again".to_owned(),
    });
    crate::finish::give_back(&mut cx)?;
    cx.reporter.tell(What::Complete);
    Ok(())
}

/// The plan of the run whose landing file system is on this node.
fn plan_on_landing() -> Result<jumpspec::plan::Plan> {
    let found = crate::status::landing()?
        .context("there is no landing partition on this node: nothing to take back")?;
    found.plan.context("the landing partition holds no plan")
}

/// Asks this system's init to reboot.
pub(crate) fn reboot() -> Result<()> {
    system::sync_all();
    Ok(system::reboot(system::RebootVia::Init)?)
}

fn open(work: &Path) -> Result<(RunLock, Context)> {
    let bundle = old::read_bundle(work)?;
    let lock = RunLock::acquire(Path::new(LOCK), &bundle.plan.run)
        .context("another jump is at work on this node")?;
    let cx = Context::new(
        bundle.plan,
        work.join("landing"),
        work.to_owned(),
        Reporter::to_stdout(),
    )?;
    Ok((lock, cx))
}
