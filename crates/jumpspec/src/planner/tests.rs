use super::sample::{Sample, facts, image, job, planned};
use super::*;
use crate::disk::{BootCode, Content, DiskIdentity, Extent, Filesystem, TableKind};
use crate::image::kind::Kind;
use crate::job::{Action, LandingChoice, Length};
use crate::node::facts::JumpInProgress;
use crate::run::task::Task;
use crate::step::Stage;
use crate::step::Step;
use crate::words::size::Size;

mod foreseen;
mod free_room;
mod in_boot;
mod in_memory;
mod kexec;
mod leftover;
mod links;
mod remote;
mod swaps;
mod table;
mod twice;
mod uefi;
mod unknown;

fn codes(facts: &Facts, job: &Job) -> Vec<String> {
    codes_of(&planned(facts, job).expect_err("a refusal"))
}

pub(in crate::planner) fn codes_of(refusals: &[Refusal]) -> Vec<String> {
    let codes = refusals.iter().map(|refusal| refusal.code.to_string());
    codes.collect()
}

/// The codes of the refusals after `change` was done to the sample node.
fn refused(change: impl FnOnce(&mut Facts)) -> Vec<String> {
    let mut facts = facts();
    change(&mut facts);
    codes(&facts, &job())
}

fn refused_job(change: impl FnOnce(&mut Job)) -> Vec<String> {
    let mut job = job();
    change(&mut job);
    codes(&facts(), &job)
}

