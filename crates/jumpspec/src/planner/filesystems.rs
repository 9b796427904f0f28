//! The new system's file systems: which partitions are mounted where, which are made
//! anew, and whether the image fits.

use super::{Input, derived_uuid};
use crate::facts::{Disk, SECTOR};
use crate::fstab::{self, Fstab, Outcome};
use crate::job::{Action, Filesystem, PartitionWish};
use crate::plan::{PlannedDisk, PlannedFilesystem, PlannedLanding};
use crate::refusal::{Refusal, RefusalCode};
use crate::size::Size;
use crate::step::Step;

/// A file system of the new system, with what is needed to make it.
#[derive(Clone, Debug)]
pub(super) struct Wished {
    pub(super) planned: PlannedFilesystem,
    make: Option<Filesystem>,
    label: Option<String>,
    options: Option<String>,
}

impl Wished {
    /// The step that makes it, unless it is kept.
    pub(super) fn mkfs(&self) -> Option<Step> {
        self.make.map(|fs| Step::Mkfs {
            number: self.planned.number,
            fs,
            uuid: self.planned.uuid.clone(),
            label: self.label.clone(),
        })
    }
}

/// The new system's file systems, parents before children.
pub(super) fn planned(
    input: &Input<'_>,
    disk: &Disk,
    table: &PlannedDisk,
) -> Result<Vec<Wished>, Vec<Refusal>> {
    let wishes = &input.job.layout.partitions;
    let mut refusals = contradictions(wishes);
    let mut filesystems = Vec::new();
    for wish in wishes.iter().filter(|wish| wish.action != Action::Delete) {
        match one(input, disk, table, wish) {
            Ok(filesystem) => filesystems.extend(filesystem),
            Err(refusal) => refusals.push(refusal),
        }
    }
    filesystems.sort_by(|a, b| a.planned.mount.cmp(&b.planned.mount));
    match filesystems
        .iter()
        .find(|filesystem| filesystem.planned.mount == "/")
    {
        None => refusals.push(impossible(
            "no partition becomes the new root",
            "give one mount = \"/\"",
        )),
        Some(root) if root.planned.kept => {
            refusals.push(impossible(
                "the new root cannot be a kept partition",
                "use action = \"format\" or \"create\" for it",
            ));
        }
        Some(_) => refusals.extend(too_small(input, table, &filesystems)),
    }
    if refusals.is_empty() {
        Ok(filesystems)
    } else {
        Err(refusals)
    }
}

fn impossible(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::LayoutImpossible, message, hint)
}

/// What is wrong with the wishes whatever the disk is.
fn contradictions(wishes: &[PartitionWish]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (index, wish) in wishes.iter().enumerate() {
        let earlier = &wishes[..index];
        if earlier.iter().any(|other| other.number == wish.number) {
            refusals.push(impossible(
                format!("the layout names partition {} twice", wish.number),
                "name it once",
            ));
        }
        let Some(mount) = &wish.mount else { continue };
        if earlier
            .iter()
            .any(|other| other.mount.as_ref() == Some(mount))
        {
            refusals.push(impossible(
                format!("two partitions are mounted at {mount}"),
                "mount one of them elsewhere",
            ));
        }
        if mount != "/"
            && (!mount.starts_with('/') || mount.parse::<crate::relpath::RelPath>().is_err())
        {
            refusals.push(impossible(
                format!("{mount:?} is not an absolute path"),
                "write for example mount = \"/data\"",
            ));
        }
    }
    refusals
}

fn one(
    input: &Input<'_>,
    disk: &Disk,
    table: &PlannedDisk,
    wish: &PartitionWish,
) -> Result<Option<Wished>, Refusal> {
    if !table
        .after
        .iter()
        .any(|partition| partition.number == wish.number)
    {
        return Err(impossible(
            format!("{} has no partition {}", disk.device, wish.number),
            "use action = \"create\" to make it",
        ));
    }
    let kept = wish.action == Action::Keep;
    let content = disk
        .partitions
        .iter()
        .find(|partition| partition.number == wish.number)
        .and_then(|partition| partition.content.as_ref());
    let make = if kept {
        None
    } else {
        Some(wish.fs.unwrap_or(Filesystem::Ext4))
    };
    let Some(mount) = wish.mount.clone() else {
        return refuse_pointless(wish).map(|()| None);
    };
    if let Some(fs) = make {
        refuse_unmakeable(input, fs)?;
    }
    let (fs, uuid) = match (make, content) {
        (Some(fs), _) => (
            fs.name().to_owned(),
            derived_uuid(input, &format!("filesystem {}", wish.number)),
        ),
        (None, Some(content)) => (
            content.kind.clone(),
            content.uuid.clone().unwrap_or_default(),
        ),
        (None, None) => {
            return Err(impossible(
                format!(
                    "partition {} of {} holds no file system to keep",
                    wish.number, disk.device
                ),
                "use action = \"format\", or leave it without mount",
            ));
        }
    };
    let label = wish.label.clone().or_else(|| {
        content
            .and_then(|content| content.label.clone())
            .filter(|label| label.len() <= 12)
    });
    Ok(Some(Wished {
        planned: PlannedFilesystem {
            number: wish.number,
            mount,
            fs,
            uuid,
            kept,
        },
        make,
        label,
        options: wish.options.clone(),
    }))
}

