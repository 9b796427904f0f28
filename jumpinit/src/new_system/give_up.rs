//! The new system gives up: what tells why is kept, its tries are taken away, and the machine is
//! reset, into the jump system. Ends in a reset whatever fails on the way: should the tries be
//! left as they are, they are bounded all the same. Without a jump system to go to it stays up.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jumpspec::run::event::{Next, What};
use jumpspec::run::failure::Failure;
use jumpspec::run::journal::Journal;
use jumpspec::{places, render};
use jumpsys::files::mount::{self, MsFlags};
use jumpsys::files::root::{Owner, Root};
use jumpsys::kernel::restart::{RebootVia, reboot};

use crate::run::context::Context;
use crate::run::reset::Deadline;
use crate::run::{failure, landing};

/// After this the machine is reset, finished or not.
const LIMIT: Duration = Duration::from_mins(2);
/// Goes back to the jump system, because of `failure`; where that is lost, every boot leads here, and
/// going back would be a loop.
pub(crate) fn go_back(cx: &mut Context, failure: Failure) -> Result<()> {
    let _reset = reset_in_time();
    if !is_landing(cx) {
        stay(cx, failure.context("the jump system is lost"));
        return Ok(());
    }
    cx.reporter.tell(What::Failed {
        failure: failure.clone(),
        next: Next::JumpReturns,
    });
    for act in [keep_in_journal, keep_evidence, spend_tries] {
        if let Err(error) = act(cx, &failure) {
            cx.reporter.note(format!("{error:#}"));
        }
    }
    cx.reporter.close_log();
    Ok(reboot(RebootVia::Kernel)?)
}

/// The new system stays up, because of `failure`.
pub(crate) fn stay(cx: &mut Context, failure: Failure) {
    cx.reporter.tell(What::Failed {
        failure,
        next: Next::NewStays,
    });
}

/// Resets the machine after [`LIMIT`], unless it is dropped: a disk that answers no more may hold
/// up whoever goes back for ever.
pub(crate) fn reset_in_time() -> Deadline {
    Deadline::start(LIMIT, RebootVia::Reset, "the way back hangs: reset")
}

/// Whether the landing file system is still there, and the journal behind it. What cannot be read
/// the loader cannot read either.
pub(crate) fn is_landing(cx: &Context) -> bool {
    if cx.plan.landing.is_in_memory() {
        return cx.has_landing();
    }
    let found = jumpsys::disk::superblock::probe(&cx.landing_device());
    let uuid = found.ok().flatten().and_then(|found| found.uuid);
    uuid.as_deref() == Some(cx.plan.landing.fs_uuid.as_str())
}

fn spend_tries(cx: &mut Context, _why: &Failure) -> Result<()> {
    crate::boot::spend_tries(cx).context("cannot take the tries away")
}

fn keep_in_journal(cx: &mut Context, why: &Failure) -> Result<()> {
    let journal = Journal {
        failure: Some(failure::for_journal(why)),
        ..cx.journal().clone()
    };
    cx.record(journal)
}

/// Keeps what tells why in the new system's own logs; where its root cannot be written to, with
/// the jump system's.
fn keep_evidence(cx: &mut Context, why: &Failure) -> Result<()> {
    let text = crate::new_system::evidence::gather(&render::coded(why));
    let Err(error) = write_evidence(&text) else {
        return Ok(());
    };
    cx.reporter.note(format!("{error:#}"));
    landing::with(cx, |cx| write_next(&cx.kept_root()?, places::LOG, &text))
}

fn write_evidence(text: &str) -> Result<()> {
    let root = Root::open(Path::new("/"))?;
    if write_next(&root, places::NEW_LOG, text).is_err() {
        // An emergency may have come before systemd made the root writable.
        mount::remount(Path::new("/"), MsFlags::empty())?;
        write_next(&root, places::NEW_LOG, text)?;
    }
    Ok(())
}

/// Writes `failed-boot-N.log`, N one more than those that are there.
fn write_next(root: &Root, directory: &str, text: &str) -> Result<()> {
    root.create_dir_all(directory, Owner::root(0o750))?;
    let there = root.list(directory)?;
    let count = there
        .iter()
        .filter(|name| name.starts_with(places::FAILED_BOOT));
    let name = format!(
        "{directory}/{}{}.log",
        places::FAILED_BOOT,
        count.count() + 1
    );
    Ok(root.write(&name, text.as_bytes(), Owner::root(0o640))?)
}