#[test]
fn the_demos_node_gets_the_plan_of_the_journey() {
    let plan = planned(&facts(), &job()).unwrap();
    let words = |steps: &[Step]| {
        steps
            .iter()
            .map(|step| Task::from(step).to_string())
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(
        [
            &plan.steps.old,
            &plan.steps.prove,
            &plan.steps.replace,
            &plan.steps.new
        ]
        .map(|steps| words(steps))
        .join("\n--\n")
    );
    insta::assert_json_snapshot!(plan);
}

#[test]
fn a_rehearsal_goes_as_far_as_the_proof_and_destroys_nothing() {
    let mut sample = Sample::of(&facts(), &job());
    sample.rehearsal = Some(Rehearsal::Firmware);
    sample.job.prove.admin_login = true;
    let plan = sample.planned().unwrap();
    assert_eq!(plan.steps.prove.last(), Some(&Step::ProveAdmin));
    assert!(plan.steps.replace.is_empty() && plan.steps.new.is_empty());
    assert!(plan.destroyed.is_empty(), "{:?}", plan.destroyed);
}

#[test]
fn the_admin_hosts_login_comes_before_both_commits() {
    let mut job = job();
    job.prove.admin_login = true;
    job.health.admin_login = true;
    let steps = planned(&facts(), &job).unwrap().steps;
    assert!(steps.prove.ends_with(&[Step::ProveAdmin, Step::Commit]));
    assert!(
        steps
            .new
            .starts_with(&[Step::CheckHealth, Step::CheckAdmin, Step::Confirm])
    );
}

#[test]
fn the_same_input_gives_the_same_plan() {
    assert_eq!(planned(&facts(), &job()), planned(&facts(), &job()));
}

#[test]
fn the_landing_partition_keeps_its_place() {
    let mut job = job();
    job.layout.partitions[1].action = Action::Create;
    job.layout.partitions[1].size = Some(Length::Size(Size(2 << 30)));
    job.layout.partitions[1].fs = Some(Filesystem::Xfs);
    let plan = planned(&facts(), &job).unwrap();
    assert!(plan.disk.rewrite);
    let landing = plan
        .disk
        .after
        .iter()
        .find(|partition| partition.number == 2)
        .unwrap();
    assert_eq!(
        (landing.start, landing.sectors),
        (plan.landing.start, plan.landing.sectors)
    );
    assert_eq!(plan.steps.replace[0], Step::Repartition);
}

#[test]
fn the_selector_lies_beside_the_core_in_use_and_the_new_ones_place() {
    let plan = planned(&facts(), &job()).unwrap();
    let loader = facts().disks[0].loader.clone().unwrap();
    let bios = plan.boot.bios().unwrap();
    let selector = bios.core;
    assert!(selector.start >= bios.new_core.end());
    assert!(
        loader
            .core
            .iter()
            .all(|used| used.end() <= selector.start || used.start >= selector.end())
    );
    assert!(bios.old_boot_sector < 2048);
}

#[test]
fn refuses_a_node_that_is_not_ready() {
    assert_eq!(refused(|facts| facts.root_user = false), ["not-root"]);
    assert_eq!(
        refused(|facts| facts.hostname = "n".repeat(300)),
        ["hostname-invalid"]
    );
    assert_eq!(
        refused(|facts| facts.authorized_keys = false),
        ["no-way-in"]
    );
    assert_eq!(
        refused(|facts| facts.network.links.clear()),
        ["network-unsupported"]
    );
    let jump = JumpInProgress {
        run: RunId::new(1),
        stage: Some(Stage::Armed),
        live: false,
        origin: None,
        landing: Some("/dev/vda2".to_owned()),
        kept: None,
        swap: None,
        made: false,
    };
    let in_memory = JumpInProgress {
        landing: None,
        kept: Some("/dev/vda1".to_owned()),
        ..jump.clone()
    };
    for jump in [jump, in_memory] {
        assert_eq!(
            refused(|facts| {
                facts.jump = Some(jump);
                let area = facts.disks[0].loader.as_mut().unwrap();
                area.code = BootCode::Grub {
                    kernel_sector: 1400,
                };
            }),
            ["jump-in-progress"]
        );
    }
}

#[test]
fn refuses_images_for_other_machines() {
    assert_eq!(
        refused(|facts| facts.architecture = "aarch64".to_owned()),
        ["architecture-mismatch"; 2]
    );
    assert_eq!(
        refused(|facts| facts.firmware = crate::node::facts::Firmware::Uefi),
        [
            "boot-mode-not-offered",
            "boot-mode-not-offered",
            "loader-unknown"
        ]
    );
    let mut sample = Sample::of(&facts(), &job());
    sample.target = image(Kind::Jump);
    let refusals = sample.planned().unwrap_err();
    assert_eq!(refusals[0].code, RefusalCode::ImageUnfit);
}

#[test]
fn refuses_a_node_without_a_landing_partition() {
    let mut facts = facts();
    facts.disks[0].partitions.remove(1);
    facts.swaps.clear();
    let mut job = job();
    job.landing.partition = LandingChoice::Swap;
    assert_eq!(codes(&facts, &job), ["no-landing-partition"]);
    assert_eq!(
        refused_job(|job| job.landing.partition = "/dev/vda9".parse().unwrap()),
        ["no-landing-partition"]
    );
}

#[test]
fn refuses_a_landing_partition_that_is_the_root() {
    let codes = refused_job(|job| job.landing.partition = "/dev/vda3".parse().unwrap());
    assert_eq!(
        codes,
        ["landing-is-root", "landing-holds-data", "landing-in-layout"]
    );
}

#[test]
fn refuses_a_landing_partition_that_is_mounted_or_holds_data() {
    let codes = refused_job(|job| job.landing.partition = "/dev/vda4".parse().unwrap());
    assert_eq!(codes, ["landing-mounted", "landing-holds-data"]);
}

#[test]
fn refuses_a_landing_partition_on_lvm_raid_or_luks() {
    let stacked = |facts: &mut Facts| facts.disks[0].partitions[1].holders.push("dm-0".to_owned());
    assert_eq!(refused(stacked), ["landing-stacked"]);
    let member = |facts: &mut Facts| {
        facts.disks[0].partitions[3].content = Some(Content {
            kind: "LVM2_member".to_owned(),
            uuid: None,
            label: None,
        });
        facts.mounts.remove(2);
    };
    let mut lvm = facts();
    member(&mut lvm);
    let mut job = job();
    job.landing.partition = "/dev/vda4".parse().unwrap();
    job.layout.partitions.remove(2);
    assert_eq!(codes(&lvm, &job), ["landing-stacked"]);
}

#[test]
fn refuses_a_landing_partition_that_is_too_small_with_the_figures() {
    let mut facts = facts();
    facts.disks[0].partitions[1].sectors = (512 << 20) / 512;
    let refusals = planned(&facts, &job()).unwrap_err();
    assert_eq!(refusals.len(), 1);
    insta::assert_snapshot!(refusals[0].message, @"/dev/vda2 is 512.0 MiB; jump system (600.0 MiB), image (150.0 MiB), saved files (1.0 MiB) and file system need 874.2 MiB");
}

#[test]
fn refuses_disks_that_it_could_not_find_again_or_divide() {
    assert_eq!(
        refused(|facts| facts.disks[0].identities.clear()),
        ["disk-not-identifiable"]
    );
    let zeros = DiskIdentity::Serial("0000".to_owned());
    assert_eq!(
        refused(|facts| facts.disks[0].identities = vec![zeros]),
        ["disk-not-identifiable"]
    );
    assert_eq!(
        refused(|facts| facts.disks[0].logical_sector = 4096),
        ["sector-size-unsupported"]
    );
    assert_eq!(refused(|facts| facts.mounts.clear()), ["root-not-on-disk"]);
    assert_eq!(
        refused(|facts| facts.disks[0].table = None),
        ["no-partition-table"]
    );
}

#[test]
fn refuses_a_loader_area_without_room_or_of_another_loader() {
    let small = |facts: &mut Facts| {
        let loader = facts.disks[0].loader.as_mut().unwrap();
        loader.area = Some(Extent {
            start: 1,
            sectors: 62,
        });
        loader.free = vec![Extent {
            start: 50,
            sectors: 13,
        }];
    };
    assert_eq!(refused(small), ["gap-too-small"]);
    assert_eq!(
        refused(|facts| facts.disks[0].loader.as_mut().unwrap().code = BootCode::Other),
        ["loader-unknown"]
    );
}

#[test]
fn refuses_a_root_that_cannot_take_the_image() {
    let small = |facts: &mut Facts| facts.disks[0].partitions[2].sectors = (256 << 20) / 512;
    assert_eq!(refused(small), ["filesystem-too-small"]);
    let small_boot = |facts: &mut Facts| facts.disks[0].partitions[0].sectors = (32 << 20) / 512;
    assert_eq!(refused(small_boot), ["filesystem-too-small"]);
}

#[test]
fn refuses_layouts_that_contradict_themselves() {
    assert_eq!(
        refused_job(|job| job.layout.partitions[0].number = 3),
        ["layout-impossible"]
    );
    assert_eq!(
        refused_job(|job| job.layout.partitions[1].mount = None),
        ["layout-impossible"; 2]
    );
    assert_eq!(
        refused_job(|job| job.layout.partitions[0].number = 7),
        ["layout-impossible"]
    );
    assert_eq!(
        refused_job(|job| job.layout.partitions[0].mount = Some("../x".to_owned())),
        ["layout-impossible"]
    );
    assert_eq!(
        refused_job(|job| job.layout.partitions[0].number = 2),
        ["landing-in-layout"]
    );
}

#[test]
fn a_partition_below_lvm_is_not_formatted() {
    let held = |facts: &mut Facts| facts.disks[0].partitions[0].holders.push("dm-3".to_owned());
    assert_eq!(refused(held), ["partition-stacked"]);
}

/// The sample node with a GPT, whose gap is the BIOS boot partition 14.
fn gpt_node() -> Facts {
    let mut facts = facts();
    let disk = &mut facts.disks[0];
    let table = disk.table.as_mut().unwrap();
    table.kind = TableKind::Gpt;
    (table.first_usable, table.last_usable) = (34, disk.sectors - 34);
    let room = crate::disk::FoundPartition {
        partition: crate::disk::Partition {
            number: 14,
            start: 34,
            sectors: 2014,
            type_code: crate::disk::table::GPT_BIOS_BOOT.to_owned(),
            ..disk.partitions[0].partition.clone()
        },
        device: "/dev/vda14".to_owned(),
        content: None,
        ..disk.partitions[0].clone()
    };
    let loader = disk.loader.as_mut().unwrap();
    loader.area = Some(room.extent());
    loader.core[0].start = 34;
    (loader.free[0].start, loader.free[0].sectors) = (200, 1848);
    disk.partitions.push(room);
    facts
}

#[test]
fn a_gpt_partition_gets_an_identifier_of_its_own() {
    let mut job = job();
    job.layout.partitions[2].action = Action::Create;
    job.layout.partitions[2].size = None;
    let plan = planned(&gpt_node(), &job).unwrap();
    let created = plan
        .disk
        .after
        .iter()
        .find(|partition| partition.number == 4)
        .unwrap();
    assert_eq!(created.type_code, "0fc63daf-8483-4772-8e79-3d69d8477de4");
    assert_eq!(created.start % 2048, 0);
}
