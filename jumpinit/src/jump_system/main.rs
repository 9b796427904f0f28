//! The jump system's whole life, as its `/etc/rc.local`: prove or go back; replace or
//! wait, reachable; never a prompt, never a loop without end.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use jumpspec::boot::environment::State;
use jumpspec::places;
use jumpspec::run::arm;
use jumpspec::run::event::{Destination, Next, What};
use jumpspec::run::failure::{Code, Failure};
use jumpspec::run::journal::Journal;
use jumpspec::step::{Stage, Step};
use jumpsys::kernel::restart::{RebootVia, reboot};

use crate::boot;
use crate::conduct::{self, Start};
use crate::jump_system::attempt::{self, Outcome};
use crate::jump_system::{failed_boot, stay, vigil, watchdogs};
use crate::node::bundle::read_plan;
use crate::node::cause::Cause;
use crate::node::disk;
use crate::node::landing::leads_back;
use crate::run::context::Context;
use crate::run::failure;
use crate::run::kept;
use crate::run::reporter::Reporter;
use crate::run::reset::Deadline;
use crate::steps::{in_memory, stage};

/// What the deadline leaves the steps to fail by themselves, which says more.
const GRACE: Duration = Duration::from_secs(30);

/// What the deadline says.
const NOT_PROVED: &str = "not proved in time: back to the old system";

/// What happens at the end of this boot.
enum End {
    /// Into what the selector now says.
    Reboot(Destination),
    /// Stay up, reachable, and say why.
    Stay(Failure),
    /// The same, where it was said.
    Told,
    /// The same, and write nothing: what the disk says is in doubt.
    Doubt(Failure),
}

/// Runs the jump system's part. Returns only when the node stays in the jump system.
pub(crate) fn run() -> Result<()> {
    let mut reporter = Reporter::to_console();
    reporter.log_to(&Path::new("/").join(places::EVENTS));
    let plan_path = Path::new("/").join(places::PLAN);
    if !plan_path.exists() {
        reporter.note("there is no plan here: this jump system has nothing to do");
        return Ok(());
    }
    vigil::begun(&mut reporter);
    let watchdog = watchdogs::arm(&mut reporter);
    let mut cx = match open(&plan_path, reporter) {
        Ok(cx) => cx,
        Err(failure) => {
            let mut reporter = Reporter::to_console();
            go_back_without_context(*failure, &mut reporter)?;
            watchdogs::disarm(watchdog, &mut reporter);
            return Ok(());
        }
    };
    if cx.plan.landing.is_kept() {
        in_memory::go_on_with_log(&mut cx);
    }
    let end = proceed(&mut cx);
    let stayed = match end {
        End::Reboot(into) => {
            cx.reporter.tell(What::Reboot { into });
            in_memory::keep_log(&mut cx);
            cx.reporter.close_log();
            leave(cx);
            // The watchdog goes on: a reboot may hang as well.
            return Ok(reboot(RebootVia::Kernel)?);
        }
        End::Stay(failure) => stay::stay(&mut cx, &failure),
        End::Told => Ok(()),
        End::Doubt(failure) => {
            stay::tell(&mut cx, &failure);
            Ok(())
        }
    };
    in_memory::keep_log(&mut cx);
    watchdogs::disarm(watchdog, &mut cx.reporter);
    stayed
}

/// Lets go of what this boot has mounted to write to: FAT that was not unmounted has to be looked
/// through at the next one.
fn leave(cx: Context) {
    let is_kept = cx.plan.landing.is_kept();
    // Its journal lies there.
    drop(cx);
    if let Some(error) = is_kept.then(kept::unmount).and_then(Result::err) {
        Reporter::to_console().note(format!("{error:#}"));
    }
}

