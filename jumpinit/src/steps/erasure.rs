//! Erases what was staged on the landing partition before it becomes swap again: the target image
//! with whatever it holds, hooks, saved files, the jump system. Only what was written there since
//! the landing file system was made: a swap partition may be large, and its disk slow.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use jumpspec::disk::SECTOR;
use jumpspec::run::journal::RESERVED_BYTES;
use jumpspec::run::task::{StepId, Task};
use jumpsys::disk::erase::erase;
use jumpsys::disk::ext4::{Written, written};
use jumpsys::files::mount;

use crate::run::busy::once_free;
use crate::run::context::Context;
use crate::run::landing;

/// After so long the rest is left, and told: the node is to have its swap.
const LIMIT: Duration = Duration::from_hours(1);

/// Erases it, from the end of the partition to its beginning, by which the landing file system is
/// known: after a power cut this is done again.
pub(crate) fn staged(cx: &mut Context) -> Result<()> {
    let device = cx.landing_device();
    let all = 0..cx.plan.landing.sectors * SECTOR - RESERVED_BYTES;
    let runs = runs(cx, &device, &all)?;
    let begun = Instant::now();
    let reporter = &mut cx.reporter;
    let task = Task::from(StepId::EraseStaged);
    let mut told = |done, total| {
        reporter.progress(&task, done, total);
        begun.elapsed() < LIMIT
    };
    let whole = once_free(|| Ok(erase(&device, &runs, &mut told)?))?;
    ensure!(whole, "it was not done after {} s", LIMIT.as_secs());
    Ok(())
}

/// What was written to the landing file system; all of it where that cannot be known.
fn runs(cx: &mut Context, device: &Path, all: &Range<u64>) -> Result<Vec<Range<u64>>> {
    let mut found = written(device)?;
    if found == Written::NeedsRecovery {
        if let Err(error) = landing::mount(cx) {
            cx.reporter
                .note(format!("all of the landing partition is erased: {error:#}"));
        } else {
            mount::unmount(&cx.landing)?;
            found = written(device)?;
        }
    }
    Ok(match found {
        Written::Runs(runs) if runs.iter().all(|run| run.end <= all.end) => runs,
        _ => vec![all.clone()],
    })
}
