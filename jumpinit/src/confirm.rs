//! The new system's first boot: sound, it becomes the default and the jump is over;
//! otherwise it reboots, and the selector counts its tries.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::event::What;
use jumpspec::journal::Stage;
use jumpspec::places;
use jumpspec::report::{self, NodeReport};
use jumpspec::step::Step;
use jumpsys::atomic::write_atomic;
use jumpsys::system::{RebootVia, reboot};

use crate::context::{Context, read_plan};
use crate::reporter::Reporter;

/// Where the landing file system is mounted meanwhile.
const LANDING: &str = "/run/jump-landing";

/// Runs the new system's part, once.
pub(crate) fn run() -> Result<()> {
    let mut reporter = Reporter::to_console();
    reporter.log_to(
        &Path::new("/")
            .join(places::NEW_LOG)
            .join(places::EVENTS_NAME),
    );
    let plan = read_plan(&Path::new("/").join(places::NEW_PLAN))?;
    let mut cx = Context::new(plan, PathBuf::from(LANDING), PathBuf::new(), reporter)?;
    cx.reporter.enter(Stage::Try);
    let steps = cx.plan.steps.new.clone();
    let first = first_step(&cx, &steps)?;
    let result = steps
        .iter()
        .enumerate()
        .skip(first)
        .try_for_each(|(index, step)| cx.carry_out(index, step));
    match result {
        Ok(()) => finish(&mut cx),
        Err(error) => give_up(&mut cx, error),
    }
}

/// A boot that finds the landing partition given back already has only the rest to do:
/// the journal and the selector's files were on it.
fn first_step(cx: &Context, steps: &[Step]) -> Result<usize> {
    let found = jumpsys::superblock::probe(&cx.landing_device())?.and_then(|found| found.uuid);
    if found.as_deref() == Some(cx.plan.landing.fs_uuid.as_str()) {
        return Ok(0);
    }
    Ok(steps
        .iter()
        .position(|step| *step == Step::RestoreSwap)
        .unwrap_or_default())
}

fn finish(cx: &mut Context) -> Result<()> {
    let report = NodeReport {
        run: cx.plan.run.clone(),
        hostname: jumpsys::system::hostname()?,
        os: cx.plan.images.target.os.clone(),
        kernel: jumpsys::system::kernel()?.release,
        boot_id: jumpsys::system::boot_id()?,
        notes: cx.plan.notes.clone(),
    };
    cx.reporter.tell(What::Complete);
    let path = Path::new("/").join(places::NEW_LOG).join(report::FILE);
    write_atomic(&path, &serde_json::to_vec_pretty(&report)?, 0o640)
        .context("cannot write the report")
}

/// Before the confirmation another try, or the jump system, comes next. After it the new
/// system is the default whatever else failed: it stays up, and this is tried again at
/// the next boot.
fn give_up(cx: &mut Context, error: anyhow::Error) -> Result<()> {
    let confirmed = crate::selector::is_confirmed(cx);
    let next = if confirmed {
        "the new system stays; the rest is tried again at its next boot"
    } else {
        "the node reboots: another try, or the jump system"
    };
    cx.reporter.tell(What::Failed {
        step: "confirm the new system".to_owned(),
        error: format!("{error:#}"),
        next: next.to_owned(),
    });
    if !confirmed {
        cx.reporter.close_log();
        reboot(RebootVia::Init)?;
    }
    Err(error)
}
