//! What makes a machine another than the first.

use crate::boot::uefi::found::{FoundEsp, FoundUefi};
use crate::disk::table::GPT_ESP;
use crate::disk::{Content, Disk, DiskIdentity, FoundPartition};
use crate::image::manifest::Manifest;
use crate::job::Job;
use crate::node::facts::{FileOwners, Mount};
use crate::planner::sample::Sample;
use crate::planner::tests::uefi::node::{ESP, entry, order};

pub(super) fn firmware(sample: &mut Sample) -> &mut FoundUefi {
    sample.facts.uefi.as_mut().unwrap()
}

pub(super) fn add_files(sample: &mut Sample, files: &[&str]) {
    let files = files.iter().map(ToString::to_string);
    firmware(sample).esps[0].files.extend(files);
}

pub(super) fn content(kind: &str, uuid: &str) -> Content {
    Content {
        kind: kind.to_owned(),
        uuid: Some(uuid.to_owned()),
        label: None,
    }
}

/// A disk and its partitions, as the kernel would name them.
pub(super) fn rename(disk: &mut Disk, name: &str) {
    name.clone_into(&mut disk.name);
    disk.device = format!("/dev/{name}");
    let devices: Vec<String> = disk
        .partitions
        .iter()
        .map(|it| disk.partition_device(it.number))
        .collect();
    let partitions = disk.partitions.iter_mut();
    partitions
        .zip(devices)
        .for_each(|(partition, device)| partition.device = device);
}

pub(super) fn on_nvme(mount: &mut Mount) {
    mount.device = mount.device.replace("vda", "nvme0n1p");
}

/// Another disk with partitions of its own.
fn other_disk(sample: &Sample, partitions: Vec<FoundPartition>) -> Disk {
    let mut disk = Disk {
        identities: vec![DiskIdentity::Serial("JUMP0002".to_owned())],
        sectors: 1 << 30,
        partitions,
        ..sample.facts.disks[0].clone()
    };
    rename(&mut disk, "vdb");
    disk
}

pub(super) fn data_disk(sample: &mut Sample) {
    let mut data = sample.facts.disks[0].partitions[3].clone();
    data.number = 1;
    data.partition.partuuid = Some("aaaaaaaa-7c3d-4e5f-9a0b-1c2d3e4f5061".to_owned());
    data.content = Some(content("xfs", "66666666-0000-4000-8000-000000000001"));
    let disk = other_disk(sample, vec![data]);
    sample.facts.disks.push(disk);
    let mut mount = sample.facts.mounts[1].clone();
    mount.device = "/dev/vdb1".to_owned();
    mount.target = "/scratch".to_owned();
    mount.fs = "xfs".to_owned();
    mount.owners = Some(FileOwners {
        complete: true,
        ..FileOwners::default()
    });
    sample.facts.mounts.push(mount);
    sample.facts.fstab += "UUID=66666666-0000-4000-8000-000000000001 /scratch xfs defaults 0 2\n";
}

pub(super) fn esp_elsewhere(sample: &mut Sample) {
    let esp = sample.facts.disks[0].partitions.remove(0);
    let disk = other_disk(sample, vec![esp]);
    sample.facts.disks.push(disk);
    firmware(sample).esps[0].device = "/dev/vdb1".to_owned();
}

/// The second is of an installation that is gone, and a copy of the first.
pub(super) fn two_esps(sample: &mut Sample) {
    let disk = &mut sample.facts.disks[0];
    let mut second = disk.partitions[0].clone();
    let start = disk.partitions[3].extent().end();
    second.device = "/dev/vda5".to_owned();
    second.partition.number = 5;
    second.partition.start = start;
    second.partition.type_code = GPT_ESP.to_owned();
    second.partition.partuuid = Some(ESP.replace('8', "9"));
    disk.partitions.push(second);
    let esps = &mut firmware(sample).esps;
    let second = FoundEsp {
        device: "/dev/vda5".to_owned(),
        ..esps[0].clone()
    };
    esps.push(second);
}

/// Where the old system has its EFI system partition.
pub(super) fn esp_at(sample: &mut Sample, mount: &str) {
    sample.facts.fstab = format!("UUID=6A75-0001 {mount} vfat umask=0077 0 1\n");
}

pub(super) fn job_with(partition: &str) -> Job {
    let text = format!(
        "[images]\njump = 'jump'\ntarget = 'target'\n{partition}\
         [[layout.partition]]\nnumber = 3\naction = 'format'\nmount = '/'\n"
    );
    Job::parse(&text).unwrap()
}

pub(super) fn job_with_esp(mount: &str) -> Job {
    job_with(&format!(
        "[[layout.partition]]\nnumber = 1\naction = 'keep'\nmount = '{mount}'\n"
    ))
}

pub(super) fn windows(sample: &mut Sample) {
    sample.facts.disks[0].partitions[3].content = Some(content("ntfs", "01D0A5F1C2B3A490"));
    sample.facts.mounts.retain(|mount| mount.target != "/data");
    add_files(sample, &["EFI/Microsoft/Boot", "EFI/Boot/bootx64.efi"]);
    let manager = "EFI/Microsoft/Boot/bootmgfw.efi";
    let windows = entry(0, "Windows Boot Manager", Some(manager));
    firmware(sample).entries.push(windows);
    firmware(sample).order = Some(order(&[4, 0, 1]));
}

pub(super) fn of_bios(manifest: &mut Manifest) {
    manifest.signed = None;
    manifest.loaders.truncate(1);
    manifest
        .mountable
        .retain(|fs| fs != "vfat" && fs != "efivarfs");
    manifest.filesystems.retain(|fs| fs != "vfat");
}
