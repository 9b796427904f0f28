//! Nodes whose jump system lies in memory: when, what is planned, and what is refused.

use super::codes_of;
use super::uefi::sample;
use crate::job::LandingChoice;
use crate::planner::sample::Sample;
use crate::selector::{Actions, Doubt, Selector};
use crate::step::{ImageRole, Step};
use crate::words::size::Size;

/// A node whose EFI system partition has room.
fn roomy() -> Sample {
    let mut sample = sample();
    sample.facts.uefi.as_mut().unwrap().esps[0].free = Some(Size::mib(300));
    sample
}

/// A node that has neither swap nor free room, and asks for nothing.
fn crowded() -> Sample {
    let mut sample = roomy();
    sample.facts.swaps.clear();
    let disk = &mut sample.facts.disks[0];
    let swap = &mut disk.partitions[1];
    swap.swap_active = false;
    swap.content.as_mut().unwrap().kind = "xfs".to_owned();
    let used = disk.partitions.iter().map(|it| it.extent().end()).max();
    disk.table.as_mut().unwrap().last_usable = used.unwrap() - 1;
    sample
}

fn with_esp(change: impl FnOnce(&mut Sample)) -> Sample {
    let mut sample = roomy();
    sample.job.landing.partition = LandingChoice::Esp;
    change(&mut sample);
    sample
}

fn refused(change: impl FnOnce(&mut Sample)) -> Vec<String> {
    codes_of(&with_esp(change).planned().unwrap_err())
}

#[test]
fn a_node_with_neither_swap_nor_room_gets_it_in_memory() {
    let plan = crowded().planned().unwrap();
    let landing = &plan.landing;
    assert!(landing.is_in_memory() && !landing.is_made());
    assert_eq!((landing.number, landing.borrowed()), (1, None));
    assert_eq!(landing.fs_uuid, "6A75-0001");
    assert_eq!(landing.swap(), None);
    let told = plan.notes.iter().any(|note| note.contains("resume --job"));
    assert!(told, "{:?}", plan.notes);
    assert!(plan.destroyed.iter().all(|it| !it.contains("/dev/vda1")));
}

#[test]
fn a_swap_partition_stays_swap() {
    let plan = with_esp(|_| ()).planned().unwrap();
    assert!(plan.landing.is_in_memory());
    assert!(!plan.steps.old.contains(&Step::SwapOff));
    let kept = plan.kept.iter().any(|it| it.starts_with("/dev/vda2"));
    assert!(kept, "{:?}", plan.kept);
}

#[test]
fn the_image_comes_when_no_boot_is_left_before_the_commit_and_again_before_it_is_used() {
    let steps = with_esp(|_| ()).planned().unwrap().steps;
    assert_eq!(steps.old[0], Step::TakeMemory);
    let is_target = |step: &Step| {
        let (Step::Receive { image, .. } | Step::AwaitImage { image, .. }) = step else {
            return false;
        };
        *image == ImageRole::Target
    };
    assert!(!steps.old.iter().any(is_target));
    let [.., order, awaited, commit] = steps.prove.as_slice() else {
        panic!("{:?}", steps.prove);
    };
    assert_eq!((order, commit), (&Step::FollowOrder, &Step::Commit));
    assert!(is_target(awaited));
    let at = |wanted: &Step| steps.replace.iter().position(|step| step == wanted);
    assert_eq!(at(awaited).map(|at| at + 1), at(&Step::Extract));
}

#[test]
fn an_order_that_is_trusted_is_turned_with_the_image_there() {
    let plan = with_esp(|sample| sample.follows = true).planned().unwrap();
    assert!(plan.steps.prove.ends_with(&[Step::TurnOrder, Step::Commit]));
}

#[test]
fn the_loader_finds_all_of_it_in_the_run_s_own_directory() {
    let plan = with_esp(|_| ()).planned().unwrap();
    let selector = Selector::of(&plan, Doubt::Old).unwrap();
    for text in [
        selector.embedded_config(&Actions::Real),
        selector.config(&Actions::Real),
    ] {
        let named = text.matches("/jump/selector/").count();
        assert!(named > 0);
        let in_it = text.matches("/EFI/jump/landing/jump/selector/").count();
        assert_eq!(named, in_it, "{text}");
        assert!(text.contains("/EFI/jump/landing/boot/root.img"), "{text}");
    }
    let arguments = &plan.jump.arguments;
    assert!(arguments.iter().any(|it| it == "rootfstype=ramfs"));
    assert!(!arguments.iter().any(|it| it.starts_with("root=")));
}