fn open(plan: &Path, mut reporter: Reporter) -> Result<Context, Box<Failure>> {
    let failed = |error, code| Box::new(failure::of(&error, code));
    let plan = read_plan(plan).map_err(|error| failed(error, Code::PlanUnreadable))?;
    disk::once_there(&plan).map_err(|error| failed(error, Code::DiskNotFound))?;
    if plan.landing.is_in_memory() {
        let device = disk::landing(&plan).map_err(|error| failed(error, Code::DiskNotFound))?;
        let keeper = plan.landing.keeper();
        if let Some(told) = keeper.and_then(|keeper| boot::mend(keeper, &device)) {
            reporter.note(told);
        }
    }
    let context = Context::new(plan, PathBuf::from("/"), reporter);
    context.map_err(|error| failed(error, Code::DiskNotFound))
}

/// The environment, not the journal, says whether the commit was done: it is what the
/// loader reads.
fn proceed(cx: &mut Context) -> End {
    if cx.plan.landing.is_volatile() {
        return prove(cx);
    }
    if !cx.is_journal_found() {
        return End::Doubt(Failure::new(
            Code::JournalFailed,
            format!(
                "the journal of run {} cannot be read, so how far it came is not known",
                cx.plan.run
            ),
        ));
    }
    match (cx.journal().stage, boot::state(cx)) {
        (Stage::Stuck, _) => {
            let before = cx.journal().failure.clone();
            let unsaid = || Failure::new(Code::Unknown, "an earlier boot gave up");
            End::Stay(before.unwrap_or_else(unsaid))
        }
        (Stage::Try | Stage::Finish, _) | (_, Some(State::Try(_) | State::New)) => {
            let unsaid =
                || Failure::new(Code::BootFailed, "it used up its tries and left no reason");
            let told = failed_boot::collect(cx).unwrap_or_else(unsaid);
            End::Stay(told.context("the new system was not confirmed"))
        }
        (Stage::Replace, _) | (_, Some(State::Jump)) => {
            if cx.plan.landing.is_in_memory() {
                in_memory::tell_damage(cx);
            }
            replace(cx)
        }
        (Stage::Stage | Stage::Armed, _) => prove(cx),
        // Once means once, whatever ended the first time.
        (Stage::Prove, _) => go_back(
            cx,
            Failure::new(
                Code::NotProved,
                "the jump system came up a second time without having proved itself",
            ),
        ),
    }
}

/// Nothing is destroyed yet: whatever is amiss, the old system comes back, to which the
/// selector has already turned.
fn prove(cx: &mut Context) -> End {
    let steps = cx.plan.steps.prove.clone();
    let limit = cx.plan.wait.prove.0 + GRACE;
    let deadline = Deadline::start(limit, RebootVia::Kernel, NOT_PROVED);
    // What kexec starts was ordered with it.
    let ordered = if cx.plan.landing.is_volatile() {
        Ok(())
    } else {
        refuse_unordered(cx.journal())
    };
    // Entered first: once means once, also for what goes back at once.
    let entered = cx.enter(Stage::Prove).and(ordered);
    let has_followed = cx.journal().followed;
    let halts = |_: &Context, step: &Step| {
        let follows = *step == Step::FollowOrder && !has_followed;
        follows || matches!(step, Step::AwaitImage { .. })
    };
    let proved = entered.and_then(|()| conduct::until(cx, &steps, &Start::Beginning, halts));
    drop(deadline);
    let proved = proved.and_then(|halted| match halted {
        None => Ok(None),
        Some(Step::FollowOrder) => boot::follow(cx).map(Some),
        Some(awaited) => with_image(cx, &steps, awaited).map(|()| None),
    });
    match proved {
        Ok(Some(())) => End::Reboot(Destination::JumpByOrder),
        Ok(None) if cx.plan.rehearsal => rehearsed(cx),
        Ok(None) => replace(cx),
        Err(error) => {
            let failure = failure::of(&error, Code::NotProved);
            // The commit itself may have been done before it failed.
            if boot::state(cx) == Some(State::Jump) {
                End::Stay(failure)
            } else {
                go_back(cx, failure)
            }
        }
    }
}

