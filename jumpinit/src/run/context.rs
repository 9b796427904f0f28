//! What every step needs: the plan, the journal, where the landing file system is, and
//! where to tell.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jumpspec::boot::uefi::UefiBoot;
use jumpspec::disk::{Disk, SECTOR};
use jumpspec::places;
use jumpspec::plan::{Plan, PlannedLanding};
use jumpspec::run::failure::Code;
use jumpspec::run::journal::Journal;
use jumpspec::run::task::Task;
use jumpspec::step::{Stage, Step};
use jumpsys::disk::blockdev::partition_path;
use jumpsys::files::root::Root;

use crate::node::cause::Cause;
use crate::node::disk::find;
use crate::node::journal::Ledger;
use crate::node::keeper;
use crate::run::kept;
use crate::run::reporter::Reporter;

/// What a step works with.
pub(crate) struct Context {
    /// The plan.
    pub(crate) plan: Plan,
    /// The planned disk as it is called now.
    pub(crate) disk: PathBuf,
    /// The disk that the landing partition lies on, as it is called now.
    pub(crate) landing_disk: PathBuf,
    /// The same of the EFI system partition, on a node with a UEFI.
    esp_disk: Option<PathBuf>,
    /// The landing file system's root, where it is mounted; or the jump system's root in memory.
    pub(crate) landing: PathBuf,
    /// Where what outlives a boot of the jump system is, laid out as a landing file system: that, or a
    /// directory of a partition that stays as it is; or, where nothing does, the jump system's root in memory.
    kept: PathBuf,
    /// The admin host's directory, on the old system.
    work: Option<PathBuf>,
    /// Where to tell.
    pub(crate) reporter: Reporter,
    ledger: Ledger,
    journal: Journal,
    journal_found: bool,
    is_recording: bool,
    begun: Instant,
    limit: Option<Duration>,
}

impl Context {
    /// Finds the disks of the plan and reads the journal.
    ///
    /// # Errors
    /// When no disk, or more than one, is a planned one, or the journal of this run was
    /// written for another disk.
    pub(crate) fn new(plan: Plan, landing: PathBuf, reporter: Reporter) -> Result<Self> {
        let disk = find(plan.disk.wanted())?;
        let landing_disk = find(plan.landing_disk())?;
        let esp_disk = plan.esp_disk().map(find).transpose()?;
        let kept = match plan.landing.keeper() {
            Some(keeper) => {
                let device = partition_path(&landing_disk, plan.landing.number);
                kept::mounted(keeper, &device)?
            }
            None => landing.clone(),
        };
        let ledger = open_ledger(&plan.landing, &landing_disk, &kept)?;
        let journal = ledger.journal().filter(|journal| journal.run == plan.run);
        ensure!(
            journal
                .as_ref()
                .is_none_or(|journal| journal.disk == plan.landing_disk().identities),
            Cause::new(
                Code::DiskChanged,
                format!(
                    "the journal of run {} was written for another disk than {}",
                    plan.run,
                    landing_disk.display()
                )
            )
        );
        let journal_found = journal.is_some();
        let journal = journal.unwrap_or_else(|| Journal {
            swap: plan.landing.swap().cloned(),
            made: plan.landing.is_made(),
            ..Journal::new(&plan.run, plan.landing_disk().identities)
        });
        let mut reporter = reporter;
        reporter.enter(journal.stage);
        Ok(Self {
            plan,
            disk,
            landing_disk,
            esp_disk,
            landing,
            kept,
            work: None,
            reporter,
            ledger,
            journal,
            journal_found,
            is_recording: true,
            begun: Instant::now(),
            limit: None,
        })
    }

    /// Gives it the admin host's work directory.
    pub(crate) fn with_work(self, work: &Path) -> Self {
        Self {
            work: Some(work.to_owned()),
            ..self
        }
    }

    /// The admin host's work directory.
    ///
    /// # Errors
    /// Away from the old system, which alone has one.
    pub(crate) fn work(&self) -> Result<&Path> {
        let work = self.work.as_deref();
        work.context("a step of the old system is carried out on another")
    }

    /// The device of partition `number` of the planned disk.
    pub(crate) fn partition(&self, number: u32) -> PathBuf {
        partition_path(&self.disk, number)
    }

    /// The landing partition's device.
    pub(crate) fn landing_device(&self) -> PathBuf {
        partition_path(&self.landing_disk, self.plan.landing.number)
    }

    /// The EFI system partition's device.
    pub(crate) fn esp_device(&self, uefi: &UefiBoot) -> PathBuf {
        let disk = self.esp_disk.as_ref().unwrap_or(&self.disk);
        partition_path(disk, uefi.esp.number)
    }

