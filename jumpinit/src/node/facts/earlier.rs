//! What an earlier jump has left on this node.

use jumpspec::disk::Disk;
use jumpspec::node::facts::JumpInProgress;
use jumpspec::run::journal::Journal;
use jumpsys::files::mountinfo;

use crate::node::mounted::device_of;
use crate::node::{borrowed, keeper, lock, records};

/// A run that is not over, by the journal on the partition that it has borrowed. Whether it is under
/// way [`JumpInProgress::is_under_way`] tells.
pub(crate) fn jump_in_progress(disks: &[Disk]) -> Option<JumpInProgress> {
    if let Some((_, journal)) = records::staged_in_memory() {
        return Some(found(journal, None, true));
    }
    let Some((_, partition)) = borrowed::landing(disks) else {
        let (kept_on, journal) = keeper::find(disks)?;
        let is_staged = is_in_memory(&journal.run);
        return Some(JumpInProgress {
            kept: Some(kept_on.partition.device.clone()),
            ..found(journal, None, is_staged)
        });
    };
    let journal = borrowed::journal_of(partition)?;
    let is_mounted = is_mounted(&partition.device);
    Some(found(journal, Some(&partition.device), is_mounted))
}

fn found(journal: Journal, landing: Option<&String>, is_mounted: bool) -> JumpInProgress {
    JumpInProgress {
        live: lock::is_at_work(&journal.run) || is_mounted,
        origin: records::origin(&journal.run),
        landing: landing.cloned(),
        kept: None,
        swap: journal.swap,
        made: journal.made,
        run: journal.run,
        stage: Some(journal.stage),
    }
}

/// Whether the root of its jump system is in memory, to be packed: also between two calls.
fn is_in_memory(run: &str) -> bool {
    let root = format!("jump-{run}/landing");
    let mounts = mountinfo::read_mountinfo().unwrap_or_default();
    mounts.iter().any(|it| it.mount_point.ends_with(&root))
}

fn is_mounted(device: &str) -> bool {
    let mounts = mountinfo::read_mountinfo().unwrap_or_default();
    mounts.iter().any(|mount| device_of(mount) == device)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::node::borrowed::{is_borrowed, landing_partition};
    use crate::node::journal::Ledger;
    use jumpspec::disk::{
        Content, DiskIdentity, FoundPartition, Partition, Swap, UNKNOWN, UNRECOGNISED,
    };

    const MIB: u64 = 1 << 20;

    fn disk(serial: &str, device: &Path, content: Option<&str>) -> Disk {
        let content = content.map(|kind| Content {
            kind: kind.to_owned(),
            uuid: None,
            label: None,
        });
        let partition = FoundPartition {
            partition: Partition {
                number: 2,
                start: 2048,
                sectors: 4 * MIB / 512,
                type_code: "0x82".to_owned(),
                partuuid: None,
                name: None,
                bootable: false,
            },
            device: device.display().to_string(),
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
            holders: Vec::new(),
            removable: false,
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
            ..Journal::new(&jumpspec::words::run_id::RunId::new(0xaa), &identities)
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
