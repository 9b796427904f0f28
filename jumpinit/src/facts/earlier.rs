//! What an earlier jump has left on this node.

use std::path::Path;

use jumpspec::facts::{Disk, Extent, JumpInProgress, Partition, UNKNOWN, UNRECOGNISED};
use jumpspec::journal::Journal;
use jumpspec::plan::LANDING_LABEL;
use jumpsys::mountinfo;

use super::disks;
use crate::ledger::Ledger;

/// A run that is not over, by the journal on the partition that it has borrowed. While the landing
/// file system is mounted or the boot sector leads to the selector it is under way, wherever its
/// admin host went.
pub(crate) fn jump_in_progress(disks: &[Disk]) -> Option<JumpInProgress> {
    let (disk, partition) = landing(disks)?;
    let journal = journal_of(partition)?;
    let armed = disk.loader.as_ref().is_some_and(|loader| {
        let at_selector = |area: &Extent| {
            loader
                .kernel_sector
                .is_some_and(|sector| sector > area.start)
        };
        loader.grub && loader.area.as_ref().is_some_and(at_selector)
    });
    Some(JumpInProgress {
        live: crate::order::is_at_work(&journal.run) || is_mounted(&partition.device),
        armed,
        origin: crate::status::origin(&journal.run),
        landing: Some(partition.device.clone()),
        swap: journal.swap,
        run: journal.run,
        stage: Some(journal.stage),
    })
}

/// The partition that a run has borrowed.
pub(crate) fn landing_partition(disks: &[Disk]) -> Option<&Partition> {
    landing(disks).map(|(_, partition)| partition)
}

/// With its disk: known by a journal that was written for this very disk, which a copy of the disk
/// was not; or else by our label. A cut may have left the journal without a file system.
fn landing(disks: &[Disk]) -> Option<(&Disk, &Partition)> {
    let all = || {
        disks
            .iter()
            .flat_map(|disk| disk.partitions.iter().map(move |it| (disk, it)))
    };
    all()
        .find(|(disk, partition)| written_for(disk, partition))
        .or_else(|| all().find(|(_, partition)| is_labelled(partition)))
}

fn journal_of(partition: &Partition) -> Option<Journal> {
    Ledger::look(Path::new(&partition.device), partition.size().bytes())
}

fn is_labelled(partition: &Partition) -> bool {
    let label = partition
        .content
        .as_ref()
        .and_then(|it| it.label.as_deref());
    label == Some(LANDING_LABEL)
}

/// Whether it has our label, or is what a cut leaves between wiping and the end of mkfs.
fn may_be_ours(partition: &Partition) -> bool {
    let unfinished = |kind: &str| matches!(kind, UNKNOWN | UNRECOGNISED);
    let content = partition.content.as_ref();
    content.is_none_or(|content| unfinished(&content.kind)) || is_labelled(partition)
}

/// Whether the journal on it was written for this very disk.
fn written_for(disk: &Disk, partition: &Partition) -> bool {
    let journal = journal_of(partition).filter(|_| may_be_ours(partition));
    journal.is_some_and(|journal| journal.disk == disk.identities)
}

/// Whether a run that is not over has borrowed `partition` of `disk`: what it holds may go.
pub(crate) fn is_borrowed(disk: &Disk, partition: &Partition) -> bool {
    is_labelled(partition) || written_for(disk, partition)
}

fn is_mounted(device: &str) -> bool {
    let mounts = mountinfo::read_mountinfo().unwrap_or_default();
    mounts.iter().any(|mount| disks::canonical(mount) == device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::facts::{Content, DiskIdentity};
    use jumpspec::plan::Swap;

    const MIB: u64 = 1 << 20;

    fn disk(serial: &str, device: &Path, content: Option<&str>) -> Disk {
        let content = content.map(|kind| Content {
            kind: kind.to_owned(),
            uuid: None,
            label: None,
        });
        let partition = Partition {
            number: 2,
            device: device.display().to_string(),
            start: 2048,
            sectors: 4 * MIB / 512,
            type_code: "0x82".to_owned(),
            partuuid: None,
            name: None,
            bootable: false,
            content,
            swap_active: false,
            holders: Vec::new(),
            links: Vec::new(),
        };
        Disk {
            name: serial.to_owned(),
            device: format!("/dev/{serial}"),
            identities: vec![DiskIdentity::Serial(serial.to_owned())],
            sectors: 1 << 20,
            logical_sector: 512,
            model: None,
            table: None,
            partitions: vec![partition],
            kernel_partitions: None,
            content: None,
            loader: None,
            links: Vec::new(),
        }
    }

    fn swap() -> Swap {
        Swap {
            uuid: "22222222-0000-4000-8000-000000000002".to_owned(),
            label: Some("swap0".to_owned()),
            options: "sw".to_owned(),
        }
    }

    /// A partition that a run on the disk `serial` has begun to wipe, as a file.
    fn wiped(scratch: &Path, name: &str, serial: &str) -> std::path::PathBuf {
        let path = scratch.join(name);
        std::fs::write(&path, vec![0; usize::try_from(4 * MIB).unwrap()]).unwrap();
        let identities = [DiskIdentity::Serial(serial.to_owned())];
        let journal = Journal {
            swap: Some(swap()),
            ..Journal::new(&jumpspec::run_id::RunId::new(0xaa), &identities)
        };
        Ledger::open(&path, 4 * MIB)
            .unwrap()
            .write(&journal)
            .unwrap();
        path
    }

    #[test]
    fn a_landing_partition_without_a_file_system_is_known_by_its_journal() {
        let scratch = tempfile::tempdir().unwrap();
        let path = wiped(scratch.path(), "wiped", "A");
        for content in [None, Some(UNKNOWN), Some(UNRECOGNISED)] {
            let disks = [disk("A", &path, content)];
            let jump = jump_in_progress(&disks).unwrap();
            assert_eq!((jump.swap, jump.live), (Some(swap()), false));
            assert!(is_borrowed(&disks[0], &disks[0].partitions[0]));
        }
        // Whoever made something of it since does not have it taken away.
        for kind in ["swap", "ext4"] {
            assert!(jump_in_progress(&[disk("A", &path, Some(kind))]).is_none());
        }
    }

    #[test]
    fn a_copy_of_the_disk_is_not_taken_for_it() {
        let scratch = tempfile::tempdir().unwrap();
        let copied = wiped(scratch.path(), "copy", "A");
        let path = wiped(scratch.path(), "original", "A");
        let disks = [disk("B", &copied, None), disk("A", &path, None)];
        let found = landing_partition(&disks).unwrap();
        assert_eq!(found.device, path.display().to_string());
        assert!(!is_borrowed(&disks[0], &disks[0].partitions[0]));
    }
}
