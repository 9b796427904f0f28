//! The new system's deadline: a unit that is started before all else, also in an emergency, waits
//! here. When the boot is older than the job allows and the new system is not confirmed, the node
//! goes back to the jump system.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use jumpspec::job::Waits;
use jumpspec::places;
use jumpspec::plan::Plan;
use jumpspec::run::failure::{Code, Failure};
use jumpspec::step::Stage;
use jumpsys::kernel::restart::{RebootVia, reboot};
use jumpsys::kernel::system::uptime_ms;

use crate::boot::is_confirmed;
use crate::new_system::give_up;
use crate::node::bundle::read_plan;
use crate::run::context::Context;
use crate::run::kept;
use crate::run::reporter::Reporter;

/// Where the landing file system is mounted meanwhile: another place than the one that the
/// confirmation uses.
const LANDING: &str = "/run/jump-deadline";
/// How often is looked whether the new system is confirmed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What the confirmation, whose checks end at the deadline, has to say why by itself.
const GRACE: Duration = Duration::from_secs(30);

/// Returns when the new system is confirmed, or there is no jump system to go to; else it ends in a
/// reset.
pub(crate) fn run() -> Result<()> {
    let plan = read_plan(&Path::new("/").join(places::NEW_PLAN));
    let limit = match &plan {
        Ok(plan) => plan.wait.health.0,
        Err(_) => Waits::default().health.0,
    } + GRACE;
    let mut context = None;
    loop {
        let age = Duration::from_millis(uptime_ms());
        let left = limit.checked_sub(age).filter(|left| !left.is_zero());
        // The disk may be found only later, or never.
        if context.is_none() {
            let plan = plan.as_ref().ok();
            let plan = plan.filter(|plan| left.is_none() || is_mended(plan));
            context = plan.and_then(|plan| open(plan).ok());
        }
        if context.as_ref().is_some_and(is_confirmed) {
            return Ok(());
        }
        let Some(left) = left else {
            return too_late(context, plan, limit);
        };
        std::thread::sleep(left.min(LOOK_EVERY));
    }
}

/// Whether the boot is done with what this would mount: it mends no file system that is mounted already
/// (fsck(8), "-M", which systemd-fsck gives it).
fn is_mended(plan: &Plan) -> bool {
    !plan.landing.is_in_memory() || kept::is_mounted(plan).unwrap_or_default()
}

fn open(plan: &Plan) -> Result<Context> {
    let context = Context::new(plan.clone(), PathBuf::from(LANDING), Reporter::to_console());
    let mut context = context?;
    context.reporter.enter(Stage::Try);
    Ok(context)
}

fn too_late(context: Option<Context>, plan: Result<Plan>, limit: Duration) -> Result<()> {
    let reset = give_up::reset_in_time();
    // The confirmation may have told why since this began to wait.
    let again = context.and_then(|context| open(&context.plan).ok());
    let Some(mut cx) = again else {
        let error = plan
            .err()
            .unwrap_or_else(|| anyhow!("the disk is not there"));
        eprintln!("jumpinit: the new system was not confirmed in time: {error:#}");
        return reboot(RebootVia::Kernel).context("cannot reset");
    };
    // The trial began with none: the confirmation is giving up already, and knows better why.
    if cx.journal().failure.is_some() && give_up::is_landing(&cx) {
        return reset.wait();
    }
    let log = Path::new("/").join(places::NEW_LOG);
    cx.reporter.log_to(&log.join(places::EVENTS_NAME));
    let why = format!(
        "it was not confirmed when it had run for {} s",
        limit.as_secs()
    );
    give_up::go_back(&mut cx, Failure::new(Code::NotConfirmed, why))
}
