//! The journal: how far a run has come. One value, kept in two checksummed slots on
//! the landing partition; the highest valid one counts.

use serde::{Deserialize, Serialize};

use crate::disk::DiskIdentity;
use crate::plan::Swap;
use crate::run_id::RunId;

/// When an arm was made, and whether the reboot that it is for was ordered. Kept in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// The boot that it was made in, as [`crate::plan::Plan::boot_id`].
    pub boot_id: String,
    /// Milliseconds since that boot, as in [`crate::event::Event::uptime_ms`].
    pub uptime_ms: u64,
    /// Whether an admin host has ordered the reboot.
    pub ordered: bool,
}

/// Bytes at the end of the landing partition that no file system uses: the journal's
/// slots lie at their start. One MiB keeps what follows aligned.
pub const RESERVED_BYTES: u64 = 1 << 20;

/// Where in the reserved bytes the sector is that keeps the key of the sealed files: behind the
/// journal's two slots of 4 KiB, in a block of its own.
pub const KEY_OFFSET: u64 = 8 << 10;

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// On the old system: the landing partition is being filled.
    Stage,
    /// The boot sector may lead to the selector.
    Armed,
    /// The jump system runs and checks itself; it may still go back.
    Prove,
    /// The jump system is the default; the rest of the disk is being replaced.
    Replace,
    /// The new system has its tries.
    Try,
    /// The new system is the default; leftovers are being removed.
    Finish,
    /// The jump system has given up and waits, reachable.
    Stuck,
}

/// One state of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The run's id.
    pub run: RunId,
    /// What the disk is known by that this run changes.
    pub disk: Vec<DiskIdentity>,
    /// How far it has come.
    pub stage: Stage,
    /// The step that was begun last, by its index in the plan's list for this stage.
    pub step: u32,
    /// Whether that step was finished.
    pub done: bool,
    /// How often the jump system has begun to replace.
    pub tries: u32,
    /// Why the last attempt failed, one line.
    pub failure: Option<String>,
    /// The arm, once there was one.
    #[serde(default)]
    pub arm: Option<Arm>,
    /// The swap that the landing partition was and becomes again: nothing else knows it once its
    /// signature is wiped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<Swap>,
}

impl Journal {
    /// The journal of a run that has just begun.
    pub fn new(run: &RunId, disk: &[DiskIdentity]) -> Self {
        Self {
            run: run.clone(),
            disk: disk.to_vec(),
            stage: Stage::Stage,
            step: 0,
            done: false,
            tries: 0,
            failure: None,
            arm: None,
            swap: None,
        }
    }
}
