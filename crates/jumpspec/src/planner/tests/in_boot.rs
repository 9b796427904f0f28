//! Nodes that boot by a BIOS and whose jump system lies in memory, booted from a partition of /boot: when,
//! what is planned, and what is refused.

use super::codes_of;
use crate::job::{Action, LandingChoice};
use crate::node::facts::{FoundBoot, JumpInProgress};
use crate::plan::{Keeper, LandingKind};
use crate::planner::sample::{Sample, facts, job};
use crate::selector::{Actions, Doubt, Selector};
use crate::step::{Stage, Step};
use crate::words::digest::Digest;
use crate::words::size::Size;

/// A feature word of mkfs.ext4 1.47: journal to replay, extents, 64bit, flex_bg, metadata_csum_seed.
const FEATURES: u32 = 0x2 | 0x4 | 0x40 | 0x80 | 0x200 | 0x2000;

/// The demo's node, whose job leaves its /boot as it is.
fn sample() -> Sample {
    let mut sample = Sample::of(&facts(), &job());
    sample.job.layout.partitions.retain(|wish| wish.number != 1);
    sample.facts.boot = Some(FoundBoot {
        device: "/dev/vda1".to_owned(),
        free: Size::mib(300),
        left: Size(0),
        writable: true,
        data_in_journal: false,
        features: FEATURES,
    });
    sample
}

/// The same with neither swap nor free room.
fn crowded() -> Sample {
    let mut sample = sample();
    sample.facts.swaps.clear();
    let disk = &mut sample.facts.disks[0];
    let swap = &mut disk.partitions[1];
    swap.swap_active = false;
    swap.content.as_mut().unwrap().kind = "xfs".to_owned();
    let used = disk.partitions.iter().map(|it| it.extent().end()).max();
    disk.table.as_mut().unwrap().last_usable = used.unwrap() - 1;
    sample
}

fn with_boot(change: impl FnOnce(&mut Sample)) -> Sample {
    let mut sample = sample();
    sample.job.landing.partition = LandingChoice::Boot;
    change(&mut sample);
    sample
}

fn refused(change: impl FnOnce(&mut Sample)) -> Vec<String> {
    codes_of(&with_boot(change).planned().unwrap_err())
}

fn of_boot(sample: &mut Sample) -> &mut FoundBoot {
    sample.facts.boot.as_mut().unwrap()
}

#[test]
fn a_node_with_neither_swap_nor_room_gets_it_in_memory() {
    let plan = crowded().planned().unwrap();
    let landing = &plan.landing;
    assert_eq!(landing.kind, LandingKind::InMemory { on: Keeper::Boot });
    assert_eq!((landing.number, landing.borrowed()), (1, None));
    assert_eq!(landing.fs_uuid, "11111111-0000-4000-8000-000000000001");
    assert_eq!(plan.steps.old[0], Step::TakeMemory);
    let told = plan.notes.iter().any(|note| note.contains("resume --job"));
    assert!(told, "{:?}", plan.notes);
    let kept = plan.kept.iter().find(|it| it.starts_with("/dev/vda1"));
    insta::assert_snapshot!(kept.unwrap(), @"/dev/vda1 (512.0 MiB, ext4 at /boot with 100.0 MiB in use): has the jump system's kernel and root for the time of the run");
    assert!(!plan.fstab.contains(" /boot "), "{}", plan.fstab);
}

#[test]
fn swap_and_free_room_come_first() {
    let plan = sample().planned().unwrap();
    assert_eq!(plan.landing.number, 2);
    let mut roomy = crowded();
    let disk = &mut roomy.facts.disks[0];
    // An MBR has four.
    disk.partitions.truncate(3);
    roomy.job.layout.partitions.retain(|it| it.number == 3);
    roomy.facts.mounts.retain(|it| it.target != "/data");
    assert!(roomy.planned().unwrap().landing.is_made());
}

#[test]
fn the_loader_finds_all_of_it_in_the_run_s_own_directory_and_asks_for_its_digests() {
    let plan = with_boot(|_| ()).planned().unwrap();
    let selector = Selector::of(&plan, Doubt::Old).unwrap();
    for text in [
        selector.embedded_config(&Actions::Real),
        selector.config(&Actions::Real),
    ] {
        let named = text.matches("/jump/selector/").count();
        assert!(named > 0);
        let in_it = text.matches("/jump-landing/jump/selector/").count();
        assert_eq!(named, in_it, "{text}");
        assert!(text.contains("/jump-landing/boot/root.img"), "{text}");
    }
    let [kernel, root] = selector.hash_lists();
    assert!(kernel.unwrap().ends_with("  jump-landing/boot/vmlinuz\n"));
    assert_eq!(root, None);
    let packed = selector.initramfs_list(Digest::of(b"packed"));
    assert!(
        packed.ends_with("  jump-landing/boot/root.img\n"),
        "{packed}"
    );
}

#[test]
fn a_layout_that_changes_the_partition_is_refused() {
    for action in [Action::Format, Action::Delete] {
        let mut sample = with_boot(|sample| {
            let mut wish = job().layout.partitions.remove(0);
            wish.action = action;
            wish.mount = wish.mount.filter(|_| action == Action::Format);
            sample.job.layout.partitions.insert(0, wish);
        });
        let refusals = sample.planned().unwrap_err();
        assert_eq!(codes_of(&refusals), ["landing-in-layout"]);
        assert!(refusals[0].hint.contains("/boot in its root"));
        sample.job.layout.partitions[0].action = Action::Keep;
        sample.job.layout.partitions[0].mount = Some("/old-boot".to_owned());
        assert!(sample.planned().is_ok());
    }
}

