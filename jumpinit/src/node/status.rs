//! Which of the three systems this is and how far a run has come. Only reads.

use std::path::Path;

use anyhow::Result;
use jumpspec::node::os_release::OsRelease;
use jumpspec::places;
use jumpspec::run::failure::{Code, Failure};
use jumpspec::run::journal::Journal;
use jumpspec::run::status::{Status, StepShown, System};
use jumpspec::step::Stage;
use jumpsys::files::root::Root;
use jumpsys::kernel::system;

use crate::node::bundle::read_plan;
use crate::node::landing::{self, Landing};
use crate::node::records;

/// Works the status out.
pub(crate) fn read() -> Result<Status> {
    let landing = landing::find()?.or_else(staged_in_memory);
    let journal = landing.as_ref().and_then(|landing| landing.journal.clone());
    let kernel = system::kernel()?;
    let os = Root::open(Path::new("/"))?
        .read_text("etc/os-release")?
        .unwrap_or_default();
    let plan = landing.as_ref().and_then(|landing| landing.plan.as_ref());
    let run = journal.as_ref().map(|journal| &journal.run);
    let run = run.or_else(|| plan.map(|plan| &plan.run)).cloned();
    // The landing file system may be lost, or swap again.
    let run = run.or_else(|| Some(read_plan(&Path::new("/").join(places::NEW_PLAN)).ok()?.run));
    let stage = journal.as_ref().map(|journal| journal.stage);
    // Left for this boot by a jump system that stays up.
    let reason = std::fs::read(Path::new("/").join(places::REASON)).ok();
    let reason = reason.map(|left| failure(&left));
    Ok(Status {
        system: which(landing.is_some(), journal.as_ref()),
        hostname: system::hostname()?,
        os: OsRelease::parse(&os).pretty_name,
        kernel: kernel.release,
        boot_id: system::boot_id()?,
        uptime_ms: jumpsys::kernel::system::uptime_ms(),
        gave_up: reason.is_some() || stage == Some(Stage::Stuck),
        failure: reason.or_else(|| journal.as_ref()?.failure.clone()),
        step: plan
            .zip(journal.as_ref())
            .and_then(|(plan, journal)| StepShown::of(plan, journal)),
        origin: run.as_deref().and_then(records::origin),
        live: run.as_deref().is_some_and(crate::node::lock::is_at_work),
        run,
        selector_state: landing.and_then(|landing| landing.state),
        journal,
    })
}

/// What is staged of a rehearsal in memory, on the old system.
fn staged_in_memory() -> Option<Landing> {
    let (plan, journal) = records::staged_in_memory()?;
    Some(Landing {
        journal: Some(journal),
        plan: Some(plan),
        state: None,
    })
}

/// Why, as this version or an older one left it.
fn failure(left: &[u8]) -> Failure {
    serde_json::from_slice(left).unwrap_or_else(|_| {
        let words = String::from_utf8_lossy(left);
        Failure::new(Code::Unknown, words.trim()).bounded()
    })
}

fn which(landing: bool, journal: Option<&Journal>) -> System {
    let here = |place: &str| Path::new("/").join(place).exists();
    if here(places::PLAN) {
        return System::Jump;
    }
    if here(places::NEW_PLAN) {
        return System::New;
    }
    match journal {
        Some(journal) if journal.stage < Stage::Try => System::Old,
        None if landing => System::Old,
        _ => System::None,
    }
}
