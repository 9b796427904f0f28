//! What an earlier run has left that a power cut ended: between wiping the landing partition and
//! making its file system it holds neither swap nor our label.

use super::*;
use crate::disk::Swap;

const UUID: &str = "22222222-0000-4000-8000-000000000002";

/// The sample node with its swap wiped, which its old system does not swap to any more.
fn wiped(content: Option<&str>) -> Facts {
    let mut facts = facts();
    let partition = &mut facts.disks[0].partitions[1];
    partition.swap_active = false;
    partition.content = content.map(|kind| Content {
        kind: kind.to_owned(),
        uuid: None,
        label: None,
    });
    facts.swaps.clear();
    facts
}

fn left_over(swap: Option<Swap>) -> JumpInProgress {
    JumpInProgress {
        run: RunId::new(0xffee_ddcc_bbaa_9988),
        stage: Some(Stage::Stage),
        live: false,
        origin: None,
        landing: Some("/dev/vda2".to_owned()),
        kept: None,
        swap,
        made: false,
    }
}

fn swap() -> Swap {
    Swap {
        uuid: UUID.to_owned(),
        label: Some("swap0".to_owned()),
        options: "sw,pri=5".to_owned(),
    }
}

#[test]
fn a_cut_between_wiping_and_mkfs_is_pushed_over_and_the_swap_comes_back() {
    for content in [None, Some("unknown"), Some("unrecognised")] {
        let mut facts = wiped(content);
        facts.jump = Some(left_over(Some(swap())));
        let plan = planned(&facts, &job()).unwrap();
        assert_eq!(plan.landing.device, "/dev/vda2");
        assert_eq!(plan.landing.swap(), Some(&swap()), "{content:?}");
        assert!(
            plan.kept.iter().any(|kept| kept.contains(UUID)),
            "{:?}",
            plan.kept
        );
    }
}

#[test]
fn what_the_swap_was_is_read_from_fstab_where_no_record_says_it() {
    let mut facts = wiped(None);
    facts.jump = Some(left_over(None));
    for (name, uuid, label) in [
        (format!("UUID={UUID}"), Some(UUID), None),
        ("LABEL=swap0".to_owned(), None, Some("swap0")),
        ("/dev/vda2".to_owned(), None, None),
    ] {
        facts.fstab = format!("{name} none swap sw,discard 0 0\n");
        let swap = planned(&facts, &job())
            .unwrap()
            .landing
            .swap()
            .cloned()
            .unwrap();
        assert_eq!(swap.options, "sw,discard");
        assert_eq!(swap.label.as_deref(), label, "{name}");
        assert!(uuid.is_none_or(|uuid| uuid == swap.uuid), "{name}");
    }
}

#[test]
fn a_blank_partition_that_fstab_calls_swap_is_the_landing_even_without_a_record() {
    let mut facts = wiped(None);
    assert_eq!(codes(&facts, &job()), ["no-landing-partition"]);
    facts.fstab += "/dev/vda2 none swap sw 0 0\n";
    let plan = planned(&facts, &job()).unwrap();
    assert!(plan.landing.swap().is_some());
}

#[test]
fn a_spare_partition_takes_no_other_swaps_identity() {
    let mut facts = facts();
    facts.disks[0].partitions[3].content = None;
    facts.mounts.pop();
    facts.fstab = format!("UUID={UUID} none swap sw 0 0\n");
    let mut job = job();
    job.landing.partition = "/dev/vda4".parse().unwrap();
    job.layout.partitions.truncate(2);
    assert_eq!(planned(&facts, &job).unwrap().landing.swap(), None);
}

#[test]
fn a_record_that_no_swap_can_have_is_not_believed() {
    let mut facts = wiped(None);
    facts.jump = Some(left_over(Some(Swap {
        uuid: "../x".to_owned(),
        label: Some("seventeen letters".to_owned()),
        options: "sw".to_owned(),
    })));
    let swap = planned(&facts, &job())
        .unwrap()
        .landing
        .swap()
        .cloned()
        .unwrap();
    assert!(uuid::Uuid::try_parse(&swap.uuid).is_ok());
    assert_eq!(swap.label, None);
}
