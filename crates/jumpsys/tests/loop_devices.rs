//! What needs a real block device, tried on loop devices. A test that cannot run says so on a line
//! of its own and counts as ignored.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use jumpsys::atomic::write_atomic;
use jumpsys::bootsector::BootSector;
use jumpsys::cmd::Program;
use jumpsys::durable::{self, DurableError};
use jumpsys::freeze::{Freeze, settle};
use jumpsys::journal_slots::SlotPair;
use jumpsys::mkfs::{Fs, MkfsSpec, mkfs};
use jumpsys::mount::{MountSpec, MsFlags, mount, swapoff, swapon};
use jumpsys::mountinfo::{read_mountinfo, read_swaps};
use jumpsys::partition::{self, NewTable, Partition, read_table, write_table};
use jumpsys::partnodes::{PartnodesError, sync_kernel_partitions};
use jumpsys::sealed::{Key, KeySector, Reader, Writer};
use jumpsys::superblock::{self, Kind};
use jumpsys::{Extent, blockdev, bootwrite, swap, sysfs, system};
use libtest_mimic::{Arguments, Trial};

const UUID: &str = "0f9fbc02-7e4b-4b5f-8d4a-2c9d1d6f0a11";
/// mkfs.btrfs looks at all devices, other tests' too, and takes no UUID that is there.
const BTRFS_UUID: &str = "0f9fbc02-7e4b-4b5f-8d4a-2c9d1d6f0a12";
const LINUX: &str = "0fc63daf-8483-4772-8e79-3d69d8477de4";
const GUID: &str = "a7b0e3d2-54c1-4f70-9d5c-0d8b2a4f5e61";

/// A loop device over a sparse file; both go when it is dropped.
struct Loop {
    path: PathBuf,
    /// The file.
    image: PathBuf,
    _dir: tempfile::TempDir,
}

impl Loop {
    fn new(mib: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        File::create(&image).unwrap().set_len(mib << 20).unwrap();
        let losetup = Program::new("/usr/sbin/losetup").args(["--show", "-f"]);
        let out = losetup.arg(&image).run().unwrap().stdout_text();
        let path = PathBuf::from(out.trim());
        Self {
            path,
            image,
            _dir: dir,
        }
    }

    fn part(&self, number: u32) -> PathBuf {
        blockdev::partition_path(&self.path, number)
    }

    /// Writes the table and tells the kernel.
    fn divide(&self, table: &NewTable) {
        write_table(&self.path, table).unwrap();
        let read = read_table(&self.path).unwrap();
        assert!(partition::matches(&read, table), "{read:?}");
        sync_kernel_partitions(&self.path, &read.kernel_extents()).unwrap();
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // A test may have failed with its partition swapped to.
        let ours = self.path.to_string_lossy().into_owned() + "p";
        for swap in read_swaps().unwrap_or_default() {
            if swap.path.to_string_lossy().starts_with(&ours) {
                swapoff(&swap.path).ok();
            }
        }
        sync_kernel_partitions(&self.path, &[]).ok();
        let detach = Program::new("/usr/sbin/losetup").arg("-d").arg(&self.path);
        if let Err(e) = detach.run() {
            eprintln!("cannot detach {}: {e}", self.path.display());
        }
    }
}

fn part(number: u32, start_sector: u64, sectors: u64, type_id: &str) -> Partition {
    Partition {
        number,
        start_sector,
        sectors,
        type_id: type_id.to_owned(),
        partuuid: format!("a7b0e3d2-54c1-4f70-9d5c-0d8b2a4f{number:04x}"),
        name: None,
        bootable: false,
    }
}

fn mbr(partitions: Vec<Partition>) -> NewTable {
    NewTable::Mbr {
        signature: 0xabcd_1234,
        partitions,
    }
}

fn gpt(partitions: Vec<Partition>) -> NewTable {
    NewTable::Gpt {
        guid: GUID.to_owned(),
        partitions,
    }
}

