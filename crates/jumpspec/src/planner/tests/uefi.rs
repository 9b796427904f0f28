//! Nodes that boot by UEFI: what is planned for their firmware, and what is refused of it.

mod machines;
mod node;

use super::codes_of;
use crate::boot::uefi::found::FoundUefi;
use crate::boot::uefi::{EntryNumber, UefiBoot};
use crate::disk::DiskIdentity;
use crate::job::{Action, FirmwareProof, Job, LandingChoice};
use crate::plan::Plan;
use crate::planner::Rehearsal;
use crate::planner::sample::Sample;
use crate::step::Step;
use crate::words::size::Size;
pub(super) use node::sample;
use node::{ESP, SHIM, file, order};

fn planned(change: impl FnOnce(&mut Sample)) -> UefiBoot {
    let mut sample = sample();
    change(&mut sample);
    let plan = sample.planned().unwrap();
    plan.boot.uefi().unwrap().clone()
}

fn refused(change: impl FnOnce(&mut FoundUefi)) -> Vec<String> {
    refused_sample(|sample| change(sample.facts.uefi.as_mut().unwrap()))
}

fn refused_sample(change: impl FnOnce(&mut Sample)) -> Vec<String> {
    let mut sample = sample();
    change(&mut sample);
    codes_of(&sample.planned().unwrap_err())
}

#[test]
fn the_selector_gets_an_entry_of_its_own_and_a_loader_in_its_place_keeps_its_entry() {
    let boot = planned(|_| ());
    assert_eq!(
        (boot.entry, boot.old_entry),
        (EntryNumber(0), EntryNumber(4))
    );
    assert_eq!(boot.old.as_str(), SHIM);
    assert_eq!((boot.new_entry, boot.new.as_str()), (EntryNumber(4), SHIM));
    assert_eq!(boot.order, order(&[4, 1]));
}

#[test]
fn another_distribution_gets_an_entry_of_its_own() {
    let boot = planned(|sample| sample.target.manifest.os.id = "ubuntu".to_owned());
    assert_eq!(boot.new.as_str(), "EFI/ubuntu/shimx64.efi");
    assert_eq!(
        (boot.new_entry, boot.new_name.as_str()),
        (EntryNumber(2), "ubuntu")
    );
}

#[test]
fn an_image_without_signed_loaders_boots_by_grub_itself() {
    let boot = planned(|sample| sample.target.manifest.signed = None);
    assert_eq!(boot.new.as_str(), "EFI/debian/grubx64.efi");
}

#[test]
fn the_esp_is_kept_and_mounted_where_the_job_says_nothing() {
    let plan = sample().planned().unwrap();
    let esp = plan.filesystems.iter().find(|it| it.number == 1).unwrap();
    assert!(esp.kept && esp.mount == "/boot/efi" && esp.fs == "vfat");
    let line = plan.fstab.lines().find(|line| line.contains("/boot/efi"));
    assert!(line.unwrap().contains("umask=0077"), "{}", plan.fstab);
}

#[test]
fn the_firmware_is_seen_to_follow_before_the_commit_and_the_end() {
    let steps = sample().planned().unwrap().steps;
    assert_eq!(steps.prove.first(), Some(&Step::ProveFirmware));
    assert!(steps.prove.ends_with(&[Step::FollowOrder, Step::Commit]));
    let at = |wanted: &Step| steps.new.iter().position(|step| step == wanted).unwrap();
    assert!(at(&Step::Confirm) < at(&Step::FollowEntry));
    assert!(at(&Step::FollowEntry) < at(&Step::ReturnLanding));
}

#[test]
fn a_rehearsal_sees_the_order_followed_too() {
    let mut sample = sample();
    sample.rehearsal = Some(Rehearsal::Firmware);
    let steps = sample.planned().unwrap().steps;
    assert_eq!(steps.prove.last(), Some(&Step::FollowOrder));
}

