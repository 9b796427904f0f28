//! The partition that a run has borrowed, among those of the node.

use std::path::Path;

use jumpspec::disk::{Disk, FoundPartition, UNKNOWN, UNRECOGNISED};
use jumpspec::plan::LANDING_LABEL;
use jumpspec::run::journal::Journal;

use crate::node::journal::Ledger;

/// The partition that a run has borrowed.
pub(crate) fn landing_partition(disks: &[Disk]) -> Option<&FoundPartition> {
    landing(disks).map(|(_, partition)| partition)
}

/// With its disk: known by a journal that was written for this very disk, which a copy of the disk
/// was not; or else by our label. A cut may have left the journal without a file system.
pub(super) fn landing(disks: &[Disk]) -> Option<(&Disk, &FoundPartition)> {
    let all = || {
        disks
            .iter()
            .flat_map(|disk| disk.partitions.iter().map(move |it| (disk, it)))
    };
    all()
        .find(|(disk, partition)| written_for(disk, partition))
        .or_else(|| all().find(|(_, partition)| is_labelled(partition)))
}

/// The journal on it.
pub(super) fn journal_of(partition: &FoundPartition) -> Option<Journal> {
    Ledger::look(Path::new(&partition.device), partition.size().bytes())
}

fn is_labelled(partition: &FoundPartition) -> bool {
    let label = partition
        .content
        .as_ref()
        .and_then(|it| it.label.as_deref());
    label == Some(LANDING_LABEL)
}

/// Whether it has our label, or is what a cut leaves between wiping and the end of mkfs.
fn may_be_ours(partition: &FoundPartition) -> bool {
    let unfinished = |kind: &str| matches!(kind, UNKNOWN | UNRECOGNISED);
    let content = partition.content.as_ref();
    content.is_none_or(|content| unfinished(&content.kind)) || is_labelled(partition)
}

/// Whether the journal on it was written for this very disk.
fn written_for(disk: &Disk, partition: &FoundPartition) -> bool {
    let journal = journal_of(partition).filter(|_| may_be_ours(partition));
    journal.is_some_and(|journal| journal.disk == disk.identities)
}

/// Whether a run that is not over has borrowed `partition` of `disk`: what it holds may go.
pub(crate) fn is_borrowed(disk: &Disk, partition: &FoundPartition) -> bool {
    is_labelled(partition) || written_for(disk, partition)
}