#[test]
fn what_it_has_no_room_or_memory_for_is_refused() {
    let esp = |sample: &mut Sample, free| {
        let uefi = sample.facts.uefi.as_mut().unwrap();
        uefi.esps[0].free = Some(free);
    };
    assert_eq!(refused(|sample| esp(sample, Size::mib(60))), ["esp-full"]);
    let after_a_run = with_esp(|sample| {
        esp(sample, Size::mib(1));
        sample.facts.uefi.as_mut().unwrap().esps[0].left = Size::mib(299);
    });
    assert!(after_a_run.planned().is_ok());
    assert_eq!(
        refused(|sample| sample.facts.memory = Size::mib(767)),
        ["memory-too-small"]
    );
    assert_eq!(
        refused(|sample| sample.facts.memory_available = Some(Size::mib(200))),
        ["memory-too-small"]
    );
    assert_eq!(
        refused(|sample| {
            let esp = &mut sample.facts.disks[0].partitions[0];
            esp.content.as_mut().unwrap().uuid = None;
        }),
        ["esp-unknown"]
    );
}

#[test]
fn a_kernel_that_cannot_unpack_its_root_is_refused() {
    let no_zstd = |sample: &mut Sample| {
        let codecs = ["gzip", "xz"].map(str::to_owned).to_vec();
        sample.jump.manifest.initramfs_codecs = Some(codecs);
    };
    let refusals = with_esp(no_zstd).planned().unwrap_err();
    assert_eq!(codes_of(&refusals), ["image-unfit"]);
    let message = &refusals[0].message;
    assert!(message.contains("CONFIG_RD_ZSTD"), "{message}");
    assert!(message.contains("6.1.0-28-amd64"), "{message}");
    let mut nothing_else = crowded();
    no_zstd(&mut nothing_else);
    let refusals = nothing_else.planned().unwrap_err();
    assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
    let message = &refusals[0].message;
    assert!(message.contains("CONFIG_RD_ZSTD"), "{message}");
    let mut swap = roomy();
    no_zstd(&mut swap);
    assert!(swap.planned().is_ok(), "its initramfs is the image's own");
}

#[test]
fn holes_are_filled_in_memory_and_every_processor_has_its_share() {
    let memory = |change: &dyn Fn(&mut Sample)| {
        let refusals = with_esp(|sample| {
            sample.facts.memory = Size::mib(768);
            change(sample);
        });
        let refusals = refusals.planned().unwrap_err();
        assert_eq!(codes_of(&refusals), ["memory-too-small"]);
        refusals[0].message.clone()
    };
    // 600 MiB of files with a tenth, the packed root or the target image, and 256 MiB.
    let whole = memory(&|_| ());
    assert!(whole.contains("needs 1.1 GiB"), "{whole}");
    let sparse = memory(&|sample| sample.jump.in_memory.pages = Size::mib(1600));
    assert!(sparse.contains("needs 2.2 GiB"), "{sparse}");
    let many = memory(&|sample| sample.facts.processors = Some(512));
    assert!(many.contains("needs 3.1 GiB"), "{many}");
    // In the old system they stay holes.
    let sparse = with_esp(|sample| {
        sample.jump.in_memory.pages = Size::mib(1600);
        sample.facts.memory = Size::mib(8192);
    });
    assert!(sparse.planned().is_ok());
}

#[test]
fn a_file_that_an_initramfs_cannot_hold_is_refused() {
    let largest = |largest| {
        move |sample: &mut Sample| {
            sample.facts.memory = Size::mib(16384);
            sample.jump.in_memory.largest = largest;
        }
    };
    assert_eq!(refused(largest(Size::mib(4096))), ["image-unfit"]);
    let just = with_esp(largest(Size(Size::mib(4096).bytes() - 1)));
    assert!(just.planned().is_ok());
}

#[test]
fn what_an_earlier_run_has_left_on_a_partition_is_given_back_first() {
    let leave = |sample: &mut Sample| {
        let swap = &mut sample.facts.disks[0].partitions[1];
        swap.swap_active = false;
        let content = swap.content.as_mut().unwrap();
        content.kind = "ext4".to_owned();
        content.label = Some(crate::plan::LANDING_LABEL.to_owned());
        sample.facts.swaps.clear();
    };
    let refusals = with_esp(leave).planned().unwrap_err();
    assert_eq!(codes_of(&refusals), ["jump-in-progress"]);
    let message = &refusals[0].message;
    assert!(message.contains("/dev/vda2"), "{message}");
    let mut auto = roomy();
    leave(&mut auto);
    let plan = auto.planned().unwrap();
    assert_eq!(plan.landing.device, "/dev/vda2", "it is used again");
}

#[test]
fn a_partition_that_others_may_read_keeps_no_secrets() {
    let open = |sample: &mut Sample| sample.facts.uefi.as_mut().unwrap().esps[0].open = true;
    assert_eq!(refused(open), ["esp-open"]);
    let mut swap = roomy();
    open(&mut swap);
    assert!(swap.planned().is_ok(), "it lies elsewhere");
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
fn a_bios_has_nothing_to_boot_it_from() {
    let facts = crate::planner::sample::facts();
    let mut job = crate::planner::sample::job();
    job.landing.partition = LandingChoice::Esp;
    let refusals = super::planned(&facts, &job).unwrap_err();
    assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
}