    /// Whether there is a landing partition: one that is made for the run comes and goes, as does what
    /// stands for one on a partition that stays.
    pub(crate) fn has_landing(&self) -> bool {
        if self.plan.landing.is_in_memory() {
            self.kept.join(places::KEPT_JOURNAL).exists()
        } else {
            is_there(&self.plan.landing, &self.landing_disk)
        }
    }

    /// The landing partition's disk with its partitions, read anew.
    pub(crate) fn read_landing_disk(&self) -> Result<Disk> {
        crate::node::disk::read(&self.landing_disk)
    }

    /// The landing file system's root directory.
    pub(crate) fn landing_root(&self) -> Result<Root> {
        Ok(Root::open(&self.landing)?)
    }

    /// The path of `place` (see [`jumpspec::places`]) on the landing file system.
    pub(crate) fn on_landing(&self, place: &str) -> PathBuf {
        self.landing.join(place.trim_start_matches('/'))
    }

    /// The root directory of what outlives a boot of the jump system.
    pub(crate) fn kept_root(&self) -> Result<Root> {
        Ok(Root::open(&self.kept)?)
    }

    /// The path of `place` in there.
    pub(crate) fn on_kept(&self, place: &str) -> PathBuf {
        self.kept.join(place.trim_start_matches('/'))
    }

    /// What is left of `limit`, which began with this program's work.
    pub(crate) fn left(&self, limit: Duration) -> Duration {
        limit.saturating_sub(self.begun.elapsed())
    }

    /// Whether the limit, if there is one, leaves time for `step`.
    ///
    /// # Errors
    /// When it is over.
    pub(crate) fn ensure_on_time(&self, step: &Step) -> Result<()> {
        let Some(limit) = self.limit else {
            return Ok(());
        };
        let on_time = !self.left(limit).is_zero();
        let why = || {
            format!(
                "{}: it did not come to {}",
                too_long(limit),
                Task::from(step)
            )
        };
        ensure!(on_time, Cause::new(Code::TooLong, why()));
        Ok(())
    }

    /// No step begins when `limit` is over, and what a step runs may take no more than its rest.
    pub(crate) fn limit_to(&mut self, limit: Duration) {
        self.limit = Some(limit);
    }

    /// How long something may take that has `most` by itself.
    pub(crate) fn at_most(&self, most: Duration) -> Duration {
        self.limit.map_or(most, |limit| most.min(self.left(limit)))
    }

    /// Whether a journal of this run was there.
    pub(crate) fn is_journal_found(&self) -> bool {
        self.journal_found
    }

    /// How far the run has come.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Enters a stage, at its first step.
    pub(crate) fn enter(&mut self, stage: Stage) -> Result<()> {
        self.reporter.enter(stage);
        self.record(Journal {
            stage,
            step: 0,
            done: false,
            failure: None,
            ..self.journal.clone()
        })
    }

    /// From here on the journal is not written: its place may be somebody else's.
    pub(crate) fn stop_recording(&mut self) {
        self.is_recording = false;
    }

    /// Writes `journal` as the run's state.
    pub(crate) fn record(&mut self, journal: Journal) -> Result<()> {
        if self.is_recording {
            self.ledger.write(&journal)?;
        }
        self.journal = journal;
        Ok(())
    }

    /// Reads the journal again, which another process may have written.
    pub(crate) fn reread(&mut self) -> Result<()> {
        self.ledger = open_ledger(&self.plan.landing, &self.landing_disk, &self.kept)?;
        let ours = |journal: &Journal| journal.run == self.plan.run;
        if let Some(journal) = self.ledger.journal().filter(ours) {
            self.journal = journal;
        }
        Ok(())
    }

    /// Makes the journal invalid and closes it: nothing of a jump is under way any more.
    pub(crate) fn forget(&mut self) -> Result<()> {
        self.ledger.clear()
    }
}

fn open_ledger(landing: &PlannedLanding, disk: &Path, kept: &Path) -> Result<Ledger> {
    if landing.is_in_memory() {
        return keeper::ledger(kept);
    }
    if !is_there(landing, disk) {
        return Ok(Ledger::absent());
    }
    let device = partition_path(disk, landing.number);
    Ledger::open(&device, landing.sectors * SECTOR)
}

fn is_there(landing: &PlannedLanding, disk: &Path) -> bool {
    !landing.is_made() || partition_path(disk, landing.number).exists()
}

/// That the jump system's work is over its limit.
pub(crate) fn too_long(limit: Duration) -> String {
    format!(
        "replacing the old system took longer than {} s ([wait] replace)",
        limit.as_secs()
    )
}
