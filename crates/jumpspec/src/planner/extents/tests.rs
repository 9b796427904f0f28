use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::disk::{BootArea, BootCode, FoundPartition};
use crate::job::{Action, Job, PartitionWish};
use crate::node::facts::Facts;
use crate::planner::sample::{facts, job, planned};
use crate::run::task::Task;
use crate::step::TreeCopy;

mod draw;

use draw::{drawn, draws};

const MIB: u64 = (1 << 20) / 512;

fn codes(facts: &Facts, job: &Job) -> Vec<RefusalCode> {
    let refusals = planned(facts, job).err().unwrap_or_default();
    refusals.iter().map(|refusal| refusal.code).collect()
}

/// The sample node with a GPT whose partition `number`, of one MiB, is for GRUB. The others
/// keep their numbers but 1, which becomes 15.
fn gpt_node(number: u32) -> Facts {
    let mut facts = facts();
    let disk = &mut facts.disks[0];
    let table = disk.table.as_mut().unwrap();
    table.kind = TableKind::Gpt;
    table.first_usable = 34;
    table.last_usable = disk.sectors - 34;
    for partition in &mut disk.partitions {
        partition.start += MIB;
        partition.type_code = "0fc63daf-8483-4772-8e79-3d69d8477de4".to_owned();
        if partition.number == number {
            partition.number = 15;
        }
    }
    let last = disk.partitions.last_mut().unwrap();
    last.sectors -= 2 * MIB;
    disk.partitions.insert(
        0,
        FoundPartition {
            partition: Partition {
                number,
                start: MIB,
                sectors: MIB,
                type_code: GPT_BIOS_BOOT.to_owned(),
                ..disk.partitions[0].partition.clone()
            },
            device: format!("/dev/vda{number}"),
            content: None,
            swap_active: false,
            ..disk.partitions[0].clone()
        },
    );
    give_loader(disk);
    facts
}

/// GRUB at the start of the room that it has, and nothing else in it.
fn give_loader(disk: &mut Disk) {
    let gpt = disk.table.as_ref().unwrap().kind == TableKind::Gpt;
    let area = if gpt {
        let home = |partition: &&FoundPartition| partition.type_code == GPT_BIOS_BOOT;
        disk.partitions.iter().find(home).map(|it| it.extent())
    } else {
        let first = disk.partitions.iter().map(|it| it.start).min();
        Some(Extent {
            start: 1,
            sectors: first.unwrap_or(2048).min(2048) - 1,
        })
    };
    disk.loader = area.map(|area| BootArea {
        code: BootCode::Grub {
            kernel_sector: area.start,
        },
        core: vec![Extent {
            start: area.start,
            sectors: 110,
        }],
        area: Some(area),
        free: vec![Extent {
            start: area.start + 110,
            sectors: area.sectors.saturating_sub(110),
        }],
    });
}

fn wish(number: u32, action: Action, mount: Option<&str>) -> PartitionWish {
    PartitionWish {
        number,
        action,
        mount: mount.map(str::to_owned),
        fs: None,
        label: None,
        size: None,
        options: None,
    }
}

#[test]
fn refuses_a_layout_that_takes_the_loaders_room_on_gpt() {
    for number in [1, 14, 128] {
        let node = gpt_node(number);
        let mut job = job();
        job.layout.partitions.remove(0);
        assert!(planned(&node, &job).is_ok(), "{:?}", planned(&node, &job));
        for (action, mount) in [
            (Action::Delete, None),
            (Action::Format, Some("/boot")),
            (Action::Create, Some("/boot")),
        ] {
            let mut job = job.clone();
            job.layout.partitions.push(wish(number, action, mount));
            let codes = codes(&node, &job);
            assert_eq!(codes, [RefusalCode::LoaderInLayout], "{action:?}");
        }
    }
}