/// Waits for the image, which ends by itself, and does what is left of the proof.
fn with_image(cx: &mut Context, steps: &[Step], awaited: &Step) -> Result<()> {
    let start = Start::At(awaited.clone());
    let next = conduct::until(cx, steps, &start, |_, step| step != awaited)?;
    let Some(next) = next else {
        return Ok(());
    };
    let limit = cx.plan.wait.prove.0 + GRACE;
    let _deadline = Deadline::start(limit, RebootVia::Kernel, NOT_PROVED);
    conduct::all(cx, steps, &Start::At(next.clone()))
}

/// Why a jump system that comes up goes back at once, if it was not meant to come up.
fn refuse_unordered(journal: &Journal) -> Result<()> {
    if arm::is_ordered(journal) {
        return Ok(());
    }
    let why = "nobody ordered this reboot: the run was armed, and the node was rebooted for another reason";
    Err(Cause::new(Code::NotOrdered, why).into())
}

fn rehearsed(cx: &mut Context) -> End {
    cx.reporter.tell(What::Complete);
    to_old(cx)
}

fn to_old(cx: &mut Context) -> End {
    if cx.plan.landing.is_volatile() {
        await_heard();
    } else {
        turn_back(cx);
    }
    End::Reboot(Destination::Old)
}

/// What was told is gone with this boot: who has heard it resets the machine (`turn-back`).
fn await_heard() {
    sleep(arm::HEARS_WITHIN);
}

fn go_back(cx: &mut Context, failure: Failure) -> End {
    let kept = failure::for_journal(&failure);
    cx.reporter.tell(What::Failed {
        failure,
        next: Next::OldReturns,
    });
    let journal = Journal {
        failure: Some(kept),
        ..cx.journal().clone()
    };
    if let Err(error) = cx.record(journal) {
        cx.reporter.note(format!("{error:#}"));
    }
    to_old(cx)
}

/// The selector's environment says "old" since before this boot; that its script can be
/// read is not taken for granted.
fn turn_back(cx: &mut Context) {
    if let Err(error) = boot::turn_back(cx) {
        cx.reporter.note(format!("{error:#}"));
    }
}

fn replace(cx: &mut Context) -> End {
    if let Err(error) = have_image(cx) {
        return End::Stay(failure::of(&error, Code::UploadFailed));
    }
    match attempt::watch(cx) {
        Outcome::Replaced => End::Reboot(Destination::New),
        Outcome::Died => End::Reboot(Destination::JumpAnew),
        Outcome::Stays => End::Told,
        Outcome::Failed(failure) => End::Stay(failure),
    }
}

/// Waits for the image that a power cut took, before the attempt and its limit: how long that takes is
/// the line's to say, and a plan in memory has no other limit to go on with.
fn have_image(cx: &mut Context) -> Result<()> {
    let steps = cx.plan.steps.replace.clone();
    let lacks = |step: &Step| matches!(step, Step::AwaitImage { image, size, .. } if stage::received(cx, *image) < *size);
    let Some(index) = steps.iter().position(lacks) else {
        return Ok(());
    };
    cx.enter(Stage::Replace)?;
    boot::repair(cx)?;
    conduct::one(cx, index, &steps[index])
}

/// Without a plan that can be read or a disk that can be found nothing is known and
/// nothing written. Before the commit a reboot leads to the old system; after it, the
/// next boots end here as well, so the node stays up.
fn go_back_without_context(failure: Failure, reporter: &mut Reporter) -> Result<()> {
    reporter.log_to(&Path::new("/").join(places::EVENTS));
    reporter.enter(Stage::Prove);
    let spent = leads_back();
    let next = if spent {
        Next::OldReturns
    } else {
        stay::leave_reason("an unknown run", &failure, reporter);
        Next::JumpStays
    };
    reporter.tell(What::Failed { failure, next });
    reporter.close_log();
    if spent {
        let plan = read_plan(&Path::new("/").join(places::PLAN));
        if plan.is_ok_and(|plan| plan.landing.is_volatile()) {
            await_heard();
        }
        reboot(RebootVia::Kernel)?;
    }
    Ok(())
}
