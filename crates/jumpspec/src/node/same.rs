//! Whether a system that answers is the one that was looked at before: for a node that comes back and
//! keeps nothing of where it was.

use crate::disk::{Disk, FoundPartition};
use crate::node::facts::Facts;

/// In what the system with facts `after` is not the one with facts `before`, in words. Names of devices
/// may change with a boot, and the kernel is the newest that is installed.
pub fn differences(before: &Facts, after: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, before: &str, after: &str| {
        if before != after {
            found.push(format!("its {what} was {before}, and is {after}"));
        }
    };
    compare("host name", &before.hostname, &after.hostname);
    compare("system", &before.os.pretty_name, &after.os.pretty_name);
    compare("root", &root(before), &root(after));
    for disk in &before.disks {
        found.extend(of_disk(disk, &after.disks));
    }
    found
}

/// The root's file system, or where none is known its partition's number.
fn root(facts: &Facts) -> String {
    let Some((_, partition)) = facts.root() else {
        return "on no partition".to_owned();
    };
    let content = partition.content.as_ref();
    let uuid = content.and_then(|content| content.uuid.clone());
    uuid.unwrap_or_else(|| format!("on partition {}", partition.number))
}

fn of_disk(disk: &Disk, after: &[Disk]) -> Vec<String> {
    let is_same = |other: &&Disk| {
        let mut identities = disk.identities.iter();
        identities.any(|it| other.identities.contains(it))
    };
    // What nothing tells from others is not looked for.
    if disk.identities.is_empty() {
        return Vec::new();
    }
    let Some(now) = after.iter().find(is_same) else {
        return vec![format!("{} is gone", disk.device)];
    };
    let mut found = Vec::new();
    let id = |disk: &Disk| disk.table.as_ref().map(|table| table.id.clone());
    if id(disk) != id(now) || disk.partitions.len() != now.partitions.len() {
        found.push(format!("{} has another partition table", disk.device));
    }
    for partition in &disk.partitions {
        let mut others = now.partitions.iter();
        let other = others.find(|it| it.number == partition.number);
        if other.is_none_or(|other| !is_alike(partition, other)) {
            found.push(format!("{} is not what it was", partition.device));
        }
    }
    found
}

fn is_alike(before: &FoundPartition, after: &FoundPartition) -> bool {
    before.unchanged() == after.unchanged() && before.content == after.content
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::sample;

    #[test]
    fn a_boot_that_gives_other_names_and_a_newer_kernel_changes_nothing() {
        let before = sample::facts();
        let mut after = before.clone();
        after.boot_id = "another".to_owned();
        after.kernel = "6.1.0-99".to_owned();
        for disk in &mut after.disks {
            disk.device = "/dev/vdb".to_owned();
            for partition in &mut disk.partitions {
                partition.device = partition.device.replace("vda", "vdb");
            }
        }
        for mount in &mut after.mounts {
            mount.device = mount.device.replace("vda", "vdb");
        }
        assert_eq!(differences(&before, &after), Vec::<String>::new());
    }

    #[test]
    fn another_name_system_table_or_swap_is_told() {
        let before = sample::facts();
        let told = |change: fn(&mut Facts)| {
            let mut after = before.clone();
            change(&mut after);
            differences(&before, &after).join("; ")
        };
        let name = told(|facts| facts.hostname = "other".to_owned());
        assert_eq!(name, "its host name was node07, and is other");
        assert!(told(|facts| facts.os.pretty_name = "Debian 13".to_owned()).contains("its system"));
        assert!(told(|facts| facts.disks.clear()).contains("/dev/vda is gone"));
        let swap = told(|facts| facts.disks[0].partitions[1].content = None);
        assert_eq!(swap, "/dev/vda2 is not what it was");
        let table = told(|facts| drop(facts.disks[0].partitions.pop()));
        assert!(table.contains("another partition table"), "{table}");
    }
}
