//! A node that boots by UEFI, with images and a job for it: the demo's with a GPT, whose first partition
//! is the EFI system partition.

use crate::boot::uefi::found::{FirmwareModel, FoundEntry, FoundEsp, FoundUefi};
use crate::boot::uefi::{BootOrder, EntryNumber, Esp, EspFile};
use crate::disk::table::GPT_ESP;
use crate::disk::{DiskIdentity, TableKind};
use crate::image::loader::{Loader, Platform, SignedLoaders};
use crate::job::Job;
use crate::node::facts::{Facts, Firmware};
use crate::planner::sample::{Sample, facts, loader};
use crate::words::size::Size;

pub(super) const ESP: &str = "8b1a2f6e-7c3d-4e5f-9a0b-1c2d3e4f5061";
pub(super) const SHIM: &str = "EFI/debian/shimx64.efi";

pub(super) fn file(path: &str) -> EspFile {
    EspFile {
        esp: Esp {
            number: 1,
            extent: facts().disks[0].partitions[0].extent(),
            partuuid: ESP.to_owned(),
        },
        path: path.to_owned(),
    }
}

pub(super) fn entry(number: u16, description: &str, path: Option<&str>) -> FoundEntry {
    FoundEntry {
        number: EntryNumber(number),
        description: description.to_owned(),
        is_active: true,
        file: path.map(file),
        arguments: None,
    }
}

pub(super) fn order(numbers: &[u16]) -> BootOrder {
    BootOrder(numbers.iter().copied().map(EntryNumber).collect())
}

/// The firmware as an installer leaves it: Debian's entry first, then the network.
fn firmware() -> FoundUefi {
    FoundUefi {
        bits: Some(64),
        secure_boot: false,
        model: FirmwareModel::default(),
        unwritable: None,
        current: Some(EntryNumber(4)),
        next: None,
        order: Some(order(&[4, 1])),
        entries: vec![entry(1, "PXE", None), entry(4, "debian", Some(SHIM))],
        esps: vec![FoundEsp {
            device: "/dev/vda1".to_owned(),
            free: Some(Size::mib(200)),
            left: Size(0),
            files: vec![SHIM.to_owned(), "EFI/debian/grubx64.efi".to_owned()],
            has_boot_grub: false,
            open: false,
        }],
    }
}

/// The demo's node with a GPT, of which the first partition is the EFI system partition.
fn uefi_facts() -> Facts {
    let mut facts = facts();
    facts.firmware = Firmware::Uefi;
    facts.uefi = Some(firmware());
    facts.fstab = "UUID=6A75-0001 /boot/efi vfat umask=0077 0 1\n".to_owned();
    let disk = &mut facts.disks[0];
    disk.loader = None;
    disk.identities = vec![DiskIdentity::Serial("JUMP0001".to_owned())];
    let table = disk.table.as_mut().unwrap();
    table.kind = TableKind::Gpt;
    table.first_usable = 34;
    table.last_usable = disk.sectors - 34;
    let esp = &mut disk.partitions[0];
    esp.partition.type_code = GPT_ESP.to_owned();
    esp.partition.partuuid = Some(ESP.to_owned());
    let content = esp.content.as_mut().unwrap();
    content.kind = "vfat".to_owned();
    content.uuid = Some("6A75-0001".to_owned());
    facts.mounts.retain(|mount| mount.device != "/dev/vda1");
    facts
}

fn uefi_job() -> Job {
    Job::parse(
        "[images]\njump = 'jump'\ntarget = 'target'\n\
         [[layout.partition]]\nnumber = 3\naction = 'format'\nmount = '/'\n",
    )
    .unwrap()
}

/// Images with loaders for both firmwares, signed as Debian's.
pub(in crate::planner::tests) fn sample() -> Sample {
    let mut sample = Sample::of(&uefi_facts(), &uefi_job());
    let path = |path: &str| path.parse().unwrap();
    for image in [&mut sample.jump, &mut sample.target] {
        let mountable = ["vfat", "efivarfs"].map(str::to_owned);
        image.manifest.mountable.extend(mountable);
        image.manifest.filesystems.push("vfat".to_owned());
        image.manifest.signed = Some(SignedLoaders {
            shim: path("usr/lib/shim/shimx64.efi.signed"),
            grub: Some(path("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed")),
            media_grub: Some(path("usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed")),
        });
    }
    sample.target.manifest.loaders.push(Loader {
        platform: Platform::X86_64Efi,
        modules: path("usr/lib/grub/x86_64-efi"),
        ..loader()
    });
    sample
}
