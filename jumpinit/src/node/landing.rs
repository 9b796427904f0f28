//! The landing partition as whoever looks at a node finds it: its journal, its plan, what the
//! selector would do. Only reads.

use std::path::Path;

use anyhow::Result;
use jumpspec::boot::environment::State;
use jumpspec::disk::{Disk, FoundPartition};
use jumpspec::plan::{Plan, PlannedLanding};
use jumpspec::run::journal::{Journal, RESERVED_BYTES};
use jumpspec::{places, selector};
use jumpsys::boot::grubenv;
use jumpsys::files::root::Root;

use crate::node::borrowed;
use crate::node::bundle::read_plan;
use crate::node::facts::gather_disks;
use crate::node::journal::Ledger;
use crate::node::keeper::{self, Found};
use crate::node::mounted::with_mounted;

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
    let journal = match Place::of(&disks, Path::new("/")) {
        None => return Ok(None),
        Some(Place::Partition(partition)) => {
            let device = Path::new(&partition.device);
            Ledger::open(device, partition.size().bytes())?.journal()
        }
        Some(Place::Directory(_, journal)) => Some(*journal),
        Some(Place::Here) => {
            Ledger::look(&Path::new("/").join(places::KEPT_JOURNAL), RESERVED_BYTES)
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
    /// A directory of a partition that stays as it is, with its journal.
    Directory(Found<'a>, Box<Journal>),
    /// The root of a jump system in memory: nothing else is kept of its run, or its journal is lost. It
    /// tells whose it is.
    Here,
}

impl<'a> Place<'a> {
    /// The place, as the system below `root` finds it. A jump system in memory knows that it is one:
    /// what another run has left on a partition is not its own.
    fn of(disks: &'a [Disk], root: &Path) -> Option<Self> {
        let path = root.join(places::PLAN);
        let plan = read_plan(&path).ok();
        let here = plan.as_ref().map(|plan| &plan.landing);
        if here.is_some_and(PlannedLanding::is_volatile) {
            return Some(Self::Here);
        }
        let is_in_memory = here.is_some_and(PlannedLanding::is_in_memory);
        let borrowed = borrowed::landing_partition(disks).filter(|_| !is_in_memory);
        borrowed.map(Self::Partition).or_else(|| {
            let Some((found, journal)) = keeper::find(disks) else {
                return path.exists().then_some(Self::Here);
            };
            Some(Self::Directory(found, Box::new(journal)))
        })
    }
}

/// Reads something from the landing file system, if there is one, wherever it is mounted; or from what
/// stands for it on a partition that stays.
pub(crate) fn with_landing<T>(read: impl FnOnce(&Root) -> Result<T>) -> Result<Option<T>> {
    let disks = gather_disks()?;
    match Place::of(&disks, Path::new("/")) {
        None => Ok(None),
        Some(Place::Partition(partition)) => {
            with_mounted(&partition.device, "ext4", read).map(Some)
        }
        Some(Place::Directory(found, _)) => found.read(read).map(Some),
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
    use jumpspec::disk::Content;
    use jumpspec::plan::LANDING_LABEL;

    /// A plan that a node has kept.
    const KEPT: &str = include_str!("../../../tests/fuzz/seeds/answers/kept");

    #[test]
    fn a_jump_system_in_memory_takes_no_partition_of_another_run_for_its_own() {
        let mut kept: serde_json::Value = serde_json::from_str(KEPT).unwrap();
        let mut disks: Vec<Disk> = serde_json::from_value(kept["facts"]["disks"].take()).unwrap();
        disks[0].partitions[1].content = Some(Content {
            kind: "ext4".to_owned(),
            uuid: None,
            label: Some(LANDING_LABEL.to_owned()),
        });
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        let place = || Place::of(&disks, root);
        assert!(
            matches!(place(), Some(Place::Partition(_))),
            "the old system"
        );
        let plan = root.join(places::PLAN);
        std::fs::create_dir_all(plan.parent().unwrap()).unwrap();
        let mut keep = |in_memory: bool| {
            let landing = &mut kept["plan"]["landing"];
            landing["kind"] = if in_memory { "in-memory" } else { "lent" }.into();
            landing["on"] = "esp".into();
            std::fs::write(&plan, kept["plan"].to_string()).unwrap();
        };
        keep(false);
        assert!(matches!(place(), Some(Place::Partition(_))));
        keep(true);
        assert!(matches!(place(), Some(Place::Here)));
    }

    #[test]
    fn only_the_selector_s_own_word_says_that_this_boot_is_the_only_one() {
        assert!(is_once("BOOT_IMAGE=/k rw panic=10 jump.once\n"));
        assert!(!is_once("BOOT_IMAGE=/k rw panic=10 \n"));
        assert!(!is_once("jump.once quiet"));
    }
}