/// What blkid says, as (TYPE, UUID, LABEL); `None` where there is no blkid.
fn blkid(device: &Path) -> Option<(String, String, String)> {
    let out = Command::new("/usr/sbin/blkid")
        .args(["-p", "-o", "export"])
        .arg(device)
        .output();
    let Ok(out) = out else {
        println!("skipped: blkid's opinion on {}: no blkid", device.display());
        return None;
    };
    let text = String::from_utf8(out.stdout).unwrap();
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|l| l.strip_prefix(&format!("{name}=")));
        line.unwrap_or_default().to_owned()
    };
    Some((value("TYPE"), value("UUID"), value("LABEL")))
}

fn agrees_with_blkid(device: &Path) {
    let ours = superblock::probe(device).unwrap().expect("something on it");
    let Some(theirs) = blkid(device) else { return };
    let ours = (
        ours.kind.name().to_owned(),
        ours.uuid.unwrap_or_default(),
        ours.label.unwrap_or_default(),
    );
    assert_eq!(ours, theirs);
}

fn tables_of_both_kinds_become_partitions() {
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

fn a_mounted_partition_may_stay_and_may_not_move() {
    let disk = Loop::new(64);
    disk.divide(&mbr(vec![
        part(1, 2048, 32768, "0x83"),
        part(2, 40960, 8192, "0x83"),
    ]));
    make(Fs::Ext4, &disk.part(1));
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
    unmount(mounted);
}

fn make(fs: Fs, device: &Path) {
    let uuid = match fs {
        Fs::Vfat => "ABCD-1234",
        Fs::Btrfs => BTRFS_UUID,
        _ => UUID,
    };
    let spec = MkfsSpec {
        fs,
        device,
        uuid: Some(uuid),
        label: Some("JUMP"),
        root: None,
        size: None,
    };
    mkfs(&spec).unwrap();
}

/// Something mounted, and where.
struct Mounted {
    guard: jumpsys::mount::MountGuard,
    at: PathBuf,
}

fn mount_at(device: &Path, target: &Path, fstype: &str) -> Mounted {
    let flags = MsFlags::MS_NOATIME;
    let data = None;
    let guard = mount(&MountSpec {
        source: device,
        target,
        fstype,
        flags,
        data,
    });
    Mounted {
        guard: guard.unwrap(),
        at: target.to_owned(),
    }
}

/// Unmounts, once no child that another test has forked holds copies of our descriptors any more.
fn unmount(mounted: Mounted) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Err(error) = jumpsys::mount::unmount(&mounted.at) {
        assert!(Instant::now() < deadline, "{error}");
        std::thread::sleep(Duration::from_millis(20));
    }
    mounted.guard.keep();
}

fn what_mkfs_makes_is_what_we_and_blkid_find(fs: Fs) {
    // mkfs.xfs wants 300 MiB.
    let disk = Loop::new(400);
    disk.divide(&mbr(vec![part(1, 2048, 700_000, "0x83")]));
    let device = disk.part(1);
    // What another file system left is gone, too.
    make(Fs::Ext4, &device);
    swap::wipe_signatures(&device).unwrap();
    assert_eq!(superblock::probe(&device).unwrap(), None);
    make(fs, &device);
    let found = superblock::probe(&device).unwrap().unwrap();
    assert_eq!(found.kind.name(), fs.name());
    assert_eq!(found.label.as_deref(), Some("JUMP"));
    agrees_with_blkid(&device);
}

fn swap_over_another_file_system_is_swap_alone() {
    let disk = Loop::new(32);
    disk.divide(&mbr(vec![part(2, 2048, 40960, "0x82")]));
    let device = disk.part(2);
    make(Fs::Ext4, &device);
    swap::make_swap(&device, UUID, Some("swap0")).unwrap();
    let found = superblock::probe(&device).unwrap().unwrap();
    assert_eq!(
        (found.kind, found.uuid.as_deref()),
        (Kind::Swap, Some(UUID))
    );
    agrees_with_blkid(&device);
    if let Err(e) = swapon(&device) {
        println!("skipped: swapping to it: {e}: {}", e.source);
        return;
    }
    assert!(read_swaps().unwrap().iter().any(|s| s.path == device));
    let again = swap::make_swap(&device, UUID, None);
    assert!(again.is_err(), "made anew while in use");
    swapoff(&device).unwrap();
}

