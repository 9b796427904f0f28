//! `/etc/fstab` of the new system: its own file systems by UUID, and of the old
//! system's lines those whose source survives. Line by line, comments left behind.
//! Source of the format: fstab(5).

mod line;

use crate::facts::{Facts, Partition};
use crate::job::{Action, Job};
use crate::plan::Swap;
use crate::relpath::RelPath;

pub use line::Line;

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
    /// Number of the landing partition.
    pub landing: u32,
    /// The swap that the landing partition becomes again.
    pub swap: Option<&'a Swap>,
}

/// One of the new system's own file systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
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
}

/// An old line that is not carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The line.
    pub line: String,
    /// Why.
    pub reason: &'static str,
}

/// Composes the new system's fstab.
pub fn compose(wanted: &Wanted<'_>) -> Fstab {
    let mut fstab = Fstab {
        text: "# Written by jump: fstab(5)\n".to_owned(),
        dropped: Vec::new(),
    };
    let old: Vec<Line> = wanted.old.lines().filter_map(Line::parse).collect();
    for outcome in wanted.outcomes {
        fstab.text += &own(outcome, &old).to_string();
    }
    if let Some(swap) = wanted.swap {
        let options = format!("{},{UNTIL_MADE}", swap.options);
        fstab.text +=
            &Line::new(&format!("UUID={}", swap.uuid), "none", "swap", &options).to_string();
    }
    for line in old {
        match fate(&line, wanted) {
            Fate::Carried => fstab.text += &line.to_string(),
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

/// A kept file system keeps the options it had; all are checked at boot, the root first.
fn own(outcome: &Outcome, old: &[Line]) -> Line {
    let before = old
        .iter()
        .find(|line| line.mount == outcome.mount)
        .filter(|_| outcome.kept);
    let options = outcome
        .options
        .clone()
        .or_else(|| before.map(|line| line.options.clone()));
    let mut line = Line::new(
        &outcome.device,
        &outcome.mount,
        &outcome.fs,
        &options.unwrap_or_else(|| "defaults".to_owned()),
    );
    line.pass = if outcome.mount == "/" { 1 } else { 2 };
    line
}

enum Fate {
    Carried,
    Dropped(&'static str),
    /// There is a line of ours instead.
    Replaced,
}

fn fate(line: &Line, wanted: &Wanted<'_>) -> Fate {
    if wanted
        .outcomes
        .iter()
        .any(|outcome| outcome.mount == line.mount)
    {
        return Fate::Replaced;
    }
    if let Some((disk, partition)) = source(line, wanted.facts) {
        if disk != wanted.disk {
            return by_stable_name(line);
        }
        if partition.number == wanted.landing {
            return Fate::Replaced;
        }
        return match crate::layout::action(&wanted.job.layout, partition.number) {
            None | Some(Action::Keep) => by_stable_name(line),
            Some(Action::Format | Action::Create) => Fate::Dropped("its partition is made anew"),
            Some(Action::Delete) => Fate::Dropped("its partition is deleted"),
        };
    }
    if wanted
        .swap
        .is_some_and(|swap| line.device == format!("UUID={}", swap.uuid))
    {
        return Fate::Replaced;
    }
    match line.fs.as_str() {
        "proc" | "sysfs" | "devpts" | "devtmpfs" => {
            Fate::Dropped("the new system mounts it by itself")
        }
        "iso9660" | "udf" => Fate::Dropped("a removable medium"),
        _ if line.device.starts_with("/dev/cdrom")
            || line.device.starts_with("/dev/sr")
            || line.device.starts_with("/dev/fd") =>
        {
            Fate::Dropped("a removable medium")
        }
        _ if line.fs == "swap"
            && line.device.starts_with('/')
            && !line.device.starts_with("/dev/") =>
        {
            Fate::Dropped("a swap file of the old system")
        }
        _ if names_a_block_device(line) => Fate::Dropped("this node has no such device"),
        _ => Fate::Carried,
    }
}

/// The kernel's names may change with the kernel: a line that goes by one must not stop
/// the boot.
fn by_stable_name(line: &Line) -> Fate {
    let by_kernel_name = line.device.starts_with("/dev/") && !line.device.starts_with("/dev/disk/");
    if by_kernel_name
        && !line
            .options
            .split(',')
            .any(|option| option == "nofail" || option == "noauto")
    {
        return Fate::Dropped("it goes by a kernel name, which may be another's now; use its UUID");
    }
    Fate::Carried
}

fn names_a_block_device(line: &Line) -> bool {
    line.device.starts_with("/dev/")
        || ["UUID=", "LABEL=", "PARTUUID=", "PARTLABEL="]
            .iter()
            .any(|tag| line.device.starts_with(tag))
}

/// The partition that a line's first field names, with its disk's device.
fn source<'a>(line: &Line, facts: &'a Facts) -> Option<(&'a str, &'a Partition)> {
    let found = facts
        .partitions()
        .find(|(_, partition)| names(&line.device, partition));
    found.map(|(disk, partition)| (disk.device.as_str(), partition))
}

fn names(device: &str, partition: &Partition) -> bool {
    let content = partition.content.as_ref();
    let same = |tag: &str, link: &str, value: Option<&String>| {
        let named = device
            .strip_prefix(tag)
            .or_else(|| device.strip_prefix(link));
        named.is_some_and(|named| {
            value.is_some_and(|value| value.eq_ignore_ascii_case(named.trim_matches('"')))
        })
    };
    device == partition.device
        || same(
            "UUID=",
            "/dev/disk/by-uuid/",
            content.and_then(|content| content.uuid.as_ref()),
        )
        || same(
            "LABEL=",
            "/dev/disk/by-label/",
            content.and_then(|content| content.label.as_ref()),
        )
        || same(
            "PARTUUID=",
            "/dev/disk/by-partuuid/",
            partition.partuuid.as_ref(),
        )
        || same(
            "PARTLABEL=",
            "/dev/disk/by-partlabel/",
            partition.name.as_ref(),
        )
}

/// What fstab says of the swap on a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapEntry {
    /// The UUID that the line goes by, if it does.
    pub uuid: Option<String>,
    /// Its options, without those that [`compose`] adds.
    pub options: String,
}

/// The swap line for `partition`; if none names it, the only swap line there is.
pub fn swap_entry(fstab: &str, partition: &Partition) -> Option<SwapEntry> {
    let swaps: Vec<Line> = fstab
        .lines()
        .filter_map(Line::parse)
        .filter(|line| line.fs == "swap")
        .collect();
    let named = swaps.iter().find(|line| names(&line.device, partition));
    let line = named.or_else(|| swaps.first().filter(|_| swaps.len() == 1))?;
    let uuid = line
        .device
        .strip_prefix("UUID=")
        .map(|uuid| uuid.trim_matches('"').to_owned());
    Some(SwapEntry {
        uuid,
        options: line.options.replace(&format!(",{UNTIL_MADE}"), ""),
    })
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
