//! What every step needs: the plan, the journal, where the landing file system is, and
//! where to tell.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::event::What;
use jumpspec::facts::{Disk, SECTOR};
use jumpspec::journal::{Journal, Stage};
use jumpspec::plan::Plan;
use jumpspec::step::Step;
use jumpsys::root::Root;

use crate::disk::find;
use crate::ledger::Ledger;
use crate::reporter::{Reporter, uptime_ms};

/// What a step works with.
pub(crate) struct Context {
    /// The plan.
    pub(crate) plan: Plan,
    /// The planned disk as it is called now.
    pub(crate) disk: PathBuf,
    /// The landing file system's root, where it is mounted.
    pub(crate) landing: PathBuf,
    /// The work directory on the old system; unused elsewhere.
    pub(crate) work: PathBuf,
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
    /// Finds the planned disk and reads the journal.
    ///
    /// # Errors
    /// When no disk, or more than one, is the planned one, or the journal of this run was
    /// written for another disk.
    pub(crate) fn new(
        plan: Plan,
        landing: PathBuf,
        work: PathBuf,
        reporter: Reporter,
    ) -> Result<Self> {
        let disk = find(&plan.disk)?;
        let device = jumpsys::blockdev::partition_path(&disk, plan.landing.number);
        let ledger = Ledger::open(&device, plan.landing.sectors * SECTOR)?;
        let journal = ledger.journal().filter(|journal| journal.run == plan.run);
        ensure!(
            journal
                .as_ref()
                .is_none_or(|journal| journal.disk == plan.disk.identities),
            "the journal of run {} was written for another disk than {}",
            plan.run,
            disk.display()
        );
        let journal_found = journal.is_some();
        let journal = journal.unwrap_or_else(|| Journal {
            swap: plan.landing.swap.clone(),
            ..Journal::new(&plan.run, &plan.disk.identities)
        });
        let mut reporter = reporter;
        reporter.enter(journal.stage);
        Ok(Self {
            plan,
            disk,
            landing,
            work,
            reporter,
            ledger,
            journal,
            journal_found,
            is_recording: true,
            begun: Instant::now(),
            limit: None,
        })
    }

    /// The device of partition `number` of the planned disk.
    pub(crate) fn partition(&self, number: u32) -> PathBuf {
        jumpsys::blockdev::partition_path(&self.disk, number)
    }

    /// The landing partition's device.
    pub(crate) fn landing_device(&self) -> PathBuf {
        self.partition(self.plan.landing.number)
    }

    /// The planned disk with its partitions, read anew.
    pub(crate) fn read_disk(&self) -> Result<Disk> {
        crate::disk::read(&self.disk)
    }

    /// The landing file system's root directory.
    pub(crate) fn landing_root(&self) -> Result<Root> {
        Ok(Root::open(&self.landing)?)
    }

    /// The path of `place` (see [`jumpspec::places`]) on the landing file system.
    pub(crate) fn on_landing(&self, place: &str) -> PathBuf {
        self.landing.join(place.trim_start_matches('/'))
    }

    /// What is left of `limit`, which began with this program's work.
    pub(crate) fn left(&self, limit: Duration) -> Duration {
        limit.saturating_sub(self.begun.elapsed())
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
        let bytes = self.plan.landing.sectors * SECTOR;
        self.ledger = Ledger::open(&self.landing_device(), bytes)?;
        let ours = |journal: &Journal| journal.run == self.plan.run;
        if let Some(journal) = self.ledger.journal().filter(ours) {
            self.journal = journal;
        }
        Ok(())
    }

    /// Makes the journal invalid: nothing of a jump is under way any more.
    pub(crate) fn forget(&mut self) -> Result<()> {
        self.ledger.clear()
    }

    /// Carries out all of a stage's steps.
    pub(crate) fn carry_out_all(&mut self, steps: &[Step]) -> Result<()> {
        steps
            .iter()
            .enumerate()
            .try_for_each(|(index, step)| self.carry_out(index, step))
    }

    /// Carries out one step: journalled before and after, told, timed.
    pub(crate) fn carry_out(&mut self, index: usize, step: &Step) -> Result<()> {
        let words = step.to_string();
        if let Some(limit) = self.limit {
            let on_time = !self.left(limit).is_zero();
            ensure!(on_time, "{}: it did not come to {words}", too_long(limit));
        }
        let journalled = crate::apply::is_journalled(step);
        let index = u32::try_from(index).context("too many steps")?;
        if journalled {
            self.record(Journal {
                step: index,
                done: false,
                ..self.journal.clone()
            })?;
        }
        let begun = uptime_ms();
        self.reporter.tell(What::Begin {
            step: words.clone(),
        });
        crate::apply::apply(step, self).with_context(|| format!("could not {words}"))?;
        if journalled {
            self.record(Journal {
                step: index,
                done: true,
                ..self.journal.clone()
            })?;
        }
        self.reporter.tell(What::Done {
            step: words,
            millis: uptime_ms().saturating_sub(begun),
        });
        Ok(())
    }
}

/// That the jump system's work is over its limit.
pub(crate) fn too_long(limit: Duration) -> String {
    format!(
        "replacing the old system took longer than {} s ([wait] replace)",
        limit.as_secs()
    )
}

/// Reads a plan.
pub(crate) fn read_plan(path: &Path) -> Result<Plan> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let plan: Plan = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a plan", path.display()))?;
    if plan.format != jumpspec::plan::FORMAT {
        bail!(
            "{} has plan format {}; this program knows {}",
            path.display(),
            plan.format,
            jumpspec::plan::FORMAT
        );
    }
    Ok(plan)
}