#[test]
fn names_of_files_are_fats() {
    let boot = planned(|sample| {
        let uefi = sample.facts.uefi.as_mut().unwrap();
        uefi.entries[1].file = Some(file("efi/DEBIAN/SHIMX64.EFI"));
    });
    assert_eq!(boot.old.as_str(), SHIM);
}

#[test]
fn refuses_what_somebody_else_decides() {
    let foreign = ["boot-order-foreign"];
    assert_eq!(refused(|uefi| uefi.order = Some(order(&[1, 4]))), foreign);
    assert_eq!(refused(|uefi| uefi.order = None), foreign);
    assert_eq!(refused(|uefi| uefi.next = Some(EntryNumber(1))), foreign);
}

#[test]
fn refuses_a_boot_that_no_entry_explains() {
    let unknown = ["loader-unknown"];
    assert_eq!(refused(|uefi| uefi.current = None), unknown);
    assert_eq!(refused(|uefi| uefi.current = Some(EntryNumber(9))), unknown);
    assert_eq!(refused(|uefi| uefi.entries[1].file = None), unknown);
    assert_eq!(refused_sample(|sample| sample.facts.uefi = None), unknown);
}

#[test]
fn refuses_firmware_that_follows_no_entry_or_starts_no_loader_of_ours() {
    let unsupported = ["firmware-unsupported"];
    let fallback = |uefi: &mut FoundUefi| uefi.entries[1].file = Some(file("EFI/Boot/bootx64.efi"));
    assert_eq!(refused(fallback), unsupported);
    assert_eq!(refused(|uefi| uefi.bits = Some(32)), unsupported);
    assert_eq!(refused(|uefi| uefi.bits = None), unsupported);
}

#[test]
fn refuses_variables_that_cannot_be_written() {
    let full = |uefi: &mut FoundUefi| uefi.unwritable = Some("no space left".to_owned());
    assert_eq!(refused(full), ["firmware-unwritable"]);
}

#[test]
fn refuses_an_esp_that_is_another_or_cannot_be_used() {
    let unknown = ["esp-unknown"];
    let elsewhere = |uefi: &mut FoundUefi| {
        let file = uefi.entries[1].file.as_mut().unwrap();
        file.esp.partuuid = ESP.replace('8', "9");
    };
    assert_eq!(refused(elsewhere), unknown);
    // Firmware compares number and start too.
    let moved = |uefi: &mut FoundUefi| uefi.entries[1].file.as_mut().unwrap().esp.number = 5;
    assert_eq!(refused(moved), unknown);
    assert_eq!(refused(|uefi| uefi.esps[0].free = None), unknown);
    assert_eq!(refused(|uefi| uefi.esps.clear()), unknown);
    assert_eq!(refused(|uefi| uefi.esps[0].has_boot_grub = true), unknown);
    assert_eq!(refused(|uefi| uefi.esps[0].files.clear()), unknown);
    let twin = |sample: &mut Sample| {
        let mut disk = sample.facts.disks[0].clone();
        "/dev/vdb".clone_into(&mut disk.device);
        disk.identities = vec![DiskIdentity::Serial("JUMP0002".to_owned())];
        sample.facts.disks.push(disk);
    };
    assert!(refused_sample(twin).contains(&"esp-unknown".to_owned()));
}

#[test]
fn refuses_an_esp_without_room_and_a_layout_that_changes_it() {
    assert_eq!(
        refused(|uefi| uefi.esps[0].free = Some(Size::mib(7))),
        ["esp-full"]
    );
    let format = |sample: &mut Sample| {
        let text = "[images]\njump = 'jump'\ntarget = 'target'\n\
             [[layout.partition]]\nnumber = 1\naction = 'format'\nmount = '/boot'\n\
             [[layout.partition]]\nnumber = 3\naction = 'format'\nmount = '/'\n";
        sample.job = Job::parse(text).unwrap();
    };
    assert_eq!(refused_sample(format), ["loader-in-layout"]);
}

