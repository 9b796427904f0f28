use super::*;
use crate::disk::Slot;

/// What a kernel knows that has read the sample's table.
fn known() -> Vec<Slot> {
    let one = |number, start, sectors| Slot {
        number,
        extent: Extent { start, sectors },
    };
    let partitions = &facts().disks[0].partitions;
    partitions
        .iter()
        .map(|partition| one(partition.number, partition.start, partition.sectors))
        .collect()
}

fn refused_with(known: Vec<Slot>) -> Vec<String> {
    refused(|facts| facts.disks[0].kernel_partitions = Some(known))
}

#[test]
fn a_kernel_that_has_read_the_table_is_fine() {
    let mut facts = facts();
    facts.disks[0].kernel_partitions = Some(known());
    planned(&facts, &job()).unwrap();
}

#[test]
fn a_table_that_the_kernel_has_not_read_is_refused() {
    let mut moved = known();
    moved[1].extent.start += 2048;
    assert_eq!(refused_with(moved), ["partition-table-stale"]);
    let mut shorter = known();
    shorter[3].extent.sectors -= 1;
    assert_eq!(refused_with(shorter), ["partition-table-stale"]);
    let mut fewer = known();
    fewer.pop();
    assert_eq!(refused_with(fewer), ["partition-table-stale"]);
    let mut more = known();
    more.push(Slot {
        number: 7,
        ..more[0]
    });
    assert_eq!(refused_with(more), ["partition-table-stale"]);
}

#[test]
fn facts_of_before_the_kernel_was_asked_are_read() {
    let mut old = serde_json::to_value(facts()).unwrap();
    let disk = old["disks"][0].as_object_mut().unwrap();
    disk.remove("kernel_partitions");
    let read: Facts = serde_json::from_value(old).unwrap();
    assert_eq!(read.disks[0].kernel_partitions, None);
}
