//! The new system's first boot: sound, it becomes the default and the jump is over;
//! otherwise it goes back to the jump system.

use std::path::{Path, PathBuf};

use anyhow::Result;
use jumpspec::places;
use jumpspec::run::event::{Destination, What};
use jumpspec::run::failure::Code;
use jumpspec::step::{Stage, Step};
use jumpsys::files::root::Root;
use jumpsys::kernel::restart::{RebootVia, reboot};

use crate::boot;
use crate::conduct::{self, Start};
use crate::new_system::give_up::is_landing;
use crate::node::bundle::read_plan;
use crate::node::disk;
use crate::run::context::Context;
use crate::run::failure;
use crate::run::reporter::Reporter;

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
    let plan_path = Path::new("/").join(places::NEW_PLAN);
    if !plan_path.exists() {
        // All is done, but power failed while the last traces were removed.
        return crate::steps::finish::remove_last_traces(&Root::open(Path::new("/"))?);
    }
    let plan = read_plan(&plan_path)?;
    disk::once_there(&plan)?;
    let mut cx = Context::new(plan, PathBuf::from(LANDING), reporter)?;
    cx.reporter.enter(Stage::Try);
    if !is_landing(&cx) {
        cx.stop_recording();
    }
    let steps = cx.plan.steps.new.clone();
    let start = begin_with(is_landing(&cx), boot::is_confirmed(&cx));
    let halts =
        |cx: &Context, step: &Step| *step == Step::FollowEntry && !boot::is_booted_by_own(cx);
    match conduct::until(&mut cx, &steps, &start, halts) {
        Ok(Some(_)) => {
            let into = Destination::NewByEntry;
            cx.reporter.tell(What::Reboot { into });
            cx.reporter.close_log();
            Ok(reboot(RebootVia::Kernel)?)
        }
        Ok(None) => {
            cx.reporter.tell(What::Complete);
            cx.reporter.close_log();
            Ok(())
        }
        Err(error) => give_up(&mut cx, error),
    }
}

/// Where a boot begins: with the first step; once the new system is the default, with what follows
/// that; and where the landing partition is given back, with the rest, for the journal and the
/// selector's files were on it.
fn begin_with(is_landing: bool, is_confirmed: bool) -> Start {
    match (is_landing, is_confirmed) {
        (_, false) => Start::Beginning,
        (true, true) => Start::At(Step::CollectLogs),
        (false, true) => Start::At(Step::ReturnLanding),
    }
}

/// Before the confirmation the jump system comes next. After it the new system is the default
/// whatever else failed: it stays up, and this is tried again at the next boot.
fn give_up(cx: &mut Context, error: anyhow::Error) -> Result<()> {
    let failure = failure::of(&error, Code::Unknown);
    if crate::boot::is_confirmed(cx) {
        crate::new_system::give_up::stay(cx, failure);
    } else {
        crate::new_system::give_up::go_back(cx, failure)?;
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_goes_on_where_the_last_one_was_cut() {
        assert_eq!(begin_with(true, false), Start::Beginning);
        assert_eq!(begin_with(true, true), Start::At(Step::CollectLogs));
        assert_eq!(begin_with(false, true), Start::At(Step::ReturnLanding));
        assert_eq!(begin_with(false, false), Start::Beginning);
    }
}
