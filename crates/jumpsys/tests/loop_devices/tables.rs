//! Partition tables, the kernel's partitions, and what lies beside them.

use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

use jumpspec::disk::{Extent, Filesystem, Partition};
use jumpsys::boot::bootsector::BootSector;
use jumpsys::boot::bootwrite;
use jumpsys::cmd::Program;
use jumpsys::disk::blockdev;
use jumpsys::disk::durable;
use jumpsys::disk::partition::{Table, add_partition, read_table, write_table};
use jumpsys::disk::partnodes::{PartnodesError, sync_kernel_partitions};
use jumpsys::kernel::sysfs;

use crate::device::{Loop, gpt, make, mbr, mount_at, part};

const LINUX: &str = "0fc63daf-8483-4772-8e79-3d69d8477de4";

pub(crate) fn tables_of_both_kinds_become_partitions() {
    let disk = Loop::new(64);
    let logical = vec![
        part(1, 2048, 8192, "0x83"),
        part(2, 16384, 65536, "0x05"),
        part(5, 18432, 8192, "0x82"),
        part(6, 30720, 8192, "0x83"),
    ];
    let guids = vec![part(1, 4096, 8192, LINUX), part(14, 2048, 2048, LINUX)];
    for (table, numbers) in [(mbr(logical), vec![1, 2, 5, 6]), (gpt(guids), vec![1, 14])] {
        disk.divide(&table);
        let name = disk.path.file_name().unwrap().to_str().unwrap();
        let known = sysfs::read_disk(Path::new(sysfs::SYS), name).unwrap();
        let found: Vec<_> = known.partitions.iter().map(|p| p.number).collect();
        assert_eq!(found, numbers);
        assert!(numbers.iter().all(|&n| disk.part(n).exists()));
        // sfdisk and the kernel's own idea agree with the table.
        let verify = Program::new("/usr/sbin/sfdisk")
            .arg("--verify")
            .arg(&disk.path);
        verify.run().unwrap();
    }
}

pub(crate) fn a_gpt_of_large_blocks_is_told_in_sectors() {
    let disk = Loop::with_blocks(64, 4096);
    let parts = vec![part(1, 2048, 8192, LINUX), part(3, 16384, 65536, LINUX)];
    disk.divide(&gpt(parts.clone()));
    let Table::Gpt {
        first_usable,
        last_usable,
        ..
    } = read_table(&disk.path).unwrap()
    else {
        panic!("no GPT");
    };
    // The header, and 16 KiB of entries in four blocks, at either end; the protective MBR in front.
    let blocks = (64 << 20) / 4096;
    assert_eq!((first_usable, last_usable), (6 * 8, (blocks - 5) * 8 - 1));
    let name = disk.path.file_name().unwrap().to_str().unwrap();
    let known = sysfs::read_disk(Path::new(sysfs::SYS), name).unwrap();
    let found = known.partitions.iter().map(|it| it.extent);
    assert!(found.eq(parts.iter().map(Partition::extent)));
    assert_eq!(known.logical_block_size, 4096);
    // The kernel reads the same from the disk by itself.
    sync_kernel_partitions(&disk.path, &[]).unwrap();
    let again = Program::new("/usr/sbin/sfdisk")
        .arg("--verify")
        .arg(&disk.path);
    again.run().unwrap();
    add_partition(&disk.path, &part(2, 90112, 8192, LINUX)).unwrap();
    let numbers: Vec<_> = read_table(&disk.path)
        .unwrap()
        .partitions()
        .iter()
        .map(|it| it.number)
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    let odd = part(4, 98305, 8, LINUX);
    assert!(add_partition(&disk.path, &odd).is_err());
    // Boot code and its table are in sectors of 512.
    assert!(write_table(&disk.path, &mbr(vec![part(1, 2048, 8192, "0x83")])).is_err());
    let sector = durable::read_uncached(&disk.path, 4096 + 8, 16).unwrap();
    durable::write_at(&disk.path, 4096 + 8, &sector).unwrap();
}

pub(crate) fn a_mounted_partition_may_stay_and_may_not_move() {
    let disk = Loop::new(64);
    disk.divide(&mbr(vec![
        part(1, 2048, 32768, "0x83"),
        part(2, 40960, 8192, "0x83"),
    ]));
    make(Filesystem::Ext4, &disk.part(1));
    let dir = tempfile::tempdir().unwrap();
    let mounted = mount_at(&disk.part(1), dir.path(), "ext4");
    disk.divide(&mbr(vec![
        part(1, 2048, 32768, "0x83"),
        part(3, 40960, 4096, "0x83"),
    ]));
    assert!(disk.part(3).exists() && !disk.part(2).exists());
    let moved = mbr(vec![part(1, 4096, 32768, "0x83")]);
    write_table(&disk.path, &moved).unwrap();
    let extents = read_table(&disk.path).unwrap().kernel_extents();
    let refused = sync_kernel_partitions(&disk.path, &extents);
    assert!(
        matches!(refused, Err(PartnodesError::Busy { .. })),
        "{refused:?}"
    );
    assert!(blockdev::open_exclusive(&disk.part(1)).is_err());
    mounted.unmount().unwrap();
}

pub(crate) fn a_partition_that_somebody_looks_into_goes_once_he_has_looked() {
    let disk = Loop::new(16);
    disk.divide(&mbr(vec![part(1, 2048, 8192, "0x83")]));
    let open = File::open(disk.part(1)).unwrap();
    let looks = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        drop(open);
    });
    disk.divide(&mbr(vec![part(1, 4096, 8192, "0x83")]));
    looks.join().unwrap();
}

pub(crate) fn boot_sector_and_core_are_written_and_taken_back() {
    let disk = Loop::new(16);
    disk.divide(&mbr(vec![part(1, 2048, 16384, "0x83")]));
    let old = bootwrite::read_boot_sector(&disk.path).unwrap();
    let turned = BootSector::new(old).with_kernel_sector(1024);
    bootwrite::write_boot_sector(&disk.path, turned.bytes()).unwrap();
    let core = vec![0x77; 3 * 512];
    bootwrite::write_core(&disk.path, 1024, &core).unwrap();
    let extent = Extent {
        start: 1024,
        sectors: 3,
    };
    assert_eq!(bootwrite::read_sectors(&disk.path, extent).unwrap(), core);
    let now = BootSector::new(bootwrite::read_boot_sector(&disk.path).unwrap());
    assert_eq!(now.kernel_sector(), 1024);
    assert_eq!(read_table(&disk.path).unwrap().partitions().len(), 1);
    bootwrite::zero_sectors(&disk.path, extent).unwrap();
    let zeros = bootwrite::read_sectors(&disk.path, extent).unwrap();
    assert!(zeros.iter().all(|&b| b == 0));
}
