//! Nodes whose landing partition is made in free room: when, where, and what is refused.

use super::*;
use crate::disk::FoundPartition;
use crate::plan::PlannedLanding;

const MIB: u64 = (1 << 20) / 512;
const GIB: u64 = 1024 * MIB;

/// The sample node without its swap partition: 2 GiB are free in its place, and 2.5 GiB at the end.
fn without_swap() -> Facts {
    let mut facts = facts();
    facts.disks[0].partitions.remove(1);
    facts.swaps.clear();
    facts.fstab = facts.fstab.replace("swap", "none");
    facts
}

/// The same with so many sectors at the end, and the hole taken.
fn with_tail(sectors: u64) -> Facts {
    let mut facts = facts();
    let disk = &mut facts.disks[0];
    disk.partitions[1].content = Some(Content {
        kind: "ext4".to_owned(),
        uuid: None,
        label: None,
    });
    disk.partitions[1].swap_active = false;
    disk.partitions.remove(3);
    let end = disk.partitions.iter().map(|it| it.extent().end()).max();
    disk.sectors = end.unwrap() + sectors;
    disk.table.as_mut().unwrap().last_usable = disk.sectors - 1;
    facts.mounts.retain(|mount| mount.device != "/dev/vda4");
    facts.swaps.clear();
    facts
}

/// The sample job without its wish for partition 4.
fn job_of_three() -> Job {
    let mut job = job();
    job.layout.partitions.truncate(2);
    job
}

fn landing(facts: &Facts, job: &Job) -> PlannedLanding {
    planned(facts, job).unwrap().landing
}

#[test]
fn it_goes_to_the_end_of_the_largest_free_run_and_is_gone_at_the_end() {
    let plan = planned(&without_swap(), &job()).unwrap();
    let landing = &plan.landing;
    assert_eq!((landing.number, landing.is_made()), (2, true));
    assert_eq!(landing.device, "/dev/vda2");
    assert_eq!(landing.start + landing.sectors, 9 * GIB);
    // What the sample's images need, and no more.
    assert_eq!(landing.sectors, 882 * MIB);
    assert_eq!(landing.swap(), None);
    let made = |partitions: &[crate::disk::Partition]| {
        let found = partitions.iter().find(|it| it.number == 2).cloned();
        found.unwrap()
    };
    let before: Vec<_> = plan
        .disk
        .before
        .iter()
        .map(FoundPartition::unchanged)
        .collect();
    assert_eq!(made(&before), made(&plan.disk.after));
    assert_eq!(made(&before).type_code, "0x83");
    assert_eq!(plan.steps.old[0], Step::AddLanding);
    assert!(!plan.steps.old.contains(&Step::SwapOff));
    assert!(plan.steps.new.contains(&Step::ReturnLanding));
    assert!(!plan.fstab.contains("swap"));
    let kept = plan
        .kept
        .iter()
        .filter(|it| it.contains("free again at its end"));
    assert_eq!(kept.count(), 1, "{:?}", plan.kept);
}

#[test]
fn swap_that_can_be_borrowed_is_the_first_choice_and_what_cannot_is_passed_over() {
    assert!(!landing(&facts(), &job()).is_made());
    let mut job = job_of_three();
    job.layout.partitions[0].number = 1;
    let mut small = with_tail(4 * GIB);
    small.disks[0].partitions[1] = facts().disks[0].partitions[1].clone();
    small.disks[0].partitions[1].sectors = 100 * MIB;
    assert!(landing(&small, &job).is_made());
    job.landing.partition = LandingChoice::Swap;
    assert_eq!(codes(&small, &job), ["landing-too-small"]);
}

#[test]
fn a_job_may_ask_for_it_beside_swap() {
    let mut facts = facts();
    facts.disks[0].partitions.remove(3);
    facts.mounts.retain(|mount| mount.device != "/dev/vda4");
    facts.fstab += "UUID=22222222-0000-4000-8000-000000000002 none swap sw 0 0\n";
    let mut job = job_of_three();
    job.landing.partition = LandingChoice::Free;
    let landing = landing(&facts, &job);
    assert_eq!((landing.number, landing.is_made()), (4, true));
    // Its swap stays what it is.
    let plan = planned(&facts, &job).unwrap();
    assert!(plan.fstab.contains("swap"), "{}", plan.fstab);
}

