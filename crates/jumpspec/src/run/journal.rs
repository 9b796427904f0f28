//! The journal: how far a run has come. One value, kept in two checksummed slots on
//! the landing partition; the highest valid one counts.

use serde::{Deserialize, Serialize};

use crate::disk::{DiskIdentity, Swap};
use crate::run::failure::{self, Code, Failure};
use crate::step::Stage;
use crate::words::run_id::RunId;

/// When an arm was made, and whether the reboot that it is for was ordered. Kept in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// The boot that it was made in, as [`crate::plan::Plan::boot_id`].
    pub boot_id: String,
    /// Milliseconds since that boot, as in [`crate::run::event::Event::uptime_ms`].
    pub uptime_ms: u64,
    /// Whether an admin host has ordered the reboot.
    pub ordered: bool,
}

/// Bytes at the end of the landing partition that no file system uses: the journal's
/// slots lie at their start. One MiB keeps what follows aligned.
pub const RESERVED_BYTES: u64 = 1 << 20;

/// Bytes of one of the journal's two slots.
pub const SLOT: usize = 4096;
/// Bytes of a slot that tell its order and that it is whole.
pub const SLOT_HEADER: usize = 24;
/// The longest journal in bytes.
pub const LONGEST: usize = SLOT - SLOT_HEADER;
/// Bytes that a failure has in a journal at the least, whatever else stands there.
const LEAST_FAILURE: usize = 256;

/// Where in the reserved bytes the sector is that keeps the key of the sealed files: behind the
/// journal's two slots, in a block of its own.
pub const KEY_OFFSET: u64 = 2 * SLOT as u64;

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
    /// Why the last attempt failed.
    #[serde(default, deserialize_with = "failure::or_words")]
    pub failure: Option<Failure>,
    /// The arm, once there was one.
    #[serde(default)]
    pub arm: Option<Arm>,
    /// Whether the firmware was told to boot the jump system by its own order, which it has to be seen
    /// to follow before the commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub followed: bool,
    /// The swap that the landing partition was and becomes again: nothing else knows it once its
    /// signature is wiped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<Swap>,
    /// Whether the landing partition was made for the run, and is removed at its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made: bool,
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
            followed: false,
            swap: None,
            made: false,
        }
    }

    /// As a slot holds it. A failure is cut to the room that all else leaves.
    ///
    /// # Errors
    /// When serde fails. What is longer than [`LONGEST`] without a failure is not cut.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut journal = self.clone();
        loop {
            let bytes = serde_json::to_vec(&journal)?;
            let excess = bytes.len().saturating_sub(LONGEST);
            match &mut journal.failure {
                // A letter takes up to six bytes in JSON.
                Some(failure) if excess > 0 && failure.length() > 0 => {
                    failure.shorten(excess / 6 + 1);
                }
                _ => return Ok(bytes),
            }
        }
    }

    /// By how many bytes the journal of a run on `disk`, armed in the boot `boot_id`, which gives
    /// back `swap`, can become longer than a slot holds; 0 if it fits.
    pub fn excess(run: &RunId, disk: &[DiskIdentity], boot_id: &str, swap: Option<&Swap>) -> usize {
        let longest = Self {
            stage: Stage::Replace,
            step: u32::MAX,
            tries: u32::MAX,
            failure: Some(Failure::new(
                Code::ProgramMissing,
                "x".repeat(LEAST_FAILURE),
            )),
            arm: Some(Arm {
                boot_id: boot_id.to_owned(),
                uptime_ms: u64::MAX,
                ordered: false,
            }),
            swap: swap.cloned(),
            made: true,
            ..Self::new(run, disk)
        };
        let bytes = serde_json::to_vec(&longest).map_or(usize::MAX, |bytes| bytes.len());
        bytes.saturating_sub(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(failure: &str) -> Journal {
        Journal {
            failure: Some(Failure::new(Code::NoRoom, failure)),
            ..Journal::new(&RunId::new(7), &[])
        }
    }

    #[test]
    fn a_failure_is_cut_to_the_room_that_there_is() {
        for text in ["x", "\u{1b}", "\"", "ä"] {
            let bytes = journal(&text.repeat(9000)).to_bytes().unwrap();
            assert!((LONGEST - 8..=LONGEST).contains(&bytes.len()), "{text:?}");
            let read: Journal = serde_json::from_slice(&bytes).unwrap();
            assert!(read.failure.unwrap().error.starts_with(text));
        }
        let short = journal("no such luck");
        let read: Journal = serde_json::from_slice(&short.to_bytes().unwrap()).unwrap();
        assert_eq!(read, short);
    }

    #[test]
    fn what_is_too_long_without_a_failure_is_known_before() {
        let swap = |options: usize| Swap {
            uuid: "22222222-0000-4000-8000-000000000002".to_owned(),
            label: None,
            options: "x".repeat(options),
        };
        let excess = |options| Journal::excess(&RunId::new(7), &[], "boot", Some(&swap(options)));
        assert_eq!(excess(100), 0);
        assert_eq!(excess(5000) - excess(4500), 500);
    }
}
