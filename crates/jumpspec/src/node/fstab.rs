//! `/etc/fstab` of the new system: its own file systems by UUID, and of the old
//! system's lines those whose source survives. Line by line, comments left behind.
//! Source of the format: fstab(5).

mod fate;
mod line;
pub(crate) mod unique;

use crate::disk::{FoundPartition, Swap};
use crate::job::Job;
use crate::node::facts::Facts;
use crate::words::relpath::RelPath;

pub use fate::HIDES_THE_SYSTEM;
use fate::{Fate, Fates};
pub use line::Line;
use unique::{Device, names};

/// What lets a system boot while its swap is not made yet (systemd.mount(5)).
const UNTIL_MADE: &str = "nofail,x-systemd.device-timeout=1s";

/// What the new fstab follows from.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The old one.
    pub old: &'a str,
    /// The node.
    pub facts: &'a Facts,
    /// The disk that is replaced, e.g. `/dev/vda`.
    pub disk: &'a str,
    /// The admin's wishes.
    pub job: &'a Job,
    /// The new system's own file systems.
    pub outcomes: &'a [Outcome],
    /// Number of the partition of that disk that is borrowed, if one is.
    pub landing: Option<u32>,
    /// The swap that the landing partition becomes again.
    pub swap: Option<&'a Swap>,
}

impl Wanted<'_> {
    /// Whether `line` mounts the kept FAT of `outcome`. Who may read one hangs on options alone.
    fn is_fat_of(&self, outcome: &Outcome, line: &Line) -> bool {
        outcome.fs == "vfat" && outcome.kept && self.is_of(outcome, line)
    }

    /// Whether `line` means the partition of `outcome`.
    fn is_of(&self, outcome: &Outcome, line: &Line) -> bool {
        let meant = unique::meant(&line.device, self.facts);
        let is_it = |device: &Device<'_>| {
            matches!(device, Device::Partition(disk, partition)
                if disk.device == outcome.disk && partition.number == outcome.number)
        };
        meant.iter().any(is_it)
    }
}

/// One of the new system's own file systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its disk, e.g. `/dev/vda`.
    pub disk: String,
    /// Its partition's number.
    pub number: u32,
    /// Where it is mounted.
    pub mount: String,
    /// How fstab names it, e.g. `UUID=…`.
    pub device: String,
    /// Its type.
    pub fs: String,
    /// The options that the job asks for.
    pub options: Option<String>,
    /// Whether its content stays.
    pub kept: bool,
}

/// A new fstab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fstab {
    /// Its text.
    pub text: String,
    /// Old lines that are not in it.
    pub dropped: Vec<Dropped>,
    /// Old lines that belong into it and whose names mean several devices.
    pub ambiguous: Vec<String>,
    /// Lines that are in it, with `nofail`, although nothing is known of their devices: volumes of
    /// LVM, RAID or LUKS, which the new system may put together or not.
    pub unseen: Vec<String>,
}

/// An old line that is not carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The line.
    pub line: String,
    /// Why.
    pub reason: &'static str,
}

impl Fstab {
    /// What an admin should know of it.
    pub fn notes(&self) -> Vec<String> {
        let dropped = self.dropped.iter().map(|dropped| {
            format!(
                "fstab: {:?} is not carried over: {}",
                dropped.line, dropped.reason
            )
        });
        let unseen = self.unseen.iter().map(|line| {
            format!(
                "fstab: {line:?} is carried over with nofail: it is there again if the image has \
                 what puts its device together (lvm2, mdadm, crypttab with its key)"
            )
        });
        dropped.chain(unseen).collect()
    }
}

/// Composes the new system's fstab.
pub fn compose(wanted: &Wanted<'_>) -> Fstab {
    let mut fstab = Fstab {
        text: "# Written by jump: fstab(5)\n".to_owned(),
        ..Fstab::default()
    };
    let old: Vec<Line> = wanted.old.lines().filter_map(Line::parse).collect();
    for outcome in wanted.outcomes {
        fstab.text += &own(wanted, outcome, &old).to_string();
    }
    if let Some(swap) = wanted.swap {
        let options = format!("{},{UNTIL_MADE}", swap.options);
        fstab.text +=
            &Line::new(&format!("UUID={}", swap.uuid), "none", "swap", &options).to_string();
    }
    let mut fates = Fates::new(wanted);
    for line in old {
        match fates.of(&line) {
            Fate::Carried => fstab.text += &line.to_string(),
            Fate::Renamed(device) => fstab.text += &Line { device, ..line }.to_string(),
            Fate::Ambiguous => fstab.ambiguous.push(line.to_string().trim_end().to_owned()),
            Fate::Unseen => {
                let line = fate::optional(line).to_string();
                fstab.text += &line;
                fstab.unseen.push(line.trim_end().to_owned());
            }
            Fate::Dropped(reason) => {
                fstab.dropped.push(Dropped {
                    line: line.to_string().trim_end().to_owned(),
                    reason,
                });
            }
            Fate::Replaced => {}
        }
    }
    fstab
}

