//! One partition more or one less, on a disk that is in use: all others stay as they are, to the byte
//! on an MBR, and with every attribute on a GPT.

use std::fs::File;
use std::path::Path;

use jumpspec::disk::{Partition, SECTOR, Slot};

use super::{NewTable, PartitionError, Table, check, holds, mbr, read_table, write_table};
use crate::disk::blockdev;
use crate::error::At as _;

/// Adds a partition, syncs, and reads the table back. One that is there already is not written again.
///
/// # Errors
/// Where another has its number or shares a sector with it, where it is a logical one, and where the
/// disk has no table.
pub fn add_partition(disk: &Path, partition: &Partition) -> Result<(), PartitionError> {
    change(disk, partition.number, |partitions| {
        if partitions.iter().all(|it| it.slot() != partition.slot()) {
            partitions.push(partition.clone());
        }
    })
}

/// Removes the partition of that number if it lies where `slot` says, as [`add_partition`] adds it.
///
/// # Errors
/// As there.
pub fn remove_partition(disk: &Path, slot: Slot) -> Result<(), PartitionError> {
    change(disk, slot.number, |partitions| {
        partitions.retain(|it| it.slot() != slot);
    })
}

fn change(
    disk: &Path,
    number: u32,
    edit: impl FnOnce(&mut Vec<Partition>),
) -> Result<(), PartitionError> {
    match read_table(disk)? {
        Table::Gpt {
            guid,
            mut partitions,
            ..
        } => {
            edit(&mut partitions);
            write_table(disk, &NewTable::Gpt { guid, partitions })
        }
        Table::Mbr {
            signature,
            mut partitions,
        } => {
            edit(&mut partitions);
            let wanted = NewTable::Mbr {
                signature,
                partitions,
            };
            change_mbr(disk, number, &wanted)
        }
        Table::None => Err(PartitionError::Unwritable {
            disk: disk.to_owned(),
            number,
            reason: "the disk has no partition table",
        }),
    }
}

fn change_mbr(disk: &Path, number: u32, wanted: &NewTable) -> Result<(), PartitionError> {
    let file = File::options().read(true).write(true).open(disk);
    let mut file = file.at("open to write", disk)?;
    check(disk, wanted, blockdev::size_bytes(&file, disk)? / SECTOR)?;
    if holds(&mut file, disk, wanted) {
        return Ok(());
    }
    let NewTable::Mbr { partitions, .. } = wanted else {
        return Ok(());
    };
    let partition = partitions.iter().find(|it| it.number == number);
    mbr::set(&mut file, disk, number, partition)?;
    blockdev::flush(&file, disk)?;
    if holds(&mut file, disk, wanted) {
        return Ok(());
    }
    Err(PartitionError::ReadBack {
        disk: disk.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;
    use std::path::PathBuf;

    use jumpspec::disk::Partition;

    use super::*;

    const GPT_LINUX: &str = "0fc63daf-8483-4772-8e79-3d69d8477de4";
    const GPT_DISK: &str = "11111111-2222-4333-8444-555555555555";

    fn partition(number: u32, start: u64, type_code: &str) -> Partition {
        Partition {
            number,
            start,
            sectors: 2048,
            type_code: type_code.to_owned(),
            partuuid: Some(format!("aaaaaaaa-0000-4000-8000-{number:012}")),
            name: None,
            bootable: number == 1,
        }
    }

    /// A disk of 16 MiB with the partitions 1 and 3, and code in its first sector.
    fn disks(scratch: &Path) -> [(PathBuf, Partition); 2] {
        [("mbr", "0x83"), ("gpt", GPT_LINUX)].map(|(kind, code)| {
            let path = scratch.join(kind);
            let file = File::create(&path).unwrap();
            file.set_len(16 << 20).unwrap();
            file.write_all_at(&[0xeb; 440], 0).unwrap();
            let partitions = vec![partition(1, 2048, code), partition(3, 8192, code)];
            let table = match kind {
                "mbr" => NewTable::Mbr {
                    signature: 7,
                    partitions,
                },
                _ => NewTable::Gpt {
                    guid: GPT_DISK.to_owned(),
                    partitions,
                },
            };
            write_table(&path, &table).unwrap();
            (path, partition(2, 16384, code))
        })
    }

    fn numbers(disk: &Path) -> Vec<u32> {
        let table = read_table(disk).unwrap();
        table.partitions().iter().map(|it| it.number).collect()
    }

    #[test]
    fn one_comes_and_goes_and_the_disk_is_as_before() {
        let scratch = tempfile::tempdir().unwrap();
        for (disk, more) in disks(scratch.path()) {
            let before = std::fs::read(&disk).unwrap();
            for _ in 0..2 {
                add_partition(&disk, &more).unwrap();
                assert_eq!(numbers(&disk), [1, 2, 3]);
            }
            let table = read_table(&disk).unwrap();
            assert_eq!(table.partitions()[1].slot(), more.slot());
            for _ in 0..2 {
                remove_partition(&disk, more.slot()).unwrap();
                assert_eq!(numbers(&disk), [1, 3]);
            }
            assert!(
                before == std::fs::read(&disk).unwrap(),
                "{}",
                disk.display()
            );
        }
    }

    #[test]
    fn what_is_in_its_way_is_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        for (disk, more) in disks(scratch.path()) {
            let before = std::fs::read(&disk).unwrap();
            let taken = Partition {
                number: 3,
                ..more.clone()
            };
            let overlapping = Partition {
                start: 8000,
                ..more.clone()
            };
            let beyond = Partition {
                start: 1 << 20,
                ..more.clone()
            };
            for wrong in [taken, overlapping, beyond] {
                assert!(add_partition(&disk, &wrong).is_err(), "{wrong:?}");
            }
            // Another by that number is not the one that is to go.
            let moved = Partition { number: 3, ..more };
            remove_partition(&disk, moved.slot()).unwrap();
            assert!(before == std::fs::read(&disk).unwrap());
        }
    }

    #[test]
    fn a_flag_and_a_geometry_of_somebody_elses_stay() {
        let scratch = tempfile::tempdir().unwrap();
        let [(disk, more), _] = disks(scratch.path());
        let file = File::options().write(true).open(&disk).unwrap();
        // The copy-protection mark, and the first entry's CHS address.
        file.write_all_at(&[0x5a, 0x5a], 444).unwrap();
        file.write_all_at(&[1, 2, 3], 447).unwrap();
        let before = std::fs::read(&disk).unwrap();
        add_partition(&disk, &more).unwrap();
        let after = std::fs::read(&disk).unwrap();
        let differ = |at: &usize| before[*at] != after[*at];
        let changed: Vec<usize> = (0..before.len()).filter(differ).collect();
        assert!(
            changed.iter().all(|at| (462..478).contains(at)),
            "{changed:?}"
        );
        remove_partition(&disk, more.slot()).unwrap();
        assert!(before == std::fs::read(&disk).unwrap());
    }
}
