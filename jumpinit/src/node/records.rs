//! What a node keeps of a run, so that any admin host can carry on with it. Only reads.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use jumpspec::disk::SECTOR;
use jumpspec::places;
use jumpspec::plan::Plan;
use jumpspec::run::bundle::Bundle;
use jumpspec::run::journal::{Journal, RESERVED_BYTES};
use jumpspec::run::status::Kept;
use jumpsys::files::mountinfo::{self, Mount};
use jumpsys::files::root::Root;

use crate::node::bundle::read_plan;
use crate::node::journal::Ledger;
use crate::node::{keeper, landing, view};

/// The permission bits of a mode, inode(7).
const MODE: u32 = 0o777;
/// The public part of the jump system's host key, on the landing file system.
pub(crate) const HOST_KEY: &str = "etc/ssh/ssh_host_ed25519_key.pub";

/// Reads what is kept.
pub(crate) fn read() -> Result<Kept> {
    let bundles = bundles();
    let on_landing = landing::with_landing(|root| {
        let plan = read_plan(&root.path().join(places::PLAN));
        let facts = root
            .read(places::FACTS)?
            .and_then(|json| serde_json::from_slice(&json).ok());
        let host_key = root.read_text(HOST_KEY)?;
        Ok((plan, facts, host_key.and_then(|key| key.parse().ok())))
    })?;
    let (plan, facts, host_key) = match on_landing {
        Some((plan, facts, host_key)) => (Some(plan), facts, host_key),
        None => (None, None, None),
    };
    let (plan, unreadable) = match plan.transpose() {
        Ok(plan) => (plan, None),
        Err(error) => (None, Some(error)),
    };
    let new = || read_plan(&Path::new("/").join(places::NEW_PLAN)).ok();
    let run = plan.as_ref().map(|plan| plan.run.clone());
    // Without a landing file system there is at most one run whose staging has begun.
    let bundle = bundles
        .into_iter()
        .map(|(_, bundle)| bundle)
        .find(|bundle| run.as_ref().is_none_or(|run| *run == bundle.plan.run));
    let staged = bundle.as_ref();
    let plan = plan.or_else(|| staged.map(|bundle| bundle.plan.clone()));
    Ok(Kept {
        plan: plan.or_else(new).ok_or_else(|| {
            unreadable.unwrap_or_else(|| anyhow!("there is no plan of a run on this node"))
        })?,
        facts: facts.or_else(|| staged.map(|bundle| bundle.facts.clone())),
        host_key_public: host_key.or_else(|| staged.map(|bundle| bundle.host_key_public.clone())),
        can_stage: staged.is_some_and(is_of_this_boot),
    })
}

/// A directory that is not in memory outlives a reboot, and staging does not.
fn is_of_this_boot(bundle: &Bundle) -> bool {
    let boot = jumpsys::kernel::system::boot_id();
    boot.is_ok_and(|boot| jumpspec::run::arm::in_its_boot(&bundle.plan, &boot).is_ok())
}

/// The bundles that were handed over since this boot, with their directories. Only root's own
/// count: anybody may make a directory in /tmp.
pub(crate) fn bundles() -> Vec<(PathBuf, Bundle)> {
    let mounted = mountinfo::read_mountinfo().unwrap_or_default();
    let mounted: Vec<Mount> = mounted.into_iter().filter(is_foreign).collect();
    let folders = places::BASES
        .iter()
        .filter_map(|base| std::fs::read_dir(base).ok());
    let named = folders.flatten().flatten().map(|entry| entry.path());
    named
        .filter(|path| {
            // Whoever only looks at a mount point asks what is mounted there.
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("jump-"))
                && !view::is_on(path, &mounted)
                && is_private(path)
        })
        .filter_map(|path| Some((path.clone(), crate::node::bundle::read(&path).ok()?)))
        .collect()
}

/// A rehearsal in memory that is staged in this boot: its plan, and its journal beside the root.
pub(crate) fn staged_in_memory() -> Option<(Plan, Journal)> {
    let mut staged = bundles().into_iter();
    staged.find_map(|(directory, bundle)| {
        let is_ours = bundle.plan.landing.is_volatile() && is_of_this_boot(&bundle);
        let journal = directory.join(places::LANDING).join(places::KEPT_JOURNAL);
        let found = is_ours.then(|| Ledger::look(&journal, RESERVED_BYTES))?;
        Some((bundle.plan, found?))
    })
}

fn is_private(directory: &Path) -> bool {
    std::fs::symlink_metadata(directory)
        .is_ok_and(|found| found.is_dir() && found.uid() == 0 && found.mode() & MODE == 0o700)
}

fn is_foreign(mount: &Mount) -> bool {
    jumpspec::node::remote::is_remote(&mount.fstype)
}

/// The journal at the planned place, if it is that run's.
pub(crate) fn journal_of(plan: &Plan) -> Option<Journal> {
    let device = crate::node::disk::landing(plan).ok()?;
    if plan.landing.is_volatile() {
        return None;
    }
    let journal = if plan.landing.is_in_memory() {
        let disks = crate::node::facts::gather_disks().ok()?;
        keeper::journal_of(plan, &disks)
    } else {
        let bytes = plan.landing.sectors * SECTOR;
        Ledger::open(&device, bytes).ok()?.journal()
    };
    journal.filter(|journal| journal.run == plan.run)
}

/// Who began `run`, as far as the node knows.
pub(crate) fn origin(run: &str) -> Option<String> {
    let staged = || {
        let bundles = bundles().into_iter();
        let mut ours = bundles.filter(|(_, bundle)| bundle.plan.run == run);
        ours.next().map(|(_, bundle)| bundle.origin)
    };
    let on_landing = landing::with_landing(|root| Ok(root.read_text(places::ORIGIN)?));
    let on_landing = on_landing.ok().flatten().flatten();
    on_landing
        .map(|line| line.trim().to_owned())
        .or_else(staged)
}

/// Prints the run's log, or with `failed_boot` what is known of a boot of the new system that
/// failed: from the landing partition, or else from where a finished run's logs are.
pub(crate) fn print_log(failed_boot: bool) -> Result<()> {
    let wanted = |name: &str| {
        if failed_boot {
            name.starts_with(places::FAILED_BOOT)
        } else {
            name == places::EVENTS_NAME
        }
    };
    let read = |root: &Root, folder: &str| -> Result<Vec<u8>> {
        let mut text = Vec::new();
        for name in root.list(folder)?.iter().filter(|name| wanted(name)) {
            if failed_boot {
                writeln!(text, "==> {name} <==")?;
            }
            text.extend(root.read(&format!("{folder}/{name}"))?.unwrap_or_default());
        }
        Ok(text)
    };
    let on_landing = landing::with_landing(|root| read(root, places::LOG))?;
    let text = match on_landing {
        Some(text) if !text.is_empty() => text,
        _ => read(&Root::open(Path::new("/"))?, places::NEW_LOG)?,
    };
    std::io::stdout().write_all(&text)?;
    Ok(())
}