#[test]
fn what_would_not_keep_it_is_refused() {
    assert_eq!(
        refused(|it| of_boot(it).free = Size::mib(60)),
        ["boot-full"]
    );
    let after_a_run = with_boot(|sample| {
        of_boot(sample).free = Size::mib(60);
        of_boot(sample).left = Size::mib(240);
    });
    assert!(after_a_run.planned().is_ok());
    assert_eq!(refused(|it| of_boot(it).writable = false), ["boot-unfit"]);
    let journalled = |it: &mut Sample| of_boot(it).data_in_journal = true;
    assert_eq!(refused(journalled), ["boot-unfit"]);
    assert_eq!(
        refused(|it| it.facts.memory = Size::mib(767)),
        ["memory-too-small"]
    );
    let without_uuid = |it: &mut Sample| {
        let boot = &mut it.facts.disks[0].partitions[0];
        boot.content.as_mut().unwrap().uuid = None;
    };
    assert_eq!(refused(without_uuid), ["boot-unfit"]);
    let half = |it: &mut Sample| it.facts.disks[0].partitions[0].holders = vec!["md0".to_owned()];
    assert_eq!(refused(half), ["landing-stacked"]);
    let mkfs = |it: &mut Sample| it.jump.manifest.filesystems.clear();
    assert!(refused(mkfs).contains(&"image-unfit".to_owned()));
}

#[test]
fn what_an_earlier_run_has_left_there_goes_by_the_next_one_that_takes_its_place() {
    let with_rest = |sample: &mut Sample| {
        sample.facts.jump = Some(JumpInProgress {
            run: "0000000000000001".parse().unwrap(),
            stage: Some(Stage::Stage),
            live: false,
            origin: None,
            landing: None,
            kept: Some("/dev/vda1".to_owned()),
            swap: None,
            made: false,
        });
    };
    assert!(with_boot(with_rest).planned().is_ok());
    let mut swap = sample();
    with_rest(&mut swap);
    let refusals = swap.planned().unwrap_err();
    assert_eq!(codes_of(&refusals), ["jump-in-progress"]);
    assert!(refusals[0].hint.contains("jumpimg abort"));
}

#[test]
fn a_file_system_that_grub_does_not_read_is_told_with_its_features() {
    let sample = with_boot(|it| of_boot(it).features |= 0x8000);
    let refusals = sample.planned().unwrap_err();
    assert_eq!(codes_of(&refusals), ["boot-unfit"]);
    insta::assert_snapshot!(refusals[0].message, @"/dev/vda1, the partition of /boot, is made with features that the selector's GRUB does not read (0x8000 inline_data)");
}

#[test]
fn a_node_without_such_a_partition_is_told_why() {
    let message = |change: fn(&mut Sample)| {
        let refusals = with_boot(change).planned().unwrap_err();
        assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
        refusals[0].message.clone()
    };
    let none = message(|sample| {
        sample.facts.boot = None;
        sample.facts.mounts.retain(|it| it.target != "/boot");
    });
    insta::assert_snapshot!(none, @"this node has no partition of its own for /boot to boot a system in memory from");
    let another = message(|sample| {
        sample.facts.boot = None;
        let mut mounts = sample.facts.mounts.iter_mut();
        mounts.find(|it| it.target == "/boot").unwrap().fs = "xfs".to_owned();
    });
    insta::assert_snapshot!(another, @"/dev/vda1 at /boot is xfs, and a system in memory is booted from an ext2, ext3 or ext4");
    let elsewhere = message(|sample| of_boot(sample).device = "/dev/vdb1".to_owned());
    insta::assert_snapshot!(elsewhere, @"/dev/vdb1, the partition of /boot, is not on /dev/vda, the disk that boots and is replaced");
}

#[test]
fn where_it_does_not_fit_nothing_is_left_to_land_on() {
    let mut sample = crowded();
    sample.facts.memory = Size::mib(512);
    let refusals = sample.planned().unwrap_err();
    assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
    let message = &refusals[0].message;
    assert!(message.contains("512.0 MiB of memory"), "{message}");
}

#[test]
fn a_uefi_boots_it_from_its_own_partition() {
    let mut sample = super::uefi::sample();
    sample.job.landing.partition = LandingChoice::Boot;
    let refusals = sample.planned().unwrap_err();
    assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
    assert!(refusals[0].hint.contains("\"esp\""), "{}", refusals[0].hint);
}

#[test]
fn a_boot_that_is_not_mounted_is_told_as_that() {
    let noauto = |sample: &mut Sample| {
        sample.facts.boot = None;
        sample.facts.mounts.retain(|mount| mount.target != "/boot");
        sample.facts.fstab += "UUID=11111111-0000-4000-8000-000000000001 /boot ext4 noauto 0 0\n";
    };
    let refusals = with_boot(noauto).planned().unwrap_err();
    assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
    insta::assert_snapshot!(refusals[0].message, @"/boot is on a partition of its own (UUID=11111111-0000-4000-8000-000000000001 in fstab), which is not mounted, so what is free there is not known");
    assert_eq!(
        refusals[0].hint,
        "`mount /boot` on the node, then try again"
    );
    // Where nothing else can be had, it is told as well.
    let mut crowded = crowded();
    noauto(&mut crowded);
    let refusals = crowded.planned().unwrap_err();
    let told = refusals
        .iter()
        .any(|it| it.message.contains("is not mounted"));
    assert!(told, "{refusals:?}");
}
