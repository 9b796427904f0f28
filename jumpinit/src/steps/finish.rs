//! Steps on the new system once it is the default: it takes the landing partition back, and forgets
//! that there was a jump. A cut anywhere ends in the new system, which does the rest at its next boot.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jumpspec::places;
use jumpsys::disk::superblock::{Kind, Superblock};
use jumpsys::disk::swap;
use jumpsys::files::mount;
use jumpsys::files::mountinfo;
use jumpsys::files::root::{Owner, Root};

use crate::run::busy::once_free;
use crate::run::context::Context;
use crate::run::landing;
use crate::steps::{in_memory, made_landing};

/// Copies jump's logs to where logs stay.
pub(crate) fn collect_logs(cx: &mut Context) -> Result<()> {
    let root = Root::open(Path::new("/"))?;
    root.create_dir_all(places::NEW_LOG, Owner::root(0o750))?;
    if let Err(error) = landing::read(cx, |landing| copy_logs(landing, &root)) {
        cx.reporter
            .note(format!("the jump system's logs were not copied: {error:#}"));
    }
    root.write(
        &format!("{}/plan.json", places::NEW_LOG),
        &serde_json::to_vec_pretty(&cx.plan)?,
        Owner::root(0o640),
    )?;
    let events = Path::new("/")
        .join(places::NEW_LOG)
        .join(places::EVENTS_NAME);
    cx.reporter.log_to(&events);
    Ok(())
}

fn copy_logs(landing: &Root, root: &Root) -> Result<()> {
    let ours = root
        .read(&format!("{}/{}", places::NEW_LOG, places::EVENTS_NAME))?
        .unwrap_or_default();
    for name in landing.list(places::LOG)? {
        let mut bytes = landing
            .read(&format!("{}/{name}", places::LOG))?
            .unwrap_or_default();
        // What this boot told until now belongs behind what the jump system told.
        if name == places::EVENTS_NAME {
            let told = ours.strip_prefix(bytes.as_slice()).unwrap_or(&ours);
            bytes.extend_from_slice(told);
        }
        root.write(
            &format!("{}/{name}", places::NEW_LOG),
            &bytes,
            Owner::root(0o640),
        )?;
    }
    Ok(())
}

/// Erases what was staged and the selector, then makes the landing partition what it
/// was: swap, with its UUID and label; or free room.
pub(crate) fn return_landing(cx: &mut Context) -> Result<()> {
    give_back(cx, crate::boot::retire_selector)?;
    settle_fstab(cx)
}

/// Makes the landing partition what it was, whatever it holds of ours; `end_selector` is how the
/// selector's time is ended before that.
pub(crate) fn give_back(
    cx: &mut Context,
    end_selector: impl FnOnce(&mut Context) -> Result<()>,
) -> Result<()> {
    if cx.plan.landing.is_in_memory() {
        return in_memory::give_back(cx, end_selector);
    }
    if !cx.has_landing() {
        return made_landing::remove(cx);
    }
    let device = cx.landing_device();
    if mountinfo::read_swaps()?
        .iter()
        .any(|swap| swap.path == device)
    {
        return Ok(());
    }
    if landing::is_mounted(&cx.landing)? {
        // It was busy all the while that the logs were to be copied.
        mount::unmount(&cx.landing)?;
    }
    let found = jumpsys::disk::superblock::probe(&device)?;
    let ours = |found: &Superblock| found.uuid.as_deref() == Some(cx.plan.landing.fs_uuid.as_str());
    if cx.plan.landing.is_made() && !(found.as_ref().is_some_and(ours) || cx.is_journal_found()) {
        bail!(
            "{} is not the partition that was made for this run",
            device.display()
        );
    }
    match &found {
        Some(found) if ours(found) => {
            // First: without it the saved files are nobody's any more.
            crate::steps::seal::erase_key(cx)?;
            if let Err(error) = crate::steps::erasure::staged(cx) {
                // No reason for a node to go without its swap.
                cx.reporter
                    .note(format!("what was staged is not erased: {error:#}"));
            }
        }
        // A cut in the middle of mkfs or of wiping left neither the one nor the other, and the
        // run's journal.
        Some(found) if found.kind == Kind::Unknown && cx.is_journal_found() => {
            crate::steps::seal::erase_key(cx)?;
        }
        Some(found) if found.kind != Kind::Swap => {
            bail!(
                "{} holds {} that is not ours",
                device.display(),
                found.kind.name()
            )
        }
        _ => {}
    }
    end_selector(cx)?;
    let planned = cx.plan.landing.swap().cloned();
    once_free(|| {
        match &planned {
            Some(planned) => swap::make_swap(&device, &planned.uuid, planned.label.as_deref())?,
            None => swap::wipe_signatures(&device)?,
        }
        Ok(())
    })?;
    if cx.plan.landing.is_made() {
        return made_landing::remove(cx);
    }
    // Not before: after a cut in the middle of this the journal says whose the leftovers are. Not
    // later: once the system swaps its place is swap's.
    cx.forget()?;
    if planned.is_some() {
        once_free(|| Ok(mount::swapon(&device)?))?;
    }
    Ok(())
}

/// Takes back what let the system boot without its swap.
fn settle_fstab(cx: &Context) -> Result<()> {
    let Some(planned) = cx.plan.landing.swap() else {
        return Ok(());
    };
    let root = Root::open(Path::new("/"))?;
    let text = root.read_text("etc/fstab")?.unwrap_or_default();
    let settled = jumpspec::node::fstab::settle_swap(&text, &planned.uuid, &planned.options);
    root.rewrite("etc/fstab", settled.as_bytes(), Owner::root(0o644))?;
    Ok(())
}

/// Removes what jump put into the new system; logs stay. What starts this program goes last:
/// after a cut the rest is removed at the next boot, by [`remove_last_traces`].
pub(crate) fn remove_traces(cx: &mut Context) -> Result<()> {
    let root = Root::open(Path::new("/"))?;
    crate::boot::new_loader::end_trial(&root, &cx.plan.loader.grub)?;
    for path in [
        places::NEW_DEADLINE_WANTS,
        places::NEW_DEADLINE_UNIT,
        places::NEW_MANAGER,
    ] {
        root.remove(path)?;
    }
    crate::steps::hook::remove(&root)?;
    root.remove(places::NEW_IDENTITY)?;
    if cx.landing.exists() {
        std::fs::remove_dir(&cx.landing)
            .with_context(|| format!("cannot remove {}", cx.landing.display()))?;
    }
    remove_last_traces(&root)
}

/// Removes the plan, and with it what there is left to do; then what starts this program.
pub(crate) fn remove_last_traces(root: &Root) -> Result<()> {
    for path in [
        places::NEW_PLAN,
        places::NEW_WANTS,
        places::NEW_UNIT,
        places::NEW_PROGRAM,
    ] {
        root.remove(path)?;
    }
    root.remove_dir(places::NEW_LIB)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_the_traces_after_a_cut_is_removed_again() {
        let scratch = tempfile::tempdir().unwrap();
        let root = Root::open(scratch.path()).unwrap();
        let all = [
            places::NEW_PLAN,
            places::NEW_WANTS,
            places::NEW_UNIT,
            places::NEW_PROGRAM,
        ];
        for cut in 0..=all.len() {
            for path in all {
                let path = scratch.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            for path in &all[..cut] {
                root.remove(path).unwrap();
            }
            remove_last_traces(&root).unwrap();
            assert!(all.iter().all(|path| !root.is_there(path)), "{cut}");
            assert!(!root.is_there(places::NEW_LIB));
        }
    }
}
