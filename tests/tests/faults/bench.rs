//! Where a row is tried: makes nodes for it, and keeps what was seen of them.

use std::sync::Mutex;

use anyhow::{Context as _, Result, ensure};
use jumplab::experiments::faults::{End, MUTANT, Record, Row, row_of, write};
use jumplab::small::{Checkpoint, SmallWorld};
use jumplab::vm::Table;
use jumpspec::words::digest::Digest;

use crate::edit;
use crate::lab::{Lab, Seen};

/// A world, made by the test that comes first.
type World = Mutex<Option<SmallWorld>>;

static WORLD: World = Mutex::new(None);
static WITHOUT_SWAP: World = Mutex::new(None);
static WITH_UEFI: World = Mutex::new(None);
static IN_MEMORY: World = Mutex::new(None);
static IN_BOOT: World = Mutex::new(None);

fn world(world: &World, make: fn() -> Result<SmallWorld>) -> Result<SmallWorld> {
    let mut world = world
        .lock()
        .map_err(|_| anyhow::anyhow!("the world is lost"))?;
    if let Some(world) = &*world {
        return Ok(world.clone());
    }
    Ok(world.insert(make()?).clone())
}

/// A test of a row.
pub(crate) struct Bench {
    test: &'static str,
    row: &'static Row,
    world: SmallWorld,
    records: Vec<Record>,
}

impl Bench {
    /// The bench of the test `test`, whose name is `row_NN_…`.
    pub(crate) fn new(test: &'static str) -> Result<Self> {
        let number = test.strip_prefix("row_").and_then(|rest| rest.get(..2));
        let number = number.and_then(|number| number.parse().ok());
        let row = number.and_then(row_of);
        Ok(Self {
            test,
            row: row.with_context(|| format!("{test} names no row"))?,
            world: world(&WORLD, SmallWorld::prepare)?,
            records: Vec::new(),
        })
    }

    /// Tries the row and keeps what was seen, whatever came of it.
    pub(crate) fn run(mut self, test: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let done = test(&mut self);
        let kept = write(self.test, &self.records);
        done.and(kept)
    }

    /// A node at `checkpoint`, for the fault that is called so.
    pub(crate) fn node(&self, checkpoint: Checkpoint, fault: &str) -> Result<Lab> {
        self.node_of(&self.world, checkpoint, fault)
    }

    /// One that lends no swap: its landing partition is made.
    pub(crate) fn node_without_swap(&self, checkpoint: Checkpoint, fault: &str) -> Result<Lab> {
        let world = world(&WITHOUT_SWAP, SmallWorld::prepare_without_swap)?;
        self.node_of(&world, checkpoint, fault)
    }

    /// One that boots by a UEFI.
    pub(crate) fn node_with_uefi(&self, checkpoint: Checkpoint, fault: &str) -> Result<Lab> {
        let world = world(&WITH_UEFI, || SmallWorld::prepare_on(Table::SmallEfi))?;
        self.node_of(&world, checkpoint, fault)
    }

    /// One whose jump system lies in memory.
    pub(crate) fn node_in_memory(&self, checkpoint: Checkpoint, fault: &str) -> Result<Lab> {
        let make = || SmallWorld::prepare_on(Table::SmallEfiInMemory);
        let world = world(&IN_MEMORY, make)?;
        self.node_of(&world, checkpoint, fault)
    }

    /// The same where it is booted from /boot, by a BIOS.
    pub(crate) fn node_in_boot(&self, checkpoint: Checkpoint, fault: &str) -> Result<Lab> {
        let world = world(&IN_BOOT, || SmallWorld::prepare_on(Table::SmallInMemory))?;
        self.node_of(&world, checkpoint, fault)
    }

    fn node_of(&self, world: &SmallWorld, checkpoint: Checkpoint, fault: &str) -> Result<Lab> {
        let number = format!("{:02}-{}", self.row.number, self.records.len());
        // Tests of one row may run at once.
        let digest = Digest::of(self.test.as_bytes()).to_string();
        let short: String = digest.chars().take(6).collect();
        Lab::new(
            world,
            checkpoint,
            &format!("faults-{number}-{short}"),
            fault,
        )
    }

    /// A node whose next boot is the jump system.
    pub(crate) fn armed(&self, fault: &str) -> Result<Lab> {
        let lab = self.node(Checkpoint::Armed, fault)?;
        if let Some(mutant) = std::env::var_os(MUTANT) {
            edit::landing(&lab, |landing| {
                Ok(std::fs::copy(mutant, landing.join("etc/rc.local"))?)
            })?;
        }
        Ok(lab)
    }

    /// Boots the node until it has settled, which has to be at `end`.
    pub(crate) fn ends(&mut self, lab: &Lab, end: End) -> Result<Seen> {
        ensure!(
            self.row.ends.contains(&end),
            "row {} never ends so",
            self.row.number
        );
        let settled = lab.settle();
        let seen = settled.as_ref().ok();
        let right = seen.filter(|seen| seen.end == end);
        let reason = match &settled {
            Err(error) => Some(format!("{error:#}")),
            Ok(seen) => seen.reason.clone(),
        };
        self.records.push(Record {
            row: self.row.number,
            test: self.test.to_owned(),
            fault: lab.fault.clone(),
            seen: right.map(|seen| seen.end),
            ssh: seen.map(|seen| seen.ssh.as_secs_f64()),
            boots: seen.map_or(0, |seen| {
                u32::try_from(seen.booted.len()).unwrap_or(u32::MAX)
            }),
            reason,
        });
        let seen = settled.with_context(|| format!("with {}", lab.fault))?;
        ensure!(
            seen.end == end,
            "with {}: it has ended as {}, not {}: {}",
            lab.fault,
            seen.end.name(),
            end.name(),
            seen.said
        );
        Ok(seen)
    }

    /// The same, and the node tells a reason with `word` in it.
    pub(crate) fn ends_telling(&mut self, lab: &Lab, end: End, word: &str) -> Result<Seen> {
        let seen = self.ends(lab, end)?;
        let reason = seen.reason.clone().unwrap_or_default();
        ensure!(
            reason.contains(word),
            "with {}: no {word:?} in its reason: {:?}; it says {}",
            lab.fault,
            seen.reason,
            seen.said
        );
        Ok(seen)
    }

    /// What a check said, which changes nothing.
    pub(crate) fn checked(&mut self, fault: &str, end: End, reason: &str) {
        self.records.push(Record {
            row: self.row.number,
            test: self.test.to_owned(),
            fault: fault.to_owned(),
            seen: Some(end),
            ssh: None,
            boots: 0,
            reason: Some(reason.to_owned()),
        });
    }
}