/// A disk beside the node's, with one partition and the rest of it free.
fn data_disk() -> Disk {
    let mut disk = facts().disks.remove(0);
    disk.name = "vdb".to_owned();
    disk.device = "/dev/vdb".to_owned();
    disk.identities = vec![DiskIdentity::Serial("OTHER".to_owned())];
    disk.loader = None;
    disk.partitions.truncate(1);
    let data = &mut disk.partitions[0];
    data.device = "/dev/vdb1".to_owned();
    data.content.as_mut().unwrap().uuid = None;
    data.partition.partuuid = Some("0badcafe-01".to_owned());
    disk.table.as_mut().unwrap().id = "0badcafe".to_owned();
    disk
}

/// A node without room, but on another disk, which differs by `change`.
fn with_room_beside(change: impl FnOnce(&mut Disk)) -> Facts {
    let mut facts = with_tail(100 * MIB);
    let mut other = data_disk();
    change(&mut other);
    facts.disks.push(other);
    facts
}

#[test]
fn room_on_another_disk_is_taken_where_the_replaced_one_has_none() {
    let facts = with_room_beside(|_| {});
    let plan = planned(&facts, &job_of_three()).unwrap();
    let landing = &plan.landing;
    assert_eq!((landing.device.as_str(), landing.number), ("/dev/vdb2", 2));
    assert!(landing.is_made());
    let beside = landing.beside.as_ref().unwrap();
    assert_eq!(beside.identities, facts.disks[1].identities);
    let numbers = |partitions: &[FoundPartition]| -> Vec<u32> {
        partitions.iter().map(|it| it.number).collect()
    };
    assert_eq!(numbers(&beside.before), [1, 2]);
    // The disk that is replaced has a partition of that number as well, and it is another.
    assert_eq!(numbers(&plan.disk.before), [1, 2, 3]);
    assert_eq!(
        (landing.number_on_replaced(), landing.borrowed()),
        (None, None)
    );
    assert_eq!(plan.landing_disk().device, "/dev/vdb");
    assert_eq!(plan.steps.old[0], Step::AddLanding);
    let made =
        "/dev/vdb2 (882.0 MiB): free room, made a partition for this run and free again at its end";
    assert!(plan.kept.contains(&made.to_owned()), "{:?}", plan.kept);
    let shown = crate::render::plan(&plan, &facts).to_string();
    assert!(!shown.contains("free room, borrowed"), "{shown}");
    // Where the replaced one has room, that is taken.
    let mut roomy = without_swap();
    roomy.disks.push(data_disk());
    assert_eq!(self::landing(&roomy, &job()).beside, None);
}

#[test]
fn a_disk_that_may_not_stay_or_belongs_to_something_as_a_whole_lends_no_room() {
    let why_not = |change: fn(&mut Disk)| {
        let refusals = planned(&with_room_beside(change), &job_of_three()).unwrap_err();
        assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
        let (_, why) = refusals[0].message.split_once("; ").unwrap();
        why.to_owned()
    };
    assert_eq!(
        why_not(|disk| disk.removable = true),
        "/dev/vdb has the room, but it can be taken out, or a remote console lends it"
    );
    assert_eq!(
        why_not(|disk| disk
            .links
            .push("/dev/disk/by-id/usb-Virtual_Disk-0:0".to_owned())),
        why_not(|disk| disk.removable = true)
    );
    assert_eq!(
        why_not(|disk| disk.holders.push("md127".to_owned())),
        "/dev/vdb has the room, but md127 has the whole of it"
    );
    let unknown = why_not(|disk| disk.identities.clear());
    assert!(unknown.contains("no world-wide name"), "{unknown}");
}

#[test]
fn a_selector_on_the_disk_that_boots_is_armed_wherever_the_landing_partition_is() {
    let mut facts = with_room_beside(|_| {});
    let jump = JumpInProgress {
        run: RunId::new(0xffee_ddcc_bbaa_9988),
        stage: Some(Stage::Stage),
        live: false,
        origin: None,
        landing: Some("/dev/vdb1".to_owned()),
        kept: None,
        swap: None,
        made: true,
    };
    assert!(!jump.is_armed(&facts.disks, None));
    let code = BootCode::Grub {
        kernel_sector: 1407,
    };
    facts.disks[0].loader.as_mut().unwrap().code = code;
    assert!(jump.is_armed(&facts.disks, None));
    facts.disks.truncate(1);
    assert!(!jump.is_armed(&facts.disks, None), "it is somebody else's");
}

