//! The landing partition as whoever looks at a node finds it: its journal, its plan, what the
//! selector would do. Only reads.

use std::path::Path;

use anyhow::Result;
use jumpspec::boot::environment::State;
use jumpspec::disk::{Disk, FoundPartition};
use jumpspec::plan::Plan;
use jumpspec::run::journal::{Journal, RESERVED_BYTES};
use jumpspec::{places, selector};
use jumpsys::boot::grubenv;
use jumpsys::files::root::Root;

use crate::node::bundle::read_plan;
use crate::node::facts::gather_disks;
use crate::node::journal::Ledger;
use crate::node::mounted::with_mounted;
use crate::node::{borrowed, in_esp};

/// What the landing partition tells.
#[derive(Debug)]
pub(crate) struct Landing {
    /// Its journal.
    pub(crate) journal: Option<Journal>,
    /// Its plan.
    pub(crate) plan: Option<Plan>,
    /// What the selector would do.
    pub(crate) state: Option<String>,
}

/// Reads the landing partition, if there is one, without changing it. A file system that was
/// never made to its end tells nothing.
pub(crate) fn find() -> Result<Option<Landing>> {
    let disks = gather_disks()?;
    let journal = match Place::of(&disks) {
        None => return Ok(None),
        Some(Place::Partition(partition)) => {
            let device = Path::new(&partition.device);
            Ledger::open(device, partition.size().bytes())?.journal()
        }
        Some(Place::Esp(_, journal)) => Some(*journal),
        Some(Place::Here) => {
            Ledger::look(&Path::new("/").join(places::JOURNAL_ON_ESP), RESERVED_BYTES)
        }
    };
    let on_it = with_landing(|root| {
        let plan = read_plan(&root.path().join(places::PLAN)).ok();
        let state = next_boot(root.path());
        Ok((plan, state.map(|state| state.values().0.to_owned())))
    });
    let (plan, state) = on_it.ok().flatten().unwrap_or_default();
    Ok(Some(Landing {
        journal,
        plan,
        state,
    }))
}

/// Where a run keeps what outlives a boot of its jump system.
enum Place<'a> {
    /// A landing file system.
    Partition(&'a FoundPartition),
    /// A directory of the EFI system partition, with its journal.
    Esp(&'a FoundPartition, Box<Journal>),
    /// The root of a jump system in memory: nothing else is kept of its run, or its journal is lost. It
    /// tells whose it is.
    Here,
}

impl<'a> Place<'a> {
    fn of(disks: &'a [Disk]) -> Option<Self> {
        let here = read_plan(&Path::new("/").join(places::PLAN));
        // What another run has left on a disk is not what runs.
        if here.is_ok_and(|plan| plan.landing.volatile) {
            return Some(Self::Here);
        }
        let borrowed = borrowed::landing_partition(disks).map(Self::Partition);
        borrowed.or_else(|| {
            let Some((partition, journal)) = in_esp::find(disks) else {
                let is_jump = Path::new("/").join(places::PLAN).exists();
                return is_jump.then_some(Self::Here);
            };
            Some(Self::Esp(partition, Box::new(journal)))
        })
    }
}

/// Reads something from the landing file system, if there is one, wherever it is mounted; or from what
/// stands for it on the EFI system partition.
pub(crate) fn with_landing<T>(read: impl FnOnce(&Root) -> Result<T>) -> Result<Option<T>> {
    let disks = gather_disks()?;
    match Place::of(&disks) {
        None => Ok(None),
        Some(Place::Partition(partition)) => {
            with_mounted(&partition.device, "ext4", read).map(Some)
        }
        Some(Place::Esp(partition, _)) => with_mounted(&partition.device, "vfat", |esp| {
            read(&Root::open(&esp.path().join(places::ON_ESP))?)
        })
        .map(Some),
        Some(Place::Here) => read(&Root::open(Path::new("/"))?).map(Some),
    }
}

/// What the selector would do at the next boot, if its environment below `landing`, the root of
/// the landing file system, can be read.
pub(crate) fn next_boot(landing: &Path) -> Option<State> {
    let env = grubenv::read(&landing.join(selector::file(selector::ENV))).ok()?;
    State::read(|name| env.get(name))
}

/// The same in the jump system, without a plan: its root is the landing file system, or lies in memory.
fn next_boot_here() -> Option<State> {
    let in_memory = || with_landing(|root| Ok(next_boot(root.path()))).ok()??;
    next_boot(Path::new("/")).or_else(in_memory)
}

/// Whether a reboot of the jump system leads to the old system: by the environment, or where that cannot
/// be read, by what the selector said when it started this boot.
pub(crate) fn leads_back() -> bool {
    let said = || std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
    next_boot_here().map_or_else(|| is_once(&said()), |state| state == State::Old)
}

fn is_once(command_line: &str) -> bool {
    command_line.split_whitespace().last() == Some(selector::ONCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_selector_s_own_word_says_that_this_boot_is_the_only_one() {
        assert!(is_once("BOOT_IMAGE=/k rw panic=10 jump.once\n"));
        assert!(!is_once("BOOT_IMAGE=/k rw panic=10 \n"));
        assert!(!is_once("jump.once quiet"));
    }
}
