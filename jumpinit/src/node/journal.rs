//! The journal on the landing partition, as values.

use std::path::Path;

use anyhow::{Context as _, Result};
use jumpspec::run::journal::{Journal, RESERVED_BYTES};
use jumpsys::journal_slots::SlotPair;

/// The journal's two slots.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// None where the partition is not there.
    slots: Option<SlotPair>,
    journal: Option<Journal>,
}

impl Ledger {
    /// That of a partition which is not there: it says nothing, and cannot be written.
    pub(crate) fn absent() -> Self {
        Self {
            slots: None,
            journal: None,
        }
    }

    /// Opens the journal at the end of the landing partition of `bytes` bytes.
    pub(crate) fn open(device: &Path, bytes: u64) -> Result<Self> {
        let offset = bytes
            .checked_sub(RESERVED_BYTES)
            .context("the landing partition is smaller than its journal")?;
        let slots = SlotPair::open(device, offset)?;
        let newest = slots.read_newest()?;
        let journal = newest.and_then(|entry| serde_json::from_slice(&entry.payload).ok());
        Ok(Self {
            slots: Some(slots),
            journal,
        })
    }

    /// What a journal at the end of a partition of `bytes` bytes says, if there is one. Writes
    /// nothing, whatever the partition is.
    pub(crate) fn look(device: &Path, bytes: u64) -> Option<Journal> {
        let offset = bytes.checked_sub(RESERVED_BYTES)?;
        let slots = SlotPair::open_to_read(device, offset).ok()?;
        let newest = slots.read_newest().ok()??;
        serde_json::from_slice(&newest.payload).ok()
    }

    /// What the journal says, if it says anything valid.
    pub(crate) fn journal(&self) -> Option<Journal> {
        self.journal.clone()
    }

    /// Writes a new state and reads it back.
    pub(crate) fn write(&mut self, journal: &Journal) -> Result<()> {
        let payload = journal.to_bytes()?;
        let slots = self
            .slots
            .as_mut()
            .context("the landing partition is not there")?;
        slots.write(&payload).context("cannot write the journal")?;
        self.journal = Some(journal.clone());
        Ok(())
    }

    /// Makes both slots invalid, on disk, and closes them: the partition may go.
    pub(crate) fn clear(&mut self) -> Result<()> {
        if let Some(slots) = &mut self.slots {
            slots.clear().context("cannot clear the journal")?;
        }
        *self = Self::absent();
        Ok(())
    }
}