fn refuse_pointless(wish: &PartitionWish) -> Result<(), Refusal> {
    if wish.action == Action::Keep {
        return Ok(());
    }
    Err(impossible(
        format!("partition {} is made anew but mounted nowhere", wish.number),
        "give it mount = \"/…\", or use action = \"keep\" or \"delete\"",
    ))
}

fn refuse_unmakeable(input: &Input<'_>, fs: Filesystem) -> Result<(), Refusal> {
    let manifest = &input.jump.manifest;
    if manifest.filesystems.iter().any(|made| made == fs.name()) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::FilesystemNotOffered,
        format!("the jump image {} cannot make {}", manifest.name, fs.name()),
        format!(
            "install mkfs.{} in its golden root, or ask for another file system",
            fs.name()
        ),
    ))
}

/// Whether the unpacked image fits into the new file systems: each takes the
/// directories below its mount point, the root what is left.
fn too_small(input: &Input<'_>, table: &PlannedDisk, filesystems: &[Wished]) -> Vec<Refusal> {
    let manifest = &input.target.manifest;
    let saved: u64 = input
        .facts
        .saved
        .iter()
        .filter_map(|path| path.size)
        .map(Size::bytes)
        .sum();
    let below = |mount: &str| {
        manifest
            .directories
            .get(mount.trim_start_matches('/'))
            .copied()
            .unwrap_or_default()
            .bytes()
    };
    let elsewhere: u64 = filesystems
        .iter()
        .map(|filesystem| below(&filesystem.planned.mount))
        .sum();
    let mut refusals = Vec::new();
    for filesystem in filesystems
        .iter()
        .filter(|filesystem| !filesystem.planned.kept)
    {
        let planned = &filesystem.planned;
        let sectors = table
            .after
            .iter()
            .find(|partition| partition.number == planned.number)
            .map_or(0, |partition| partition.sectors);
        let there = sectors * SECTOR;
        let content = if planned.mount == "/" {
            manifest.unpacked.bytes().saturating_sub(elsewhere) + saved
        } else {
            below(&planned.mount)
        };
        // What a file system keeps for itself: inode tables, journal, root's reserve;
        // GRUB's modules and configuration, logs of the first boot.
        let needed = content + there / 50 + (there / 16).min(64 << 20) + (16 << 20);
        if needed > there {
            refusals.push(Refusal::new(
                RefusalCode::FilesystemTooSmall,
                format!(
                    "partition {} ({}, {}) is too small: the image {} and what is restored need {} there",
                    planned.number,
                    planned.mount,
                    Size(there),
                    manifest.name,
                    Size(needed)
                ),
                "give it more room with action = \"create\" and size, or make the image smaller",
            ));
        }
    }
    refusals
}

/// The new system's fstab.
pub(super) fn fstab(
    input: &Input<'_>,
    disk: &Disk,
    filesystems: &[Wished],
    landing: &PlannedLanding,
) -> Fstab {
    let outcomes: Vec<Outcome> = filesystems
        .iter()
        .map(|filesystem| Outcome {
            mount: filesystem.planned.mount.clone(),
            device: format!("UUID={}", filesystem.planned.uuid),
            fs: filesystem.planned.fs.clone(),
            options: filesystem.options.clone(),
            kept: filesystem.planned.kept,
            number: filesystem.planned.number,
        })
        .collect();
    fstab::compose(&fstab::Wanted {
        old: &input.facts.fstab,
        facts: input.facts,
        disk: &disk.device,
        job: input.job,
        outcomes: &outcomes,
        landing: landing.number,
        swap: landing.swap.as_ref(),
    })
}
