//! Names that stand for several devices: a disk in the node that was copied from another (dd).

use super::*;
use crate::node::facts::Mount;

/// The sample node with a copy of its disk in it, which has a serial number of its own.
fn with_a_clone() -> Facts {
    let mut facts = facts();
    let mut clone = facts.disks[0].clone();
    clone.name = "vdb".to_owned();
    clone.device = "/dev/vdb".to_owned();
    clone.identities[0] = crate::disk::DiskIdentity::Serial("CLONE".to_owned());
    for partition in &mut clone.partitions {
        partition.device = partition.device.replace("vda", "vdb");
        partition.swap_active = false;
    }
    facts.disks.push(clone);
    facts
}

fn give_links(facts: &mut Facts) {
    for disk in &mut facts.disks {
        for partition in &mut disk.partitions {
            let link = format!(
                "/dev/disk/by-id/virtio-{}-part{}",
                disk.name, partition.number
            );
            partition.links = vec![link];
        }
    }
}

#[test]
fn a_kept_file_system_that_stands_twice_is_mounted_by_its_hardware_or_not_at_all() {
    let mut facts = with_a_clone();
    assert_eq!(codes(&facts, &job()), ["name-not-unique"]);
    give_links(&mut facts);
    let plan = planned(&facts, &job()).unwrap();
    let data = plan
        .fstab
        .lines()
        .find(|line| line.contains("/data"))
        .unwrap();
    assert!(
        data.starts_with("/dev/disk/by-id/virtio-vda-part4 /data ext4"),
        "{data}"
    );
    // Where the table was copied by its content alone the PARTUUID is another.
    let clone = &mut facts.disks[1].partitions;
    clone[3].partuuid = Some("other-04".to_owned());
    let plan = planned(&facts, &job()).unwrap();
    assert!(
        plan.fstab.contains("PARTUUID=6a756d70-04 /data"),
        "{}",
        plan.fstab
    );
}

#[test]
fn swap_that_stands_twice_gets_another_uuid_and_that_is_told() {
    let mut facts = with_a_clone();
    give_links(&mut facts);
    let before = facts.disks[0].partitions[1].content.clone().unwrap();
    let plan = planned(&facts, &job()).unwrap();
    let swap = plan.landing.swap().cloned().unwrap();
    assert_ne!(Some(&swap.uuid), before.uuid.as_ref());
    assert!(
        plan.fstab
            .contains(&format!("UUID={} none swap", swap.uuid))
    );
    assert!(
        plan.notes.iter().any(|note| note.contains(&swap.uuid)),
        "{:?}",
        plan.notes
    );
}

#[test]
fn an_old_line_whose_name_stands_twice_goes_by_what_is_mounted_there() {
    let uuid = "44444444-0000-4000-8000-000000000004";
    let mut facts = with_a_clone();
    give_links(&mut facts);
    facts.fstab = format!("UUID={uuid} /clone ext4 defaults 0 2\n");
    let refusals = planned(&facts, &job()).unwrap_err();
    assert_eq!(refusals[0].code, RefusalCode::NameNotUnique);
    facts.mounts.push(Mount {
        device: "/dev/vdb4".to_owned(),
        target: "/clone".to_owned(),
        fs: "ext4".to_owned(),
        used: Size(0),
        owners: None,
    });
    let plan = planned(&facts, &job()).unwrap();
    let line = "/dev/disk/by-id/virtio-vdb-part4 /clone ext4";
    assert!(plan.fstab.contains(line), "{}", plan.fstab);
}

#[test]
fn a_label_that_the_layout_gives_away_again_is_not_what_an_old_line_means() {
    let mut facts = facts();
    let mut other = facts.disks[0].clone();
    other.name = "vdb".to_owned();
    other.device = "/dev/vdb".to_owned();
    other.identities = vec![crate::disk::DiskIdentity::Serial("OTHER".to_owned())];
    other.loader = None;
    other.partitions.truncate(1);
    other.partitions[0].device = "/dev/vdb1".to_owned();
    let content = other.partitions[0].content.as_mut().unwrap();
    content.uuid = Some("55555555-0000-4000-8000-000000000005".to_owned());
    content.label = Some("store".to_owned());
    facts.disks.push(other);
    facts.fstab += "LABEL=store /store ext4 defaults 0 2\n";
    let by_label = planned(&facts, &job()).unwrap().fstab;
    assert!(by_label.contains("LABEL=store /store"), "{by_label}");
    let mut job = job();
    job.layout.partitions[0].label = Some("store".to_owned());
    let by_uuid = planned(&facts, &job).unwrap().fstab;
    let line = "UUID=55555555-0000-4000-8000-000000000005 /store";
    assert!(by_uuid.contains(line), "{by_uuid}");
}

#[test]
fn disks_that_a_run_could_not_tell_apart_are_refused() {
    let mut facts = with_a_clone();
    give_links(&mut facts);
    facts.disks[1].identities = facts.disks[0].identities.clone();
    assert_eq!(codes(&facts, &job()), ["disk-not-identifiable"]);
    // The table's identifier counts only where the hardware says nothing.
    for disk in &mut facts.disks {
        disk.identities.remove(0);
    }
    assert_eq!(codes(&facts, &job()), ["disk-not-identifiable"]);
}

#[test]
fn says_how_the_disk_that_boots_is_known_where_another_could() {
    let told = |facts: &Facts| {
        let notes = planned(facts, &job()).unwrap().notes;
        notes
            .into_iter()
            .find(|note| note.contains("disk that boots"))
    };
    assert_eq!(told(&facts()), None);
    let mut facts = with_a_clone();
    give_links(&mut facts);
    assert!(
        told(&facts)
            .unwrap()
            .contains("because it carries the root")
    );
    facts.bios_disk = Some("6a756d70".to_owned());
    assert!(
        told(&facts)
            .unwrap()
            .contains("the firmware names signature 6a756d70")
    );
}

#[test]
fn refuses_a_root_disk_that_the_firmware_does_not_boot_from() {
    let mut facts = with_a_clone();
    give_links(&mut facts);
    facts.disks[1].table.as_mut().unwrap().id = "0badcafe".to_owned();
    facts.bios_disk = Some("0badcafe".to_owned());
    assert_eq!(codes(&facts, &job()), ["boots-from-another-disk"]);
    let mut job = job();
    job.layout.disk = "/dev/vda".to_owned();
    assert!(planned(&facts, &job).is_ok());
}
