//! Which of the three systems this is and how far a run has come. Only reads.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::journal::{Journal, Stage};
use jumpspec::manifest::OsRelease;
use jumpspec::places;
use jumpspec::plan::{LANDING_LABEL, Plan};
use jumpspec::status::{Status, System};
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
    Ok(Status {
        system: which(landing.is_some(), journal.as_ref()),
        hostname: system::hostname()?,
        os: OsRelease::parse(&os).pretty_name,
        kernel: kernel.release,
        boot_id: system::boot_id()?,
        uptime_ms: crate::reporter::uptime_ms(),
        run: journal.as_ref().map(|journal| journal.run.clone()),
        failure: journal.as_ref().and_then(|journal| journal.failure.clone()),
        selector_state: landing.and_then(|landing| landing.state),
        journal,
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

/// Reads the landing partition, if there is one, without changing it.
pub(crate) fn landing() -> Result<Option<Landing>> {
    let disks = crate::facts::gather_disks()?;
    let labelled = |partition: &&jumpspec::facts::Partition| {
        partition
            .content
            .as_ref()
            .and_then(|content| content.label.as_deref())
            == Some(LANDING_LABEL)
    };
    let Some(partition) = disks
        .iter()
        .flat_map(|disk| &disk.partitions)
        .find(labelled)
    else {
        return Ok(None);
    };
    let device = PathBuf::from(&partition.device);
    let journal = Ledger::open(&device, partition.size().bytes())?.journal();
    let (root, mounted) = mounted_at(&device, &partition.device)?;
    let plan = read_plan(&root.join(places::PLAN)).ok();
    let state = crate::selector::read_state(&root).map(|state| state.values().0.to_owned());
    if mounted {
        mount::unmount(&root)?;
        std::fs::remove_dir(&root)?;
    }
    Ok(Some(Landing {
        journal,
        plan,
        state,
    }))
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
    crate::landing::mount_ext4(device, &root, MsFlags::MS_RDONLY)?;
    Ok((root, true))
}