fn a_journal_lives_on_a_partition() {
    let disk = Loop::new(16);
    disk.divide(&gpt(vec![part(1, 2048, 16384, LINUX)]));
    let device = disk.part(1);
    let mut pair = SlotPair::open(&device, 4 << 20).unwrap();
    for entry in [&b"one"[..], b"two", b"three"] {
        pair.write(entry).unwrap();
    }
    let newest = SlotPair::open(&device, 4 << 20).unwrap().read_newest();
    assert_eq!(newest.unwrap().unwrap().payload, b"three");
}

fn sealed_files_are_nobodys_once_their_key_is_erased() {
    let disk = Loop::new(64);
    disk.divide(&mbr(vec![part(2, 2048, 98_304, "0x82")]));
    let device = disk.part(2);
    let reserved = (48 << 20) - (1 << 20);
    mkfs(&MkfsSpec {
        fs: Fs::Ext4,
        device: &device,
        uuid: Some(UUID),
        label: None,
        root: None,
        size: Some(reserved),
    })
    .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mounted = mount_at(&device, dir.path(), "ext4");
    let (place, key) = (
        KeySector::new(&device, reserved + 8192),
        Key::random().unwrap(),
    );
    place.write(&key).unwrap();
    let path = dir.path().join("saved");
    let writer = Writer::new(File::create(&path).unwrap(), &path, &key).unwrap();
    let secret = "a secret that nobody else has ".repeat(10_000);
    let (front, rest) = secret.as_bytes().split_at(64 << 10);
    writer.write_all_at(rest, 64 << 10).unwrap();
    writer.write_all_at(front, 0).unwrap();
    writer.finish().unwrap();
    let mut found = vec![0; secret.len()];
    let reader = Reader::open(&path, &place.read().unwrap()).unwrap();
    reader.read_exact_at(&mut found, 0).unwrap();
    assert_eq!(found, secret.as_bytes());
    // The journal beside the key is another block.
    let mut pair = SlotPair::open(&device, reserved).unwrap();
    pair.write(b"journal").unwrap();
    place.read().unwrap();
    place.erase().unwrap();
    assert!(place.read().is_err());
    assert_eq!(pair.read_newest().unwrap().unwrap().payload, b"journal");
    drop((reader, writer));
    unmount(mounted);
    let bytes = fs::read(&device).unwrap();
    let open = bytes
        .windows(16)
        .any(|window| window == &secret.as_bytes()[..16]);
    assert!(!open && !bytes.windows(8).any(|window| window == b"JUMPKEY1"));
}

