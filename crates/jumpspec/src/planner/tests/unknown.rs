//! Only zeros are blank.

use super::*;
use crate::disk::{UNKNOWN, UNRECOGNISED};

fn holds(kind: &str) -> Content {
    Content {
        kind: kind.to_owned(),
        uuid: None,
        label: None,
    }
}

/// The refusals of the sample job on a node whose root or landing partition holds `kind`.
fn with(index: usize, kind: &str) -> Vec<String> {
    refused(|facts| facts.disks[0].partitions[index].content = Some(holds(kind)))
}

#[test]
fn what_is_not_known_is_not_borrowed_and_the_cure_is_named() {
    for kind in [UNKNOWN, UNRECOGNISED, "swsuspend", "ntfs"] {
        assert_eq!(with(1, kind), ["landing-holds-data"], "{kind}");
    }
    for kind in ["bcache", "drbd", "zfs_member", "jbd", "isw_raid_member"] {
        assert_eq!(with(1, kind), ["landing-stacked"], "{kind}");
    }
    let mut facts = facts();
    facts.disks[0].partitions[1].content = Some(holds(UNKNOWN));
    let refusals = planned(&facts, &job()).unwrap_err();
    assert!(
        refusals[0].hint.contains("mkswap /dev/vda2"),
        "{}",
        refusals[0].hint
    );
    facts.disks[0].partitions[1].content = None;
    facts.disks[0].partitions[1].swap_active = true;
    assert!(planned(&facts, &job()).is_ok());
}

#[test]
fn what_is_not_known_is_not_destroyed_and_what_blkid_does_not_know_is_told() {
    assert_eq!(with(0, UNKNOWN), ["content-unknown"]);
    for kind in ["bcache", "drbd", "zfs_member", "jbd"] {
        assert_eq!(with(0, kind), ["partition-stacked"], "{kind}");
    }
    let mut facts = facts();
    facts.disks[0].partitions[0].content = Some(holds(UNRECOGNISED));
    let destroyed = planned(&facts, &job()).unwrap().destroyed;
    assert!(
        destroyed[0].contains("something that blkid does not know"),
        "{destroyed:?}"
    );
}
