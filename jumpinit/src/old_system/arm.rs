//! Arming, by an order of its own: staging may come to its end after the one who wanted it has
//! left, and then nothing boots it. What is armed has an end as well: a keeper, which outlives the
//! login, takes it back; and a jump system whose reboot nobody ordered goes back by itself.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jumpspec::plan::Plan;
use jumpspec::run::arm::{self, Moment, Standing};
use jumpspec::run::event::{Next, What};
use jumpspec::run::failure::{Code, Failure};
use jumpspec::run::journal::{Arm, Journal};
use jumpspec::run::task::StepId;
use jumpspec::step::{Stage, Step};
use jumpsys::cmd::Program;
use jumpsys::kernel::kexec;
use jumpsys::kernel::process::{self, Oom};
use jumpsys::kernel::restart::{self, RebootVia};
use jumpsys::kernel::system::boot_id;
use jumpsys::kernel::system::uptime_ms;
use jumpsys::lock::{LockError, RunLock};

use crate::node::bundle;
use crate::node::lock::{self, Forbidden};
use crate::old_system::{open, watchdog};
use crate::run::context::Context;
use crate::run::failure;
use crate::run::kept;
use crate::run::reporter::Reporter;
use crate::{boot, conduct};

/// How often the keeper looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What the keeper says once it keeps.
const READY: &str = "keeping";
/// How long it may take until it does.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Turns the boot sector, once somebody sees to it that it does not stay so.
pub(crate) fn run(work: &Path) -> Result<()> {
    let (_lock, mut cx) = open::run(work)?;
    if cx.journal().stage == Stage::Armed {
        // Perhaps by halves, by a call whose connection broke.
        take_back(&mut cx, &taken_back("it is armed anew"))?;
    }
    arm::can_arm(&cx.plan, cx.journal(), &boot_id()?).map_err(Forbidden::from)?;
    let index = arm::position(&cx.plan).context("the plan has no arm")?;
    let armed = start_keeper(work).and_then(|()| conduct::one(&mut cx, index, &Step::Arm));
    if let Err(error) = armed {
        let failure = failure::of(&error, Code::of(StepId::Arm));
        let next = match take_back(&mut cx, &failure) {
            Ok(()) => Next::OldStays,
            Err(error) => {
                cx.reporter
                    .note(format!("the arm is not taken back: {error:#}"));
                Next::OldByJump
            }
        };
        cx.reporter.tell(What::Failed { failure, next });
        return Err(error);
    }
    cx.reporter.tell(What::Complete);
    Ok(())
}

/// Orders the reboot that the arm is for, and asks init for it.
pub(crate) fn reboot(work: &Path) -> Result<()> {
    let (_lock, mut cx) = open::run(work)?;
    if cx.plan.landing.is_volatile() {
        return start_jump(&mut cx);
    }
    if !matches!(standing(&cx)?, Standing::Holds(_)) {
        let run = cx.plan.run.clone();
        return Err(Forbidden::from(arm::NotNow::NotArmed(run)).into());
    }
    order_reboot(&mut cx, true)?;
    let asked = restart::reboot(RebootVia::Init);
    if asked.is_err() {
        order_reboot(&mut cx, false)?;
    }
    Ok(asked?)
}

/// Loads the jump system and has it started, by one order: nobody's reboot finds it loaded.
fn start_jump(cx: &mut Context) -> Result<()> {
    arm::can_arm(&cx.plan, cx.journal(), &boot_id()?).map_err(Forbidden::from)?;
    let index = arm::position(&cx.plan).context("the plan has nothing to load")?;
    // The login's end is soon.
    process::leave_cgroups(Path::new(process::CGROUPS));
    let loaded = conduct::one(cx, index, &Step::LoadJump);
    let started = loaded.and_then(|()| Ok(restart::reboot(RebootVia::Kexec)?));
    let Err(error) = started else {
        if let Err(error) = watchdog::start() {
            cx.reporter.note(format!(
                "no watchdog runs on while kexec starts the jump system: {error:#}"
            ));
        }
        return Ok(());
    };
    let failure = failure::of(&error, Code::of(StepId::LoadJump));
    if let Err(error) = kexec::unload_loaded() {
        cx.reporter.note(format!("{error}"));
    }
    let next = Next::OldUnarmed;
    cx.reporter.tell(What::Failed { failure, next });
    Err(error)
}