fn boot_sector_and_core_are_written_and_taken_back() {
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

/// As a boot loader sees it: debugfs replays no journal either, and the file behind the device has
/// only what was written to the device.
fn what_is_settled_is_read_without_the_journal() {
    let disk = Loop::new(32);
    make(Fs::Ext4, &disk.path);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grub.cfg");
    let mounted = mount_at(&disk.path, dir.path(), "ext4");
    fs::write(&path, "old").unwrap();
    unmount(mounted);
    let mounted = mount_at(&disk.path, dir.path(), "ext4");
    write_atomic(&path, b"new", 0o644).unwrap();
    settle(dir.path()).unwrap();
    let debugfs = Program::new("/usr/sbin/debugfs").args(["-R", "cat /grub.cfg"]);
    let read = debugfs.arg(&disk.image).run().unwrap().stdout_text();
    assert_eq!(read, "new");
    unmount(mounted);
}

fn a_forgotten_freeze_thaws() {
    let disk = Loop::new(32);
    make(Fs::Ext4, &disk.path);
    let dir = tempfile::tempdir().unwrap();
    let mounted = mount_at(&disk.path, dir.path(), "ext4");
    assert!(
        read_mountinfo()
            .unwrap()
            .iter()
            .any(|m| m.mount_point == dir.path())
    );
    let frozen = Freeze::start(dir.path(), Duration::from_millis(300)).unwrap();
    let late = dir.path().join("late");
    // Blocks until the guardian thaws at its limit.
    fs::write(&late, "x").unwrap();
    assert_eq!(frozen.thaw().unwrap_err().errno(), Some(22));
    unmount(mounted);
}

/// Flushes of a device's cache since it is there (kernel documentation, block/stat).
fn flushes(disk: &Loop) -> u64 {
    let name = disk.path.file_name().unwrap().to_string_lossy();
    let stat = fs::read_to_string(format!("/sys/block/{name}/stat")).unwrap();
    stat.split_whitespace().nth(15).unwrap().parse().unwrap()
}

/// Else a power cut could lose it, whatever was read back.
fn a_durable_write_has_left_the_devices_cache() {
    let disk = Loop::new(1);
    let before = flushes(&disk);
    durable::write_at(&disk.path, 4096, b"commit").unwrap();
    assert!(flushes(&disk) > before, "the device was not flushed");
}

/// The device that is written to is not the one that is read, as with one that lies.
fn a_durable_write_that_does_not_read_back_is_an_error() {
    let (written, read) = (Loop::new(1), Loop::new(1));
    let file = File::options().write(true).open(&written.path).unwrap();
    let lost = durable::write_open(&file, &read.path, 4096, b"commit");
    assert!(
        matches!(lost, Err(DurableError::ReadBack { offset: 4096, .. })),
        "{lost:?}"
    );
}

/// One test; where it cannot run, a line says so and it counts as ignored.
fn trial(name: String, lacks: Option<String>, run: impl FnOnce() + Send + 'static) -> Trial {
    let lacks = if system::is_root() {
        lacks
    } else {
        Some("not root".to_owned())
    };
    if let Some(why) = &lacks {
        println!("skipped: {name}: {why}");
    }
    let ignored = lacks.is_some();
    Trial::test(name, move || {
        run();
        Ok(())
    })
    .with_ignored_flag(ignored)
}

fn main() {
    let tests: [(&str, fn()); 10] = [
        (
            "a_durable_write_has_left_the_devices_cache",
            a_durable_write_has_left_the_devices_cache,
        ),
        (
            "a_durable_write_that_does_not_read_back_is_an_error",
            a_durable_write_that_does_not_read_back_is_an_error,
        ),
        (
            "tables_of_both_kinds_become_partitions",
            tables_of_both_kinds_become_partitions,
        ),
        (
            "a_mounted_partition_may_stay_and_may_not_move",
            a_mounted_partition_may_stay_and_may_not_move,
        ),
        (
            "swap_over_another_file_system_is_swap_alone",
            swap_over_another_file_system_is_swap_alone,
        ),
        (
            "a_journal_lives_on_a_partition",
            a_journal_lives_on_a_partition,
        ),
        (
            "sealed_files_are_nobodys_once_their_key_is_erased",
            sealed_files_are_nobodys_once_their_key_is_erased,
        ),
        (
            "boot_sector_and_core_are_written_and_taken_back",
            boot_sector_and_core_are_written_and_taken_back,
        ),
        (
            "what_is_settled_is_read_without_the_journal",
            what_is_settled_is_read_without_the_journal,
        ),
        ("a_forgotten_freeze_thaws", a_forgotten_freeze_thaws),
    ];
    let mut trials: Vec<Trial> = tests
        .into_iter()
        .map(|(name, run)| trial(name.to_owned(), None, run))
        .collect();
    for fs in [Fs::Ext2, Fs::Ext3, Fs::Ext4, Fs::Xfs, Fs::Btrfs, Fs::Vfat] {
        let missing = !Path::new(&fs.program()).exists();
        let lacks = missing.then(|| format!("no {}", fs.program()));
        let name = format!("what_mkfs_makes_is_what_we_and_blkid_find_{}", fs.name());
        trials.push(trial(name, lacks, move || {
            what_mkfs_makes_is_what_we_and_blkid_find(fs);
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