#[test]
fn refuses_kernels_that_could_not_work_with_esp_or_variables() {
    for fs in ["vfat", "efivarfs"] {
        let of_jump = |sample: &mut Sample| sample.jump.manifest.mountable.retain(|it| it != fs);
        let of_new = |sample: &mut Sample| sample.target.manifest.mountable.retain(|it| it != fs);
        assert_eq!(refused_sample(of_jump), ["image-unfit"]);
        assert_eq!(refused_sample(of_new), ["image-unfit"]);
    }
    let no_fsck = |sample: &mut Sample| sample.jump.manifest.filesystems.retain(|it| it != "vfat");
    assert_eq!(refused_sample(no_fsck), ["image-unfit"]);
}

#[test]
fn secure_boot_asks_for_signed_loaders() {
    let unsigned = |sample: &mut Sample| {
        sample.facts.uefi.as_mut().unwrap().secure_boot = true;
        sample.target.manifest.signed = None;
    };
    assert_eq!(refused_sample(unsigned), ["loader-unsigned"]);
    let of_jump = |sample: &mut Sample| sample.jump.manifest.signed = None;
    assert_eq!(refused_sample(of_jump), ["boot-mode-not-offered"]);
    let no_grub = |sample: &mut Sample| sample.target.manifest.loaders.truncate(1);
    assert_eq!(refused_sample(no_grub), ["boot-mode-not-offered"]);
}

#[test]
fn refuses_a_system_whose_directory_of_loaders_would_be_the_selectors_or_none() {
    for name in ["", "JUMP", "a/b"] {
        let called = |sample: &mut Sample| name.clone_into(&mut sample.target.manifest.os.id);
        assert_eq!(refused_sample(called), ["image-unfit"], "{name}");
    }
}

#[test]
fn large_blocks_are_the_firmwares_and_a_gpts() {
    let mut sample = sample();
    sample.facts.disks[0].logical_sector = 4096;
    let uefi = sample.facts.uefi.as_mut().unwrap();
    for entry in &mut uefi.entries {
        if let Some(file) = &mut entry.file {
            file.esp.extent.start /= 8;
            file.esp.extent.sectors /= 8;
        }
    }
    let plan = sample.planned().unwrap();
    let esp = &plan.boot.uefi().unwrap().esp;
    assert_eq!(esp.extent.start * 8, plan.disk.before[0].start);
    // An MBR has none, and a disk that counts otherwise than the firmware is not the one it booted from.
    sample.facts.disks[0].logical_sector = 512;
    assert_eq!(codes_of(&sample.planned().unwrap_err()), ["esp-unknown"]);
}

/// What the jump system does before the commit, by whether this host has seen such firmware follow.
fn proofs(proof: FirmwareProof, follows: bool, rehearsal: bool) -> Vec<Step> {
    let mut sample = Sample {
        rehearsal: rehearsal.then_some(Rehearsal::Firmware),
        follows,
        ..sample()
    };
    sample.job.prove.firmware = proof;
    sample.planned().unwrap().steps.prove
}

#[test]
fn the_order_is_shown_until_it_was_seen_or_the_job_says_otherwise() {
    use FirmwareProof::{Auto, Once, Twice};
    for (proof, follows, shown) in [
        (Auto, false, true),
        (Auto, true, false),
        (Once, false, false),
        (Once, true, false),
        (Twice, false, true),
        (Twice, true, true),
    ] {
        let steps = proofs(proof, follows, false);
        let wanted = if shown {
            Step::FollowOrder
        } else {
            Step::TurnOrder
        };
        assert!(
            steps.ends_with(&[wanted, Step::Commit]),
            "{proof:?} {follows}"
        );
        // A rehearsal changes no order that it does not show.
        let rehearsed = proofs(proof, follows, true);
        assert_eq!(rehearsed.contains(&Step::FollowOrder), shown);
        assert!(!rehearsed.contains(&Step::TurnOrder));
    }
}

