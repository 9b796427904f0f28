//! Names that mean one device of the node and no other. A disk that was copied onto another in
//! the same node (dd) shares its UUIDs, labels, PARTUUIDs and disk signature with it.

use crate::disk::{Content, Disk, FoundPartition};
use crate::job::{Action, Job};
use crate::node::facts::Facts;

/// What a name of fstab may mean.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Device<'a> {
    /// A partition.
    Partition(&'a Disk, &'a FoundPartition),
    /// What takes a whole disk.
    Disk(&'a Disk),
}

impl<'a> Device<'a> {
    /// Its name for now.
    pub(crate) fn name(self) -> &'a str {
        match self {
            Self::Partition(_, partition) => &partition.device,
            Self::Disk(disk) => &disk.device,
        }
    }

    fn content(self) -> Option<&'a Content> {
        match self {
            Self::Partition(_, partition) => partition.content.as_ref(),
            Self::Disk(disk) => disk.content.as_ref(),
        }
    }
}

/// All that `name` (a line's first field) means on this node.
pub(crate) fn meant<'a>(name: &str, facts: &'a Facts) -> Vec<Device<'a>> {
    let partitions = facts
        .partitions()
        .filter(|(_, partition)| names(name, partition))
        .map(|(disk, partition)| Device::Partition(disk, partition));
    let whole = facts
        .disks
        .iter()
        .filter(|disk| disk.partitions.is_empty())
        .filter(|disk| name == disk.device || holds(name, disk.content.as_ref()))
        .map(Device::Disk);
    partitions.chain(whole).collect()
}

/// Whether the new system gives a file system the label that `name` goes by.
pub(crate) fn becomes_a_label(name: &str, job: &Job) -> bool {
    let made = |action| matches!(action, Action::Format | Action::Create);
    job.layout.partitions.iter().any(|wish| {
        let content = Content {
            kind: String::new(),
            uuid: None,
            label: wish.label.clone(),
        };
        made(wish.action) && holds(name, Some(&content))
    })
}

/// The name by which fstab means `device` alone: its UUID, its PARTUUID, or what udev calls it
/// by its hardware.
pub(crate) fn name_of(facts: &Facts, device: Device<'_>) -> Option<String> {
    let uuid = device.content().and_then(|content| content.uuid.as_ref());
    let (partuuid, links) = match device {
        Device::Partition(_, partition) => {
            // Without a disk signature it is 0, as on any other such disk.
            let said = |id: &&String| !id.starts_with("00000000-");
            (partition.partuuid.as_ref().filter(said), &partition.links)
        }
        Device::Disk(disk) => (None, &disk.links),
    };
    let tagged = [
        uuid.map(|uuid| format!("UUID={uuid}")),
        partuuid.map(|id| format!("PARTUUID={id}")),
    ];
    let alone = |name: &String| meant(name, facts).len() == 1;
    let tagged = tagged.into_iter().flatten().find(alone);
    tagged.or_else(|| {
        let shared = |other: &&String| {
            facts
                .partitions()
                .flat_map(|(_, partition)| &partition.links)
                .chain(facts.disks.iter().flat_map(|disk| &disk.links))
                .filter(|link| link == other)
                .count()
                > 1
        };
        links.iter().find(|link| !shared(link)).cloned()
    })
}

/// Whether another partition of the node has this UUID or label too.
pub(crate) fn stands_twice(uuid: &str, facts: &Facts) -> bool {
    meant(&format!("UUID={uuid}"), facts).len() > 1
}

/// Whether `device` (a line's first field) names `partition`.
pub(super) fn names(device: &str, partition: &FoundPartition) -> bool {
    device == partition.device
        || holds(device, partition.content.as_ref())
        || same(
            device,
            "PARTUUID",
            "by-partuuid",
            partition.partuuid.as_ref(),
        )
        || same(device, "PARTLABEL", "by-partlabel", partition.name.as_ref())
}

/// Whether `device` names the file system `content`.
pub(super) fn holds(device: &str, content: Option<&Content>) -> bool {
    content.is_some_and(|content| {
        same(device, "UUID", "by-uuid", content.uuid.as_ref())
            || same(device, "LABEL", "by-label", content.label.as_ref())
    })
}

/// Whether `device` is `TAG=value` or `/dev/disk/FOLDER/value`.
fn same(device: &str, tag: &str, folder: &str, value: Option<&String>) -> bool {
    let tagged = device
        .strip_prefix(tag)
        .and_then(|rest| rest.strip_prefix('='));
    let linked = || {
        device
            .strip_prefix("/dev/disk/")?
            .strip_prefix(folder)?
            .strip_prefix('/')
    };
    let named = tagged.or_else(linked).map(|named| named.trim_matches('"'));
    named.is_some_and(|named| value.is_some_and(|value| value.eq_ignore_ascii_case(named)))
}
