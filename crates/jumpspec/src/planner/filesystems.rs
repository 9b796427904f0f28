//! The new system's file systems: which partitions are mounted where, which are made
//! anew.

use super::wished::Wished;
use super::{Input, derived_uuid, is_stacked, room, uefi};
use crate::boot::PlannedBoot;
use crate::disk::{Content, Disk, Filesystem, FoundPartition, UNKNOWN, UNRECOGNISED, filesystem};
use crate::job::{Action, PartitionWish};
use crate::node::fstab::unique::{self, Device};
use crate::node::fstab::{self, Fstab, Outcome};
use crate::plan::{PlannedDisk, PlannedFilesystem, PlannedLanding};
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::size::Size;

/// What is no file system, besides what others lie on.
const NO_FILES: [&str; 4] = ["swap", "swsuspend", UNKNOWN, UNRECOGNISED];

/// The new system's file systems, parents before children.
pub(super) fn planned(
    input: &Input<'_>,
    disk: &Disk,
    table: &PlannedDisk,
    boot: &PlannedBoot,
) -> Result<Vec<Wished>, Vec<Refusal>> {
    let mut wishes = input.job.layout.partitions.clone();
    wishes.extend(uefi::implied(boot, &wishes));
    let mut refusals = Vec::new();
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
        Some(_) => refusals.extend(room::refusals(input, table, &filesystems)),
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
    let partition = disk
        .partitions
        .iter()
        .find(|partition| partition.number == wish.number);
    let content = partition.and_then(|partition| partition.content.as_ref());
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
        refuse_below_least(table, wish, fs)?;
    } else {
        refuse_unmountable(disk, wish, content)?;
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
            .filter(|label| filesystem::label(&fs, label).is_ok())
    });
    let device = match partition.filter(|_| kept) {
        Some(partition) => name_of_kept(input, disk, partition)?,
        None => format!("UUID={uuid}"),
    };
    Ok(Some(Wished {
        device,
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

/// mkfs itself refuses what is smaller.
fn refuse_below_least(
    table: &PlannedDisk,
    wish: &PartitionWish,
    fs: Filesystem,
) -> Result<(), Refusal> {
    let (there, least) = (table.size_after(wish.number), Size(fs.least_size()));
    if there >= least {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::FilesystemTooSmall,
        format!(
            "partition {} is {}; {} needs {}",
            wish.number,
            there,
            fs.name(),
            least
        ),
        "ask for ext4, or give it more room with action = \"create\" and size",
    ))
}

/// How fstab names a kept file system so that nothing else is mounted in its place.
fn name_of_kept(
    input: &Input<'_>,
    disk: &Disk,
    partition: &FoundPartition,
) -> Result<String, Refusal> {
    let name = unique::name_of(input.facts, Device::Partition(disk, partition));
    name.ok_or_else(|| {
        not_unique(format!(
            "{} has no name of its own: its UUID and PARTUUID are missing or stand for other devices of this node too",
            partition.device
        ))
    })
}

fn not_unique(message: String) -> Refusal {
    Refusal::new(
        RefusalCode::NameNotUnique,
        message,
        "give the copy identifiers of its own (tune2fs -U random, xfs_admin -U generate, swaplabel -U, sfdisk --disk-id), or take its disk out",
    )
}

/// What is kept and mounted is a file system.
fn refuse_unmountable(
    disk: &Disk,
    wish: &PartitionWish,
    content: Option<&Content>,
) -> Result<(), Refusal> {
    let Some(content) =
        content.filter(|it| is_stacked(&it.kind) || NO_FILES.contains(&it.kind.as_str()))
    else {
        return Ok(());
    };
    Err(impossible(
        format!(
            "partition {} of {} holds {}, which is not mounted itself",
            wish.number, disk.device, content.kind
        ),
        "leave it without mount; what lies on it keeps its own lines of fstab",
    ))
}

fn refuse_unmakeable(input: &Input<'_>, fs: Filesystem) -> Result<(), Refusal> {
    let manifest = &input.jump.manifest;
    if crate::image::fitness::can_make(manifest, fs) {
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

/// The EFI system partition, where it is on a disk that is not replaced: kept, and mounted.
fn esp_beside(input: &Input<'_>, boot: &PlannedBoot) -> Result<Option<Outcome>, Refusal> {
    let esp = boot.uefi().and_then(|uefi| {
        let found = input.facts.disk_at(&uefi.beside.as_ref()?.device)?;
        let mut partitions = found.partitions.iter();
        let partition = partitions.find(|it| it.number == uefi.esp.number)?;
        Some((uefi, found, partition))
    });
    let Some((uefi, disk, partition)) = esp else {
        return Ok(None);
    };
    let mount = uefi.mount.as_str().to_owned();
    let mut wishes = input.job.layout.partitions.iter();
    let taken = wishes.find(|wish| wish.mount.as_ref() == Some(&mount));
    if let Some(wish) = taken {
        return Err(impossible(
            format!(
                "partition {} cannot be mounted at {mount}, where the new system has {}, the EFI system partition that the firmware boots from",
                wish.number, partition.device
            ),
            "leave that partition without mount",
        ));
    }
    Ok(Some(Outcome {
        disk: disk.device.clone(),
        number: partition.number,
        mount,
        device: name_of_kept(input, disk, partition)?,
        fs: "vfat".to_owned(),
        options: None,
        kept: true,
    }))
}

/// The new system's fstab, unless a line that is needed might mean another device.
pub(super) fn fstab(
    input: &Input<'_>,
    disk: &Disk,
    filesystems: &[Wished],
    (landing, boot): (&PlannedLanding, &PlannedBoot),
) -> Result<Fstab, Vec<Refusal>> {
    let outcomes: Vec<Outcome> = filesystems
        .iter()
        .map(|filesystem| Outcome {
            mount: filesystem.planned.mount.clone(),
            device: filesystem.device.clone(),
            fs: filesystem.planned.fs.clone(),
            options: filesystem.options.clone(),
            kept: filesystem.planned.kept,
            disk: disk.device.clone(),
            number: filesystem.planned.number,
        })
        .chain(esp_beside(input, boot).map_err(|refusal| vec![refusal])?)
        .collect();
    let fstab = fstab::compose(&fstab::Wanted {
        old: &input.facts.fstab,
        facts: input.facts,
        disk: &disk.device,
        job: input.job,
        outcomes: &outcomes,
        landing: landing.borrowed(),
        swap: landing.swap(),
    });
    if fstab.ambiguous.is_empty() {
        return Ok(fstab);
    }
    let lines = fstab.ambiguous.iter();
    Err(lines
        .map(|line| {
            not_unique(format!(
                "fstab: the name in {line:?} stands for several devices of this node, and none of its own is known"
            ))
        })
        .collect())
}
