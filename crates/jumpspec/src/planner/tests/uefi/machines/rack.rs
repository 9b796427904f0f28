//! The machines: each is the first with something other.

mod changes;

use crate::boot::uefi::EntryNumber;
use crate::boot::uefi::found::FoundUefi;
use crate::disk::DiskIdentity;
use crate::node::luks::{LuksVolume, Seal};
use crate::planner::Rehearsal;
use crate::planner::sample::Sample;
use crate::planner::tests::uefi::node::{ESP, SHIM, entry, order};
use crate::words::size::Size;
use changes::{
    add_files, content, data_disk, esp_at, esp_elsewhere, firmware, job_with, job_with_esp,
    of_bios, on_nvme, rename, two_esps, windows,
};

/// What a machine has that the first has not.
type Change = fn(&mut Sample);

/// The machine that the others differ from.
pub(super) const FIRST: &str = "as Debian's installer leaves it, its fallback path empty";

/// The others.
pub(super) const MACHINES: &[(&str, Change)] = &[
    ("a second disk, with data", data_disk),
    (
        "its EFI system partition on another disk than its root",
        esp_elsewhere,
    ),
    ("a copy of its disk beside it (dd)", |sample| {
        let mut copy = sample.facts.disks[0].clone();
        rename(&mut copy, "vdb");
        copy.identities = vec![DiskIdentity::Serial("JUMP0002".to_owned())];
        sample.facts.disks.push(copy);
    }),
    ("an EFI system partition that was moved", |sample| {
        let entries = &mut firmware(sample).entries;
        let file = entries[1].file.as_mut().unwrap();
        file.esp.extent.start += 2048;
    }),
    ("two EFI system partitions on its disk", two_esps),
    ("an EFI system partition of another type", |sample| {
        let esp = &mut sample.facts.disks[0].partitions[0];
        "0fc63daf-8483-4772-8e79-3d69d8477de4".clone_into(&mut esp.type_code);
        firmware(sample).esps.clear();
    }),
    ("an entry that leads to a disk that is gone", |sample| {
        let entries = &mut firmware(sample).entries;
        let file = entries[1].file.as_mut().unwrap();
        file.esp.partuuid = ESP.replace('8', "9");
    }),
    (
        "an EFI system partition that is half of a mirror",
        |sample| {
            let esp = &mut sample.facts.disks[0].partitions[0];
            esp.content = Some(content("linux_raid_member", "f00d"));
            esp.holders = vec!["md127".to_owned()];
            firmware(sample).esps[0].free = None;
        },
    ),
    ("an EFI system partition that is nearly full", |sample| {
        firmware(sample).esps[0].free = Some(Size::mib(5));
    }),
    ("a small EFI system partition, FAT16", |sample| {
        sample.facts.disks[0].partitions[0].sectors = 64 << 11;
        let entries = &mut firmware(sample).entries;
        entries[1].file.as_mut().unwrap().esp.extent.sectors = 64 << 11;
        firmware(sample).esps[0].free = Some(Size::mib(58));
    }),
    ("an EFI system partition that cannot be read", |sample| {
        firmware(sample).esps[0].free = None;
        firmware(sample).esps[0].files.clear();
    }),
    ("GRUB's own directory on the EFI system partition", |it| {
        firmware(it).esps[0].has_boot_grub = true;
    }),
    ("its EFI system partition at /boot", |sample| {
        esp_at(sample, "/boot");
    }),
    ("its EFI system partition at /efi", |sample| {
        esp_at(sample, "/efi");
    }),
    (
        "a job that names its EFI system partition, at /boot/efi",
        |sample| sample.job = job_with_esp("/boot/efi"),
    ),
    (
        "a job that names its EFI system partition, at /efi",
        |sample| sample.job = job_with_esp("/efi"),
    ),
    (
        "a job that names its EFI system partition, at /boot",
        |sample| sample.job = job_with_esp("/boot"),
    ),
    (
        "a job that would format its EFI system partition",
        |sample| {
            sample.job =
                job_with("[[layout.partition]]\nnumber = 1\naction = 'format'\nmount = '/boot'\n");
        },
    ),
    ("Windows beside it", windows),
    ("a machine of many entries of others", |sample| {
        let others = ["UiApp", "UEFI PXEv4 (MAC:525400000001)", "UEFI Shell"];
        for (number, description) in (0..).zip(others) {
            firmware(sample)
                .entries
                .push(entry(number, description, None));
        }
        firmware(sample).order = Some(order(&[4, 1, 0, 2]));
    }),
    ("two entries of one name and file", |sample| {
        firmware(sample)
            .entries
            .push(entry(5, "debian", Some(SHIM)));
        firmware(sample).order = Some(order(&[4, 5, 1]));
    }),
    ("the same, booted by the second", |sample| {
        firmware(sample)
            .entries
            .push(entry(5, "debian", Some(SHIM)));
        firmware(sample).order = Some(order(&[4, 5, 1]));
        firmware(sample).current = Some(EntryNumber(5));
    }),
    ("MAAS: PXE first, which lets it pass to its disk", |it| {
        firmware(it).order = Some(order(&[1, 4]));
    }),
    (
        "MAAS: booted by PXE, whose loader chains to its disk",
        |it| {
            firmware(it).order = Some(order(&[1, 4]));
            firmware(it).current = Some(EntryNumber(1));
        },
    ),
    ("an entry first that is switched off", |sample| {
        let mut off = entry(7, "ubuntu", Some("EFI/ubuntu/shimx64.efi"));
        off.is_active = false;
        firmware(sample).entries.push(off);
        firmware(sample).order = Some(order(&[7, 4, 1]));
    }),
    ("a number first that is no entry", |sample| {
        firmware(sample).order = Some(order(&[9, 4, 1]));
    }),
    ("no BootOrder", |sample| firmware(sample).order = None),
    ("BootNext set", |it| {
        firmware(it).next = Some(EntryNumber(1));
    }),
    ("a firmware that does not say what it booted by", |it| {
        firmware(it).current = None;
    }),
    ("a cloud's image, booted by the fallback path", |sample| {
        let fallback = entry(2, "UEFI Misc Device", Some("EFI/BOOT/BOOTX64.EFI"));
        *firmware(sample) = FoundUefi {
            current: Some(EntryNumber(2)),
            order: Some(order(&[2])),
            entries: vec![fallback],
            ..firmware(sample).clone()
        };
    }),
    (
        "a cloud's image, by an entry that names its disk alone",
        |sample| {
            *firmware(sample) = FoundUefi {
                current: Some(EntryNumber(2)),
                order: Some(order(&[2])),
                entries: vec![entry(2, "UEFI Misc Device", None)],
                ..firmware(sample).clone()
            };
        },
    ),
    ("a fallback path that is somebody else's", |it| {
        add_files(it, &["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/fbx64.efi"]);
    }),
    ("a vendor's entry whose file is missing", |sample| {
        let vendor = entry(6, "Dell Diagnostics", Some("EFI/dell/diag.efi"));
        firmware(sample).entries.push(vendor);
        firmware(sample).order = Some(order(&[4, 6, 1]));
    }),
    ("its own loader's file gone since it booted", |sample| {
        firmware(sample).esps[0].files.clear();
    }),
    ("a loader with a space in its name", |sample| {
        let loader = "EFI/Linux Mint/shimx64.efi";
        firmware(sample).entries[1] = entry(4, "Linux Mint", Some(loader));
        add_files(sample, &[loader]);
    }),
    ("systemd-boot, with its kernels at /boot", |sample| {
        esp_at(sample, "/boot");
        let loader = "EFI/systemd/systemd-bootx64.efi";
        firmware(sample).entries[1] = entry(4, "Linux Boot Manager", Some(loader));
        firmware(sample).esps[0].files = vec![loader.to_owned(), "EFI/BOOT/BOOTX64.EFI".to_owned()];
    }),
    ("GRUB without shim", |sample| {
        firmware(sample).entries[1] = entry(4, "debian", Some("EFI/debian/grubx64.efi"));
    }),
    ("Secure Boot on", |it| firmware(it).secure_boot = true),
    (
        "Secure Boot on, a target image without signed loaders",
        |it| {
            firmware(it).secure_boot = true;
            it.target.manifest.signed = None;
        },
    ),
    ("a jump image without signed loaders", |sample| {
        sample.jump.manifest.signed = None;
    }),
    ("images of BIOS nodes", |sample| {
        for image in [&mut sample.jump, &mut sample.target] {
            of_bios(&mut image.manifest);
        }
    }),
    ("a target image of another distribution", |sample| {
        sample.target.manifest.os.id = "ubuntu".to_owned();
    }),
    ("firmware of 32 bits", |it| firmware(it).bits = Some(32)),
    ("variables that are mounted to be read", |sample| {
        firmware(sample).unwritable = Some(
            "cannot write /sys/firmware/efi/efivars/JumpTrial: Read-only file system".to_owned(),
        );
    }),
    ("a volume that a TPM opens, bound to PCR 7", |sample| {
        sample.facts.luks = vec![LuksVolume {
            device: "/dev/vda4".to_owned(),
            is_open: true,
            at_boot: true,
            seals: vec![Seal {
                by: "systemd-tpm2".to_owned(),
                pcrs: Some(vec![7]),
            }],
        }];
    }),
    ("NVMe", |sample| {
        let disk = &mut sample.facts.disks[0];
        rename(disk, "nvme0n1");
        sample.facts.mounts.iter_mut().for_each(on_nvme);
        sample.facts.swaps = vec!["/dev/nvme0n1p2".to_owned()];
        sample.facts.swap_use[0].device = "/dev/nvme0n1p2".to_owned();
        firmware(sample).esps[0].device = "/dev/nvme0n1p1".to_owned();
    }),
    ("blocks of 4096 bytes", |sample| {
        sample.facts.disks[0].logical_sector = 4096;
        let extent = &mut firmware(sample).entries[1]
            .file
            .as_mut()
            .unwrap()
            .esp
            .extent;
        extent.start /= 8;
        extent.sectors /= 8;
    }),
    ("no swap, and free room", |sample| {
        sample.facts.disks[0].partitions.remove(1);
        sample.facts.swaps.clear();
        sample.facts.swap_use.clear();
    }),
    ("no swap and no room", no_room),
    (
        "no swap and no room, and an ESP that is large enough for a system in memory",
        |sample| {
            no_room(sample);
            sample.facts.uefi.as_mut().unwrap().esps[0].free = Some(Size::mib(300));
        },
    ),
    ("firmware that this host has seen follow its order", |it| {
        it.follows = true;
        let model = &mut firmware(it).model;
        model.vendor = "Supermicro".to_owned();
        model.product = "X11".to_owned();
        model.version = "3.4".to_owned();
    }),
    ("a kernel that its firmware starts by itself", |sample| {
        let kernel = "EFI/debian/vmlinuz.efi";
        let mut stub = entry(4, "Linux", Some(kernel));
        stub.arguments = Some("root=UUID=3333 ro initrd=\\EFI\\debian\\initrd.img".to_owned());
        firmware(sample).entries[1] = stub;
        add_files(sample, &[kernel]);
    }),
    ("a unified kernel image, without arguments", |sample| {
        let kernel = "EFI/Linux/debian-6.1.efi";
        firmware(sample).entries[1] = entry(4, "Linux", Some(kernel));
        add_files(sample, &[kernel]);
    }),
    (
        "a kernel at the top of its EFI system partition",
        |sample| {
            firmware(sample).entries[1] = entry(4, "Arch Linux", Some("vmlinuz-linux"));
        },
    ),
    ("a rehearsal", |sample| {
        sample.rehearsal = Some(Rehearsal::Firmware);
    }),
];

/// Neither swap nor room that belongs to no partition.
fn no_room(sample: &mut Sample) {
    let disk = &mut sample.facts.disks[0];
    disk.partitions[1].content = Some(content("ext4", "55555555"));
    disk.partitions[1].swap_active = false;
    disk.sectors = disk.partitions[3].extent().end() + 33;
    disk.table.as_mut().unwrap().last_usable = disk.sectors - 34;
    sample.facts.swaps.clear();
    sample.facts.swap_use.clear();
}
