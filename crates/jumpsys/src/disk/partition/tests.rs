use super::{NewTable, Partition, PartitionError, Table, matches, read_table, write_table};
use jumpspec::disk::Extent;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::Command;

const LINUX: &str = "0fc63daf-8483-4772-8e79-3d69d8477de4";
const BIOS_BOOT: &str = "21686148-6449-6e6f-744e-656564454649";
const GUID: &str = "a7b0e3d2-54c1-4f70-9d5c-0d8b2a4f5e61";

fn image(dir: &tempfile::TempDir, mib: u64) -> PathBuf {
    let path = dir.path().join("disk");
    File::create(&path).unwrap().set_len(mib << 20).unwrap();
    path
}

fn part(number: u32, start: u64, sectors: u64, type_code: &str) -> Partition {
    Partition {
        number,
        start,
        sectors,
        type_code: type_code.to_owned(),
        partuuid: Some(format!("a7b0e3d2-54c1-4f70-9d5c-0d8b2a4f{number:04x}")),
        name: None,
        bootable: false,
    }
}

fn mbr() -> NewTable {
    // 4 GiB are 8388608 sectors: the last record lies beyond.
    let mut partitions = vec![
        part(1, 2048, 2048, "0x83"),
        part(2, 8192, 9_000_000, "0x05"),
        part(5, 10240, 4096, "0x82"),
        part(6, 8_800_256, 4096, "0x83"),
    ];
    partitions[0].bootable = true;
    NewTable::Mbr {
        signature: 0xabcd_1234,
        partitions,
    }
}

fn gpt() -> NewTable {
    let mut partitions = vec![
        part(1, 4096, 8192, LINUX),
        part(14, 2048, 2048, BIOS_BOOT),
        part(15, 16384, 2048, LINUX),
    ];
    partitions[0].name = Some("root".to_owned());
    partitions[2].bootable = true;
    NewTable::Gpt {
        guid: GUID.to_owned(),
        partitions,
    }
}

#[test]
fn an_empty_disk_has_no_table() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read_table(&image(&dir, 1)).unwrap(), Table::None);
    let tiny = dir.path().join("tiny");
    fs::write(&tiny, b"x").unwrap();
    assert_eq!(read_table(&tiny).unwrap(), Table::None);
}

#[test]
fn an_mbr_comes_back_with_logical_partitions_beyond_4_gib() {
    let dir = tempfile::tempdir().unwrap();
    let disk = image(&dir, 4500);
    write_table(&disk, &mbr()).unwrap();
    let table = read_table(&disk).unwrap();
    assert!(matches(&table, &mbr()) && table.has_extended());
    assert_eq!(
        table.partitions()[2].partuuid.as_deref(),
        Some("abcd1234-05")
    );
    assert_eq!(
        table.kernel_extents()[1].extent,
        Extent {
            start: 8192,
            sectors: 2
        }
    );
}

#[test]
fn sfdisk_reads_the_same_mbr() {
    let dir = tempfile::tempdir().unwrap();
    let disk = image(&dir, 4500);
    write_table(&disk, &mbr()).unwrap();
    let Ok(out) = Command::new("/usr/sbin/sfdisk")
        .arg("-d")
        .arg(&disk)
        .output()
    else {
        println!("skipped: sfdisk's opinion: no sfdisk");
        return;
    };
    let text = String::from_utf8(out.stdout).unwrap().replace(' ', "");
    for line in [
        "label-id:0xabcd1234",
        "disk1:start=2048,size=2048,type=83,bootable",
        "disk2:start=8192,size=9000000,type=5",
        "disk5:start=10240,size=4096,type=82",
        "disk6:start=8800256,size=4096,type=83",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn a_gpt_keeps_numbers_with_gaps_and_sfdisk_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let disk = image(&dir, 16);
    write_table(&disk, &gpt()).unwrap();
    let table = read_table(&disk).unwrap();
    assert!(matches(&table, &gpt()));
    let numbers: Vec<_> = table.partitions().iter().map(|p| p.number).collect();
    assert_eq!(numbers, [1, 14, 15]);
    let Ok(out) = Command::new("/usr/sbin/sfdisk")
        .arg("--verify")
        .arg(&disk)
        .output()
    else {
        println!("skipped: sfdisk's opinion: no sfdisk");
        return;
    };
    assert!(out.status.success(), "{out:?}");
}

#[test]
fn boot_code_and_the_gap_survive_both_kinds() {
    for wanted in [mbr(), gpt()] {
        let dir = tempfile::tempdir().unwrap();
        let disk = image(&dir, 4500);
        let file = File::options().write(true).open(&disk).unwrap();
        file.write_all_at(&[0xeb; 440], 0).unwrap();
        file.write_all_at(&[0x5a; 1024], 40 * 512).unwrap();
        write_table(&disk, &wanted).unwrap();
        let mut bytes = vec![0; 64 * 512];
        File::open(&disk)
            .unwrap()
            .read_exact_at(&mut bytes, 0)
            .unwrap();
        assert!(bytes[..440].iter().all(|&b| b == 0xeb));
        assert!(bytes[40 * 512..42 * 512].iter().all(|&b| b == 0x5a));
    }
}

#[test]
fn writing_the_same_table_again_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let disk = image(&dir, 16);
    write_table(&disk, &gpt()).unwrap();
    let before = fs::read(&disk).unwrap();
    write_table(&disk, &gpt()).unwrap();
    assert_eq!(before, fs::read(&disk).unwrap());
}

#[test]
fn a_gpt_with_a_torn_first_copy_is_read_from_its_second_and_mended() {
    let dir = tempfile::tempdir().unwrap();
    let disk = image(&dir, 16);
    write_table(&disk, &gpt()).unwrap();
    let whole = fs::read(&disk).unwrap();
    let file = File::options().write(true).open(&disk).unwrap();
    file.write_all_at(&[0; 512], 1024).unwrap();
    assert!(matches(&read_table(&disk).unwrap(), &gpt()));
    file.write_all_at(&[0; 512], 512).unwrap();
    assert!(matches(&read_table(&disk).unwrap(), &gpt()));
    write_table(&disk, &gpt()).unwrap();
    assert!(fs::read(&disk).unwrap() == whole);
    file.write_all_at(&[0; 512], 512).unwrap();
    file.write_all_at(&[0; 512], (16 << 20) - 512).unwrap();
    assert!(matches!(read_table(&disk), Err(PartitionError::Gpt { .. })));
}

#[test]
fn one_kind_replaces_the_other_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let disk = image(&dir, 4500);
    for wanted in [gpt(), mbr(), gpt()] {
        write_table(&disk, &wanted).unwrap();
        assert!(matches(&read_table(&disk).unwrap(), &wanted));
    }
}

#[test]
fn refuses_overlaps_and_what_lies_off_the_disk_before_writing() {
    let dir = tempfile::tempdir().unwrap();
    let disk = image(&dir, 2);
    let partitions = vec![part(1, 100, 100, "0x83"), part(2, 150, 100, "0x83")];
    let overlap = NewTable::Mbr {
        signature: 1,
        partitions,
    };
    let far = NewTable::Mbr {
        signature: 1,
        partitions: vec![part(1, 4000, 100, "0x83")],
    };
    for wanted in [overlap, far] {
        let refused = write_table(&disk, &wanted);
        assert!(matches!(refused, Err(PartitionError::Unwritable { .. })));
        assert_eq!(read_table(&disk).unwrap(), Table::None);
    }
}