/// All are checked at boot, the root first.
fn own(wanted: &Wanted<'_>, outcome: &Outcome, old: &[Line]) -> Line {
    let before = old.iter().find(|line| line.mount == outcome.mount);
    let before = before.or_else(|| old.iter().find(|line| wanted.is_fat_of(outcome, line)));
    let options = outcome
        .options
        .clone()
        .or_else(|| inherited(outcome, before?));
    let mut line = Line::new(
        &outcome.device,
        &outcome.mount,
        &outcome.fs,
        &options.unwrap_or_else(|| "defaults".to_owned()),
    );
    line.pass = if outcome.mount == "/" { 1 } else { 2 };
    line
}

/// A kept file system keeps the options it had. One that is made anew in its place keeps what is to
/// be done about errors (ext4(5)): what is best there does not change with the system.
fn inherited(outcome: &Outcome, before: &Line) -> Option<String> {
    if outcome.kept {
        return Some(before.options.clone());
    }
    let both_ext = [&outcome.fs, &before.fs]
        .iter()
        .all(|fs| fs.starts_with("ext"));
    let mut options = before.options.split(',').filter(|_| both_ext);
    options
        .find(|option| option.starts_with("errors="))
        .map(str::to_owned)
}

/// What fstab says of the swap on a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapEntry {
    /// The UUID that the line goes by, if it does.
    pub uuid: Option<String>,
    /// The label that the line goes by, if it does.
    pub label: Option<String>,
    /// Its options, without those that [`compose`] adds.
    pub options: String,
}

/// The swap line for `partition`: the one that names it, or else the only one whose swap is
/// nowhere on the node, for it may have been this partition's.
pub fn swap_entry(facts: &Facts, partition: &FoundPartition) -> Option<SwapEntry> {
    let swaps: Vec<Line> = facts
        .fstab
        .lines()
        .filter_map(Line::parse)
        .filter(|line| line.fs == "swap")
        .collect();
    let named = swaps.iter().find(|line| names(&line.device, partition));
    let lost = |line: &&Line| {
        let file = line.device.starts_with('/') && !line.device.starts_with("/dev/");
        !file && unique::meant(&line.device, facts).is_empty()
    };
    let mut lost = swaps.iter().filter(lost);
    let only = lost.next().filter(|_| lost.next().is_none());
    let line = named.or(only)?;
    let tagged = |tag: &str| {
        let value = line.device.strip_prefix(tag)?;
        Some(value.trim_matches('"').to_owned())
    };
    Some(SwapEntry {
        uuid: tagged("UUID="),
        label: tagged("LABEL="),
        options: line.options.replace(&format!(",{UNTIL_MADE}"), ""),
    })
}

/// Whether a swap line names `partition`.
pub fn names_swap(fstab: &str, partition: &FoundPartition) -> bool {
    let mut lines = fstab.lines().filter_map(Line::parse);
    lines.any(|line| line.fs == "swap" && names(&line.device, partition))
}

/// `text` with the swap line of `uuid` as it is to stay: with `options` alone.
pub fn settle_swap(text: &str, uuid: &str, options: &str) -> String {
    let device = format!("UUID={uuid}");
    let settled = |line: &str| match Line::parse(line)
        .filter(|line| line.device == device && line.fs == "swap")
    {
        Some(mut swap) => {
            options.clone_into(&mut swap.options);
            swap.to_string()
        }
        None => format!("{line}\n"),
    };
    text.lines().map(settled).collect()
}

/// The directories below the root that the mounts of an fstab need.
pub fn mount_points(text: &str) -> Vec<RelPath> {
    let lines = text.lines().filter_map(Line::parse);
    lines
        .filter(|line| line.mount.starts_with('/'))
        .filter_map(|line| line.mount.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests;