#[test]
fn refuses_a_partition_that_lies_over_the_landing_one() {
    let mut node = facts();
    let landing = node.disks[0].partitions[1].extent();
    node.disks[0].partitions[2].start = landing.end() - 1;
    let refusals = planned(&node, &job()).unwrap_err();
    assert_eq!(refusals[0].code, RefusalCode::ExtentsOverlap);
    insta::assert_snapshot!(refusals[0].message, @"the landing partition /dev/vda2 would be written over partition 3 (sectors 5244927 to 11536382 of /dev/vda), which is needed then");
}

/// Ends that no number holds would all be the largest one, and nothing would lie over anything.
#[test]
fn refuses_partitions_whose_end_cannot_be_counted() {
    let mut node = facts();
    node.disks[0].sectors = u64::MAX;
    for partition in &mut node.disks[0].partitions {
        (partition.start, partition.sectors) = (u64::MAX, u64::MAX);
    }
    assert_eq!(codes(&node, &job()), [RefusalCode::ExtentsOverlap; 4]);
}

#[test]
fn refuses_room_for_the_selector_that_the_loader_in_use_takes() {
    let mut node = facts();
    let loader = node.disks[0].loader.as_mut().unwrap();
    loader.core.push(Extent {
        start: 1500,
        sectors: 10,
    });
    assert_eq!(codes(&node, &job()), [RefusalCode::ExtentsOverlap]);
    let mut node = facts();
    node.disks[0].loader.as_mut().unwrap().area = Some(Extent {
        start: 1,
        sectors: 500,
    });
    let outside = codes(&node, &job());
    assert!(!outside.is_empty());
}

/// What the run has not written to.
const UNTOUCHED: &str = "untouched";

/// A disk as a run of cells, each with who wrote to it last. Cells end where anything that the
/// plan or the node names begins or ends.
struct Painted {
    borders: Vec<u64>,
    cells: Vec<String>,
}

impl Painted {
    fn new(extents: &[Extent]) -> Self {
        let mut borders: Vec<u64> = extents
            .iter()
            .flat_map(|extent| [extent.start, extent.end()])
            .collect();
        borders.sort_unstable();
        borders.dedup();
        let cells = vec![UNTOUCHED.to_owned(); borders.len()];
        Self { borders, cells }
    }

    fn cells(&self, extent: Extent) -> std::ops::Range<usize> {
        let at = |sector| self.borders.partition_point(|border| *border < sector);
        at(extent.start)..at(extent.end())
    }

    fn paint(&mut self, extent: Extent, owner: &str) {
        for cell in self.cells(extent) {
            owner.clone_into(&mut self.cells[cell]);
        }
    }

    fn assert_whole(&self, extent: Extent, owner: &str, when: &str) {
        for cell in self.cells(extent) {
            assert_eq!(self.cells[cell], owner, "after {when}: {extent:?}");
        }
    }
}

/// Carries the plan out on a painted disk, and looks after every step at what would boot or
/// is promised.
fn assert_nothing_is_lost(plan: &Plan, facts: &Facts) {
    let disk = facts.disk("vda").unwrap();
    let core = &disk.loader.as_ref().unwrap().core;
    let selector = plan.boot.bios().unwrap();
    let mut all: Vec<Extent> = disk.partitions.iter().map(|it| it.extent()).collect();
    all.extend(plan.disk.after.iter().map(Partition::extent));
    all.extend(core);
    all.extend([selector.core, selector.raw_copy(), selector.new_core]);
    let mut painted = Painted::new(&all);
    let data = disk
        .partitions
        .iter()
        .filter(|it| it.number != plan.landing.number && it.type_code != GPT_BIOS_BOOT);
    let old: Vec<Extent> = data
        .clone()
        .map(|it| it.extent())
        .chain(core.iter().copied())
        .collect();
    for step in [&plan.steps.old, &plan.steps.prove].into_iter().flatten() {
        stage(&mut painted, plan, step);
        for extent in &old {
            painted.assert_whole(*extent, UNTOUCHED, &Task::from(step).to_string());
        }
    }
    let kept = data.filter(|it| is_kept(plan, it)).map(|it| it.extent());
    assert_replaced(&mut painted, plan, &kept.collect::<Vec<_>>());
    for partition in &plan.disk.after {
        assert!(partition.extent().end() <= disk.sectors, "{partition:?}");
    }
}