#[test]
fn no_room_is_refused_with_the_figures() {
    let refusals = planned(&with_tail(100 * MIB), &job_of_three()).unwrap_err();
    assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
    insta::assert_snapshot!(refusals[0].message, @"this node has no swap partition, and there is no room for a partition of our own: the largest free run of /dev/vda is 100.0 MiB, and the jump system with what is staged needs 882.0 MiB");
    let mut job = job_of_three();
    job.landing.partition = LandingChoice::Free;
    let refusals = planned(&with_tail(100 * MIB), &job).unwrap_err();
    assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
    assert!(planned(&with_tail(2 * GIB), &job).is_ok());
}

#[test]
fn no_number_left_is_refused() {
    let mut facts = facts();
    facts.disks[0].partitions[1].content = None;
    facts.disks[0].partitions[1].swap_active = false;
    facts.swaps.clear();
    let mut job = job();
    job.landing.partition = LandingChoice::Free;
    let refusals = planned(&facts, &job).unwrap_err();
    assert!(
        refusals[0].message.contains("no number left"),
        "{refusals:?}"
    );
    // One that the job makes counts as taken.
    let mut facts = without_swap();
    facts.disks[0].partitions.remove(2);
    facts.mounts.retain(|mount| mount.device != "/dev/vda4");
    job.layout.partitions[2].action = Action::Create;
    job.layout.partitions[2].size = Some(Length::Size(Size::mib(256)));
    let plan = planned(&facts, &job).unwrap();
    assert_eq!(plan.landing.number, 2);
    let created = plan.disk.after.iter().find(|it| it.number == 4).unwrap();
    assert!(created.extent().end() <= plan.landing.start);
}

#[test]
fn room_that_an_mbr_cannot_name_is_none() {
    let mut facts = without_swap();
    let disk = &mut facts.disks[0];
    disk.sectors = 1 << 34;
    disk.table.as_mut().unwrap().last_usable = disk.sectors - 1;
    let refusals = planned(&facts, &job()).unwrap_err();
    assert_eq!(codes_of(&refusals), ["no-landing-partition"]);
}

#[test]
fn an_extended_partition_is_not_written_around() {
    let mut facts = without_swap();
    facts.disks[0].table.as_mut().unwrap().extended = true;
    let refusals = planned(&facts, &job()).unwrap_err();
    assert!(refusals[0].message.contains("extended"), "{refusals:?}");
}

#[test]
fn a_gpt_has_it_with_our_name() {
    let mut facts = gpt_node();
    facts.disks[0].partitions.remove(1);
    facts.swaps.clear();
    facts.disks[0].table.as_mut().unwrap().last_usable = 9 * GIB - 34;
    let plan = planned(&facts, &job()).unwrap();
    let mut before = plan.disk.before.iter();
    let made = before.find(|it| it.number == plan.landing.number).unwrap();
    assert_eq!(made.name.as_deref(), Some("jump-landing"));
    assert_eq!(made.type_code, "0fc63daf-8483-4772-8e79-3d69d8477de4");
    assert_eq!(made.extent().end() % (1 << 11), 0);
    assert!(made.extent().end() <= 9 * GIB - 33);
}

#[test]
fn what_an_earlier_run_has_made_is_used_again_and_removed() {
    let first = planned(&without_swap(), &job()).unwrap();
    let mut facts = without_swap();
    let mut before = first.disk.before.iter();
    let left = before.find(|it| it.number == 2).unwrap().clone();
    facts.disks[0].partitions.insert(1, left);
    for (label, made) in [(None, true), (Some("jump-landing"), true)] {
        facts.disks[0].partitions[1].content = label.map(|label: &str| Content {
            kind: "ext4".to_owned(),
            uuid: None,
            label: Some(label.to_owned()),
        });
        facts.jump = Some(JumpInProgress {
            run: RunId::new(0xffee_ddcc_bbaa_9988),
            stage: Some(Stage::Stage),
            live: false,
            origin: None,
            landing: Some("/dev/vda2".to_owned()),
            kept: None,
            swap: None,
            made,
        });
        let plan = planned(&facts, &job()).unwrap();
        assert_eq!(plan.landing.start, first.landing.start);
        assert!(plan.landing.is_made());
        assert_eq!(plan.steps.old[0], Step::AddLanding);
    }
    // What a run has borrowed and not made stays a partition.
    facts.jump.as_mut().unwrap().made = false;
    assert!(!landing(&facts, &job()).is_made());
}

#[test]
fn a_name_alone_is_no_reason_to_take_a_partition() {
    let mut facts = with_tail(100 * MIB);
    facts.disks[0].partitions[1].name = Some("jump-landing".to_owned());
    assert_eq!(codes(&facts, &job_of_three()), ["no-landing-partition"]);
}
