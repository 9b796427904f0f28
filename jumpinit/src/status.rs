//! Which of the three systems this is and how far a run has come. Only reads.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::facts::Partition;
use jumpspec::journal::{Journal, Stage};
use jumpspec::manifest::OsRelease;
use jumpspec::places;
use jumpspec::plan::Plan;
use jumpspec::status::{Status, StepShown, System};
use jumpsys::mount::{self, MsFlags};
use jumpsys::root::Root;
use jumpsys::{mountinfo, system};

use crate::context::read_plan;
use crate::ledger::Ledger;

/// What the landing partition tells.
#[derive(Debug)]
pub(crate) struct Landing {
    /// Its journal.
    pub(crate) journal: Option<Journal>,
    /// Its plan.
    pub(crate) plan: Option<Plan>,
    /// What the selector would do.
    state: Option<String>,
}

/// Works the status out.
pub(crate) fn read() -> Result<Status> {
    let landing = landing()?;
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
    let reason = std::fs::read_to_string(Path::new("/").join(places::REASON)).ok();
    let reason = reason.map(|reason| reason.trim().to_owned());
    Ok(Status {
        system: which(landing.is_some(), journal.as_ref()),
        hostname: system::hostname()?,
        os: OsRelease::parse(&os).pretty_name,
        kernel: kernel.release,
        boot_id: system::boot_id()?,
        uptime_ms: crate::reporter::uptime_ms(),
        gave_up: reason.is_some() || stage == Some(Stage::Stuck),
        failure: reason.or_else(|| journal.as_ref()?.failure.clone()),
        step: plan
            .zip(journal.as_ref())
            .and_then(|(plan, journal)| StepShown::of(plan, journal)),
        origin: run.as_deref().and_then(origin),
        live: run.as_deref().is_some_and(crate::order::is_at_work),
        run,
        selector_state: landing.and_then(|landing| landing.state),
        journal,
    })
}

/// Who began `run`, as far as the node knows.
pub(crate) fn origin(run: &str) -> Option<String> {
    let staged = || {
        let bundles = crate::kept::bundles().into_iter();
        let mut ours = bundles.filter(|(_, bundle)| bundle.plan.run == run);
        ours.next().map(|(_, bundle)| bundle.origin)
    };
    let on_landing = with_landing(|root| Ok(root.read_text(places::ORIGIN)?));
    let on_landing = on_landing.ok().flatten().flatten();
    on_landing
        .map(|line| line.trim().to_owned())
        .or_else(staged)
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

/// Reads the landing partition, if there is one, without changing it. A file system that was
/// never made to its end tells nothing.
pub(crate) fn landing() -> Result<Option<Landing>> {
    let Some(partition) = landing_partition()? else {
        return Ok(None);
    };
    let device = PathBuf::from(&partition.device);
    let journal = Ledger::open(&device, partition.size().bytes())?.journal();
    let on_it = with_landing(|root| {
        let plan = read_plan(&root.path().join(places::PLAN)).ok();
        let state = crate::selector::read_state(root.path());
        Ok((plan, state.map(|state| state.values().0.to_owned())))
    });
    let (plan, state) = on_it.ok().flatten().unwrap_or_default();
    Ok(Some(Landing {
        journal,
        plan,
        state,
    }))
}

/// Reads something from the landing file system, if there is one, wherever it is mounted.
pub(crate) fn with_landing<T>(read: impl FnOnce(&Root) -> Result<T>) -> Result<Option<T>> {
    let Some(partition) = landing_partition()? else {
        return Ok(None);
    };
    let (root, mounted) = mounted_at(Path::new(&partition.device), &partition.device)?;
    let found = Root::open(&root)
        .map_err(anyhow::Error::from)
        .and_then(|root| read(&root));
    if mounted {
        mount::unmount(&root)?;
        std::fs::remove_dir(&root)?;
    }
    found.map(Some)
}

/// The partition that a run has borrowed.
fn landing_partition() -> Result<Option<Partition>> {
    let disks = crate::facts::gather_disks()?;
    Ok(crate::facts::landing_partition(&disks).cloned())
}

/// Where the landing file system is mounted, and whether it was mounted just now.
fn mounted_at(device: &Path, name: &str) -> Result<(PathBuf, bool)> {
    let by_device = mountinfo::read_mountinfo()?
        .into_iter()
        .find(|mount| crate::facts::device_of(mount) == name);
    if let Some(mount) = by_device {
        return Ok((mount.mount_point, false));
    }
    let root = PathBuf::from(format!("/run/jump-status-{}", std::process::id()));
    DirBuilder::new()
        .mode(0o700)
        .create(&root)
        .with_context(|| format!("cannot make {}", root.display()))?;
    if let Err(error) = crate::landing::mount_ext4(device, &root, MsFlags::MS_RDONLY) {
        std::fs::remove_dir(&root)?;
        return Err(error);
    }
    Ok((root, true))
}