/// A machine whose EFI system partition, the first of its disk, is on another one than its root.
fn with_esp_beside(sample: &mut Sample) {
    let esp = sample.facts.disks[0].partitions.remove(0);
    let mut disk = sample.facts.disks[0].clone();
    disk.identities = vec![DiskIdentity::Serial("JUMP0002".to_owned())];
    "/dev/vdb".clone_into(&mut disk.device);
    disk.partitions = vec![esp];
    disk.partitions[0].device = "/dev/vdb1".to_owned();
    sample.facts.disks.push(disk);
    let uefi = sample.facts.uefi.as_mut().unwrap();
    uefi.esps[0].device = "/dev/vdb1".to_owned();
}

#[test]
fn an_esp_may_be_on_a_disk_that_is_not_replaced() {
    let mut sample = node::sample();
    with_esp_beside(&mut sample);
    let plan = sample.planned().unwrap();
    let uefi = plan.boot.uefi().unwrap();
    let beside = uefi.beside.as_ref().unwrap();
    assert_eq!((beside.device.as_str(), uefi.esp.number), ("/dev/vdb", 1));
    assert_eq!(beside.identities, sample.facts.disks[1].identities);
    assert_eq!(plan.esp_disk().unwrap().device, "/dev/vdb");
    assert_eq!(
        plan.disks().map(|it| it.device).collect::<Vec<_>>(),
        ["/dev/vda", "/dev/vda", "/dev/vdb"]
    );
    // Nothing of the disk that is replaced is taken for it, and the new system mounts it.
    assert!(plan.filesystems.iter().all(|it| it.number != 1));
    let line = "UUID=6A75-0001 /boot/efi vfat umask=0077 0 2";
    let spaced = plan.fstab.replace(['\t'], " ");
    assert!(spaced.contains(line), "{spaced}");
    // Where the jump system lies in memory, its partition is the same.
    sample.job.landing.partition = LandingChoice::Esp;
    sample.facts.uefi.as_mut().unwrap().esps[0].free = Some(Size::mib(400));
    let plan = sample.planned().unwrap();
    assert_eq!(plan.landing_disk().device, "/dev/vdb");
    assert_eq!(plan.landing.number_on_replaced(), None);
    let names = |plan: &Plan| {
        plan.kept
            .iter()
            .filter(|it| it.contains("/dev/vdb1"))
            .count()
    };
    assert_eq!(names(&plan), 1, "{:?}", plan.kept);
}

#[test]
fn a_disk_with_the_esp_has_to_be_known_and_its_place_in_the_new_system_is_its_own() {
    let unknown = |sample: &mut Sample| {
        with_esp_beside(sample);
        sample.facts.disks[1].identities.clear();
    };
    assert_eq!(refused_sample(unknown), ["disk-not-identifiable"]);
    let twin = |sample: &mut Sample| {
        with_esp_beside(sample);
        sample.facts.disks[1].identities = sample.facts.disks[0].identities.clone();
    };
    assert!(refused_sample(twin).contains(&"disk-not-identifiable".to_owned()));
    let taken = |sample: &mut Sample| {
        with_esp_beside(sample);
        let mut wish = sample.job.layout.partitions.iter_mut();
        let wish = wish.next_back().unwrap();
        wish.mount = Some("/boot/efi".to_owned());
        wish.action = Action::Format;
    };
    assert!(refused_sample(taken).contains(&"layout-impossible".to_owned()));
    // The layout is about the other disk, whose first partition may be made anew.
    let of_that_number = |sample: &mut Sample| {
        with_esp_beside(sample);
        let data = sample.facts.disks[0].partitions.last_mut().unwrap();
        data.partition.number = 1;
    };
    let mut sample = node::sample();
    of_that_number(&mut sample);
    let wish = sample.job.layout.partitions.last_mut().unwrap();
    (wish.number, wish.action) = (1, Action::Format);
    sample.planned().unwrap();
}
