//! What a run keeps on the EFI system partition when its jump system lies in memory: a directory that is
//! laid out as a landing file system is. Only reads.

use std::path::Path;

use anyhow::Result;
use jumpspec::disk::table::GPT_ESP;
use jumpspec::disk::{Disk, FoundPartition};
use jumpspec::places;
use jumpspec::run::journal::{Journal, RESERVED_BYTES};

use crate::node::journal::Ledger;
use crate::node::mounted::with_mounted;

const FAT: &str = "vfat";

/// The journal in the directory `kept`, if there is one.
pub(crate) fn ledger(kept: &Path) -> Result<Ledger> {
    let file = kept.join(places::JOURNAL_ON_ESP);
    if file.exists() {
        Ledger::open(&file, RESERVED_BYTES)
    } else {
        Ok(Ledger::absent())
    }
}

/// The partition that has such a directory, and its journal, which was written for this very disk.
pub(crate) fn find(disks: &[Disk]) -> Option<(&FoundPartition, Journal)> {
    let mut all = disks
        .iter()
        .flat_map(|disk| disk.partitions.iter().map(move |it| (disk, it)));
    all.find_map(|(disk, partition)| {
        let journal = look(partition)?;
        (journal.disk == disk.identities).then_some((partition, journal))
    })
}

fn look(partition: &FoundPartition) -> Option<Journal> {
    if partition.type_code != GPT_ESP {
        return None;
    }
    let journal = with_mounted(&partition.device, FAT, |root| {
        let file = root
            .path()
            .join(places::ON_ESP)
            .join(places::JOURNAL_ON_ESP);
        Ok(Ledger::look(&file, RESERVED_BYTES))
    });
    journal.ok().flatten()
}