/// Writes it into both of the journal's slots: a torn one does not change what was ordered.
fn order_reboot(cx: &mut Context, ordered: bool) -> Result<()> {
    let arm = cx.journal().arm.clone();
    let journal = Journal {
        arm: arm.map(|arm| Arm { ordered, ..arm }),
        ..cx.journal().clone()
    };
    cx.record(journal.clone())?;
    cx.record(journal)
}

/// Why an arm is no more.
pub(crate) fn taken_back(why: impl Into<String>) -> Failure {
    Failure::new(Code::ArmTakenBack, why)
}

/// Makes an armed run one that is staged and no more: the old loader boots. `why` is told to
/// whoever asks.
pub(crate) fn take_back(cx: &mut Context, why: &Failure) -> Result<()> {
    boot::lead_back(cx)?;
    let last = arm::position(&cx.plan).and_then(|index| index.checked_sub(1));
    let last = last.context("the plan has no step in front of its arm")?;
    cx.reporter.enter(Stage::Stage);
    cx.record(Journal {
        stage: Stage::Stage,
        step: u32::try_from(last)?,
        done: true,
        arm: None,
        failure: Some(failure::for_journal(why)),
        ..cx.journal().clone()
    })
}

fn start_keeper(work: &Path) -> Result<()> {
    let keeper = Program::new("/proc/self/exe").arg("keep-arm").arg("--work");
    let started = keeper.arg(work).start_detached(READY, READY_LIMIT);
    started.context("nobody would take the arm back, so it is not made")
}

/// The keeper's life: it ends with the arm, or with the boot.
pub(crate) fn keep(work: &Path) -> Result<()> {
    let plan = bundle::read(work)?.plan;
    // Without these it keeps all the same, if less surely.
    process::when_out_of_memory(Oom::Spare).ok();
    process::leave_cgroups(Path::new(process::CGROUPS));
    std::env::set_current_dir("/").context("cannot enter /")?;
    println!("{READY}");
    loop {
        sleep(LOOK_EVERY);
        // What cannot be read now may be readable soon, and the arm may stand.
        if let Ok(true) = is_over(&plan) {
            return let_go(&plan);
        }
    }
}

/// To look at a run in memory is to mount what the system may have nowhere.
fn let_go(plan: &Plan) -> Result<()> {
    if plan.landing.is_in_memory() {
        kept::unmount()?;
    }
    Ok(())
}

/// Whether there is nothing left to keep; takes back what has stood too long.
fn is_over(plan: &Plan) -> Result<bool> {
    let found = standing(&open(plan)?)?;
    if let Standing::Holds(_) = found {
        return Ok(false);
    }
    // Whoever has it is arming, or taking back, or ordering the reboot.
    let Some(_lock) = lock(plan)? else {
        return Ok(false);
    };
    let mut cx = open(plan)?;
    match standing(&cx)? {
        Standing::Holds(_) => Ok(false),
        Standing::None => Ok(true),
        Standing::Over => {
            let limit = String::from(plan.wait.boot);
            let why =
                format!("it was armed and not rebooted within {limit}, so the arm was taken back");
            take_back(&mut cx, &taken_back(why))?;
            Ok(true)
        }
    }
}

fn open(plan: &Plan) -> Result<Context> {
    Context::new(plan.clone(), PathBuf::new(), Reporter::default())
}

fn lock(plan: &Plan) -> Result<Option<RunLock>> {
    match lock::lock(&plan.run) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if matches!(error.downcast_ref(), Some(LockError::Held { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

fn standing(cx: &Context) -> Result<Standing> {
    Ok(arm::standing(&cx.plan, cx.journal(), now(&boot_id()?)))
}

fn now(boot_id: &str) -> Moment<'_> {
    Moment {
        boot_id,
        uptime_ms: uptime_ms(),
    }
}