fn is_kept(plan: &Plan, partition: &FoundPartition) -> bool {
    let formatted =
        |step: &Step| matches!(step, Step::Mkfs { number, .. } if *number == partition.number);
    plan.disk.after.contains(&partition.partition.clone())
        && !plan.steps.replace.iter().any(formatted)
}

fn stage(painted: &mut Painted, plan: &Plan, step: &Step) {
    match step {
        Step::MakeLanding => painted.paint(plan.landing.extent(), "landing"),
        Step::WriteSelector => {
            let bios = plan.boot.bios().unwrap();
            painted.paint(bios.core, "selector");
            painted.paint(bios.raw_copy(), "raw copy");
        }
        _ => {}
    }
}

fn assert_replaced(painted: &mut Painted, plan: &Plan, kept: &[Extent]) {
    let selector = plan.boot.bios().unwrap();
    let mut needed = vec![
        (selector.core, "selector".to_owned()),
        (selector.raw_copy(), "raw copy".to_owned()),
        (plan.landing.extent(), "landing".to_owned()),
    ];
    needed.extend(kept.iter().map(|extent| (*extent, UNTOUCHED.to_owned())));
    let mut filled = Vec::new();
    for step in &plan.steps.replace {
        let made = match step {
            Step::Copy(copy) => {
                assert_copied(painted, plan, copy);
                filled.push(copy.to.number);
                continue;
            }
            Step::Mkfs { number, .. } => {
                assert!(!filled.contains(number), "{number} holds a copy");
                let mut after = plan.disk.after.iter();
                let made = after.find(|it| it.number == *number).unwrap();
                (made.extent(), format!("new {number}"))
            }
            Step::PlaceLoader => (selector.new_core, "new loader".to_owned()),
            _ => continue,
        };
        painted.paint(made.0, &made.1);
        needed.push(made);
        for (extent, owner) in &needed {
            painted.assert_whole(*extent, owner, &Task::from(step).to_string());
        }
    }
}

/// What is copied is still there, and where it goes there is a file system.
fn assert_copied(painted: &Painted, plan: &Plan, copy: &TreeCopy) {
    let mut before = plan.disk.before.iter();
    let from = before.find(|it| it.number == copy.from.number).unwrap();
    painted.assert_whole(from.extent(), UNTOUCHED, "what comes before its copy");
    let mut after = plan.disk.after.iter();
    let to = after.find(|it| it.number == copy.to.number).unwrap();
    let owner = if copy.kept {
        UNTOUCHED.to_owned()
    } else {
        format!("new {}", copy.to.number)
    };
    painted.assert_whole(to.extent(), &owner, "what comes before its copy");
}

#[test]
fn no_plan_writes_over_what_its_run_still_needs() {
    let (accepted, crooked, copied) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = Config {
        cases: 3000,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&draws(), |draw| {
        let (facts, job) = drawn(&draw);
        match planned(&facts, &job) {
            Ok(plan) => {
                accepted.set(accepted.get() + 1);
                copied.set(copied.get() + u32::from(!job.copy.is_empty()));
                assert_nothing_is_lost(&plan, &facts);
            }
            Err(refusals) => {
                let last = |refusal: &Refusal| refusal.code == RefusalCode::ExtentsOverlap;
                let caught = refusals.iter().any(last);
                crooked.set(crooked.get() + u32::from(caught));
                // What the planner itself has put together never needs the last check.
                prop_assert!(!caught || draw.crooked.is_some(), "{refusals:?}");
            }
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(accepted.get() > 300, "{accepted:?} plans");
    assert!(crooked.get() > 30, "{crooked:?} caught at last");
    assert!(copied.get() > 30, "{copied:?} with a copy");
}
