//! Where a tree goes: an empty place with room, on a file system that the jump system can mount.

use super::{Given, Input, source};
use crate::disk::filesystem::mounted_as;
use crate::disk::{Filesystem, FoundPartition};
use crate::job::CopyWish;
use crate::node::facts::{FoundCopy, FoundPlace, PlaceState};
use crate::node::fstab::HIDES_THE_SYSTEM;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::planner::wished::Wished;
use crate::step::{TreeCopy, TreePlace};
use crate::words::abspath::AbsPath;
use crate::words::size::Size;

/// What steps write to in the new system, or the kernel has there, with all below.
const OURS: [&str; 12] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/var/log/jump",
];

/// What is asked of a destination.
pub(super) struct Asked<'a> {
    pub(super) given: Given<'a>,
    pub(super) wish: &'a CopyWish,
    pub(super) found: Option<&'a FoundCopy>,
}

impl Asked<'_> {
    /// The file system that the tree `from` goes to, and whether it stays.
    pub(super) fn filesystem(&self, from: &TreePlace) -> Result<(Filesystem, bool), Refusal> {
        let number = self.wish.to.number;
        let after = self.given.table.after.iter().any(|it| it.number == number);
        if !after || Some(number) == self.given.landing {
            return Err(self.refuse(
                "there is no such partition to copy to",
                "name a partition that the layout keeps, formats or creates",
            ));
        }
        if number == from.number {
            return Err(self.refuse(
                &format!("{} lies on that partition already", self.wish.from),
                "copy it to another partition, or keep this one",
            ));
        }
        let made = self
            .given
            .filesystems
            .iter()
            .find(|it| it.planned.number == number);
        let fs = match made.and_then(|wished| wished.make) {
            Some(fs) => {
                self.refuse_in_the_systems_place()?;
                (fs, false)
            }
            None => (self.kept()?, true),
        };
        source::refuse_unmountable(self.given.input, self.wish, fs.0)?;
        Ok(fs)
    }

    fn partition(&self) -> Option<&FoundPartition> {
        let mut partitions = self.given.disk.partitions.iter();
        partitions.find(|it| it.number == self.wish.to.number)
    }

    /// A file system that stays: what is free there, and whether the place is, the old system says.
    fn kept(&self) -> Result<Filesystem, Refusal> {
        let partition = self.partition();
        let kind = partition.and_then(|it| Some(it.content.as_ref()?.kind.as_str()));
        let Some(fs) = kind.and_then(mounted_as) else {
            return Err(self.refuse(
                &format!(
                    "it is kept and holds {}, and trees are copied to ext4 and xfs",
                    kind.unwrap_or("nothing")
                ),
                "format it, or copy to another partition",
            ));
        };
        let place = self.place().ok_or_else(|| {
            self.refuse(
                "it is kept and not mounted on the node, so that nobody knows what is in it",
                "mount it on the node, then check again; or format it",
            )
        })?;
        let what = match place.state {
            PlaceState::Missing | PlaceState::Empty => return Ok(fs),
            PlaceState::Occupied => "there is something in that directory, which is kept",
            PlaceState::NoDirectory => {
                "that is no directory, or something on the way there is none"
            }
        };
        Err(self.refuse(
            what,
            format!(
                "name a directory that is not there yet, for example \"{}:/from-old\"",
                self.wish.to.number
            ),
        ))
    }

    fn place(&self) -> Option<&FoundPlace> {
        let device = &self.partition()?.device;
        let mut places = self.found?.places.iter();
        places.find(|place| place.device == *device)
    }

    /// What is copied into a new file system stands in place of what the image has there.
    fn refuse_in_the_systems_place(&self) -> Result<(), Refusal> {
        let to = &self.wish.to;
        let Some(place) = in_new_system(self.given.filesystems, &to.directory, to.number) else {
            return Ok(());
        };
        let hides = place.as_str() == "/" || HIDES_THE_SYSTEM.contains(&place.as_str());
        let ours = OURS.iter().any(|top| place.is_within(top));
        let mut mounts = self.given.filesystems.iter().map(|it| &it.planned.mount);
        let above = mounts.find(|mount| {
            let mount: Option<AbsPath> = mount.parse().ok();
            mount.is_some_and(|mount| mount != place && mount.is_within(place.as_str()))
        });
        let why = match above {
            Some(mount) => format!("the new system mounts another partition at {mount}"),
            None if hides || ours => "the new system has its own files there".to_owned(),
            None => return Ok(()),
        };
        Err(self.refuse(
            &format!("that is {place} in the new system, and {why}"),
            "copy it to a directory of its own, for example below /srv; settings are saved with [save] extra",
        ))
    }

    fn refuse(&self, why: &str, hint: impl Into<String>) -> Refusal {
        let CopyWish { from, to } = self.wish;
        refuse(format!("[[copy]] {from} to \"{to}\": {why}"), hint)
    }
}

fn refuse(message: String, hint: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::CopyDestination, message, hint)
}

/// Where the new system has `directory` of partition `number`, if it mounts that.
pub(super) fn in_new_system(
    filesystems: &[Wished],
    directory: &AbsPath,
    number: u32,
) -> Option<AbsPath> {
    let mut filesystems = filesystems.iter();
    let filesystem = filesystems.find(|it| it.planned.number == number)?;
    Some(directory.mounted_at(&filesystem.planned.mount))
}

/// Each tree has a place of its own.
pub(super) fn in_each_other(wishes: &[CopyWish]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (index, one) in wishes.iter().enumerate() {
        for other in &wishes[..index] {
            let (to, before) = (&one.to, &other.to);
            let within = to.directory.is_within(before.directory.as_str())
                || before.directory.is_within(to.directory.as_str());
            if to.number == before.number && within {
                refusals.push(refuse(
                    format!(
                        "[[copy]]: {} and {} would lie in each other, at \"{before}\" and \"{to}\"",
                        other.from, one.from
                    ),
                    "give each a directory of its own",
                ));
            }
        }
    }
    refusals
}

/// Whether what is free on kept file systems is enough. What is made has its room reckoned with the
/// image's.
pub(super) fn too_small(input: &Input<'_>, copies: &[TreeCopy]) -> Vec<Refusal> {
    let mut numbers: Vec<u32> = copies
        .iter()
        .filter(|copy| copy.kept)
        .map(|copy| copy.to.number)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let small = numbers.into_iter().filter_map(|number| {
        let found = input.facts.copies.iter();
        let mut to = found.filter(|found| found.wish.to.number == number);
        let place = to.find_map(|found| found.places.first())?;
        let (size, inodes) = super::going_to(input, number);
        // What a file system needs itself for so many files, and something left for the node.
        let own = Size(size.bytes() / 50);
        let needed: Size = [size, own, Size::mib(16)].into_iter().sum();
        let few = place.free_inodes.filter(|free| *free < inodes);
        let message = match few {
            _ if needed > place.free => format!(
                "partition {number} has {} free; what is copied there needs {needed}",
                place.free
            ),
            Some(free) => format!(
                "partition {number} has {free} free inodes; what is copied there needs {inodes}"
            ),
            None => return None,
        };
        Some(refuse(
            message,
            "make room there, copy less, or copy to a partition that is made anew",
        ))
    });
    small.collect()
}
