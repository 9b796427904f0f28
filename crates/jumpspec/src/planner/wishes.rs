//! What is wrong with a job whatever the node is: what a file system, a mount, systemd or time
//! itself would refuse later.

use super::{Input, uefi};
use crate::disk::{Filesystem, filesystem};
use crate::job::{Action, Job, LONGEST_WAIT, PartitionWish, SHORTEST_WAIT, Wait};
use crate::node::fstab::HIDES_THE_SYSTEM;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::relpath::RelPath;

/// Where the kernel and systemd mount their own before any fstab (systemd's
/// `src/shared/mount-setup.c`), with all below; and what a root must have by itself to get as far
/// as its fstab.
const NOBODYS: [&str; 4] = ["/dev", "/proc", "/run", "/sys"];
const ROOTS_OWN: [&str; 6] = ["/bin", "/etc", "/lib", "/lib32", "/lib64", "/sbin"];

/// Where systems have their EFI system partition, and nothing of their own.
const ESPS_OWN: [&str; 2] = ["/boot/efi", "/efi"];

/// What ends a unit's name (systemd.unit(5)).
const UNIT_KINDS: [&str; 11] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];
/// The longest name of a unit, systemd.unit(5).
const LONGEST_UNIT: usize = 255;

/// What stands against the job by itself.
pub(super) fn refusals(input: &Input<'_>) -> Vec<Refusal> {
    let job = input.job;
    let mut refusals = contradictions(&job.layout.partitions);
    let is_esp = |wish: &PartitionWish| uefi::is_esp(input, wish.number);
    let wishes = job.layout.partitions.iter();
    refusals.extend(wishes.flat_map(|wish| of_partition(wish, is_esp(wish))));
    refusals.extend(waits(job));
    refusals.extend(job.health.units.iter().filter_map(|unit| of_unit(unit)));
    refusals
}

fn impossible(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::LayoutImpossible, message, hint)
}

/// Wishes that cannot both be met.
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
    }
    refusals
}

fn of_partition(wish: &PartitionWish, is_esp: bool) -> Vec<Refusal> {
    let mount = wish
        .mount
        .as_deref()
        .filter(|mount| !(is_esp && ESPS_OWN.contains(mount)))
        .and_then(|mount| of_mount(wish, mount))
        .map(|refusal| if is_esp { of_esp(refusal) } else { refusal });
    let label = wish
        .label
        .as_deref()
        .and_then(|label| of_label(wish, label));
    let options = wish
        .options
        .as_deref()
        .and_then(|options| of_options(wish, options));
    [mount, label, options].into_iter().flatten().collect()
}

fn of_mount(wish: &PartitionWish, mount: &str) -> Option<Refusal> {
    if mount == "/" {
        return None;
    }
    if !mount.starts_with('/') || mount.parse::<RelPath>().is_err() {
        return Some(impossible(
            format!("{mount:?} is not an absolute path"),
            "write for example mount = \"/data\"",
        ));
    }
    let below = |top: &str| {
        let rest = mount.strip_prefix(top);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let reserved = NOBODYS.iter().any(|top| below(top)) || ROOTS_OWN.contains(&mount);
    let hiding = wish.action == Action::Keep && HIDES_THE_SYSTEM.contains(&mount);
    (reserved || hiding || mount.chars().any(char::is_control)).then(|| {
        let why = if hiding {
            "its content would hide the new system's own files"
        } else {
            "no system boots with that on a partition of its own"
        };
        impossible(
            format!(
                "partition {} cannot be mounted at {mount:?}: {why}",
                wish.number
            ),
            "mount it elsewhere, for example at \"/data\"",
        )
    })
}

/// Every new system has it at one place.
fn of_esp(refusal: Refusal) -> Refusal {
    Refusal {
        hint: format!(
            "leave it out of the layout: it is mounted at {}",
            ESPS_OWN[0]
        ),
        ..refusal
    }
}

fn of_label(wish: &PartitionWish, label: &str) -> Option<Refusal> {
    if !matches!(wish.action, Action::Format | Action::Create) {
        return None;
    }
    let fs = wish.fs.unwrap_or(Filesystem::Ext4);
    let error = filesystem::label(fs.name(), label).err()?;
    Some(Refusal::new(
        RefusalCode::LabelInvalid,
        format!("partition {}: {error}", wish.number),
        "choose a shorter label of printable characters",
    ))
}

fn of_options(wish: &PartitionWish, options: &str) -> Option<Refusal> {
    let broken = options.is_empty() || options.chars().any(|c| c.is_whitespace() || c.is_control());
    broken.then(|| {
        impossible(
            format!(
                "partition {}: {options:?} are not mount options",
                wish.number
            ),
            "write them with commas and no space, as in fstab, or leave them out",
        )
    })
}

fn waits(job: &Job) -> Vec<Refusal> {
    let wait = &job.wait;
    [
        ("boot", wait.boot),
        ("prove", wait.prove),
        ("replace", wait.replace),
        ("health", wait.health),
    ]
    .into_iter()
    .filter(|(_, Wait(wait))| !(SHORTEST_WAIT..=LONGEST_WAIT).contains(wait))
    .map(|(name, wait)| {
        Refusal::new(
            RefusalCode::WaitOutOfBounds,
            format!("[wait] {name} = {:?} can never be met", String::from(wait)),
            "choose from 5s to 7days, or leave it out for the default",
        )
    })
    .collect()
}

/// A name that systemd would not take is a unit that is never active.
fn of_unit(unit: &str) -> Option<Refusal> {
    let known = unit.rsplit_once('.').is_some_and(|(name, kind)| {
        let sound = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        !name.is_empty() && name.chars().all(sound) && UNIT_KINDS.contains(&kind)
    });
    (!known || unit.len() > LONGEST_UNIT).then(|| {
        Refusal::new(
            RefusalCode::UnitName,
            format!("[health] units: {unit:?} is not the name of a systemd unit"),
            "write it whole, for example \"slurmd.service\"",
        )
    })
}
