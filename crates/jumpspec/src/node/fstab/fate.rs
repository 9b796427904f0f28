//! What becomes of an old line. A line that is carried must not stop the new system's
//! boot: a mount that fails leads systemd to its emergency shell (systemd.special(7),
//! local-fs.target).

use super::unique::{self, Device};
use super::{Line, Wanted};
use crate::job::Action;
use crate::words::relpath::RelPath;

/// Directories that the image fills. An old file system there would hide the new
/// system's own files.
pub const HIDES_THE_SYSTEM: &[&str] = &[
    "/bin",
    "/boot",
    "/boot/efi",
    "/dev",
    "/efi",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
    "/var/lib",
];

/// How the names of disks begin that the kernel counts (devices.txt of the kernel), and those of
/// device-mapper, which have better names besides.
const COUNTED: &[&str] = &[
    "dm-", "hd", "mmcblk", "nvme", "pmem", "sd", "ubd", "vd", "xvd",
];

/// What becomes of an old line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is the new system's too.
    Carried,
    /// It is, by this name: its own means other devices too.
    Renamed(String),
    /// Its name means several devices, and none by which it alone is meant is known.
    Ambiguous,
    /// It is, but its device is not among those that are known, and may fail to be there.
    Unseen,
    /// It is not, and why.
    Dropped(&'static str),
    /// There is a line of ours instead.
    Replaced,
}

/// Decides line by line, in their order.
pub(super) struct Fates<'a> {
    wanted: &'a Wanted<'a>,
    /// Where file systems with old content are mounted.
    surviving: Vec<String>,
}

impl<'a> Fates<'a> {
    pub(super) fn new(wanted: &'a Wanted<'a>) -> Self {
        let kept = wanted.outcomes.iter().filter(|outcome| outcome.kept);
        let surviving = kept.map(|outcome| outcome.mount.clone()).collect();
        Self { wanted, surviving }
    }

    pub(super) fn of(&mut self, line: &Line) -> Fate {
        let fate = match of_source(line, self.wanted) {
            carried @ (Fate::Carried | Fate::Renamed(_) | Fate::Ambiguous | Fate::Unseen) => {
                match self.of_place(line) {
                    Fate::Carried => carried,
                    decided => decided,
                }
            }
            decided => decided,
        };
        let is_carried = matches!(fate, Fate::Carried | Fate::Renamed(_) | Fate::Unseen);
        if is_carried && line.mount.starts_with('/') {
            self.surviving.push(line.mount.clone());
        }
        fate
    }

    /// What becomes of a line whose source survives, by the paths that it names.
    fn of_place(&self, line: &Line) -> Fate {
        if line.fs != "swap" {
            let mount = line.mount.trim_end_matches('/');
            if line.mount.starts_with('/')
                && (mount.is_empty() || HIDES_THE_SYSTEM.contains(&mount))
            {
                let mut own = self.wanted.outcomes.iter();
                return Fate::Dropped(if own.any(|it| self.wanted.is_of(it, line)) {
                    "the new system mounts its partition elsewhere"
                } else {
                    "it would hide the new system's own files"
                });
            }
            if !mount.starts_with('/') || mount.parse::<RelPath>().is_err() {
                return Fate::Dropped("its mount point is not an absolute path");
            }
        }
        let path = line.device.starts_with('/')
            && !line.device.starts_with("/dev/")
            && !line.device.starts_with("//");
        if path && !is_optional(line) && !self.survives(&line.device) {
            return Fate::Dropped("its source lies on a file system that is replaced");
        }
        Fate::Carried
    }

    fn survives(&self, path: &str) -> bool {
        let below = |mount: &String| {
            path.strip_prefix(mount.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.surviving.iter().any(below)
    }
}

/// What becomes of a line by its source.
fn of_source(line: &Line, wanted: &Wanted<'_>) -> Fate {
    if wanted
        .outcomes
        .iter()
        .any(|outcome| outcome.mount == line.mount)
    {
        return Fate::Replaced;
    }
    let meant = unique::meant(&line.device, wanted.facts);
    let twice = meant.len() > 1 || unique::becomes_a_label(&line.device, wanted.job);
    let Some(device) = the_one(line, &meant, wanted) else {
        return match meant.as_slice() {
            [] => without_device(line, wanted),
            _ if is_optional(line) => Fate::Dropped("its name means several devices of this node"),
            _ => Fate::Ambiguous,
        };
    };
    match of_device(line, device, wanted) {
        Fate::Carried if twice => {
            unique::name_of(wanted.facts, device).map_or(Fate::Ambiguous, Fate::Renamed)
        }
        fate => fate,
    }
}

/// The device that a line's name means: the only one, or the one that is in use there.
fn the_one<'a>(line: &Line, meant: &[Device<'a>], wanted: &Wanted<'_>) -> Option<Device<'a>> {
    if let [device] = meant {
        return Some(*device);
    }
    let mounted = |device: &&Device<'_>| {
        let mut mounts = wanted.facts.mounts.iter();
        mounts.any(|mount| mount.target == line.mount && mount.device == device.name())
    };
    let swapping = |device: &&Device<'_>| {
        line.fs == "swap"
            && matches!(device, Device::Partition(_, partition) if partition.swap_active)
    };
    let mut used = meant
        .iter()
        .filter(|device| mounted(device) || swapping(device));
    used.next().copied().filter(|_| used.next().is_none())
}

/// What becomes of a line whose device is known.
fn of_device(line: &Line, device: Device<'_>, wanted: &Wanted<'_>) -> Fate {
    let partition = match device {
        Device::Partition(disk, partition) if disk.device == wanted.disk => partition,
        Device::Partition(..) => return by_stable_name(line),
        Device::Disk(disk) if disk.device == wanted.disk => return without_device(line, wanted),
        Device::Disk(disk) if disk.content.is_some() => return by_stable_name(line),
        Device::Disk(_) => return Fate::Dropped("nothing is known on its disk"),
    };
    if Some(partition.number) == wanted.landing {
        return Fate::Replaced;
    }
    match wanted.job.layout.action(partition.number) {
        None | Some(Action::Keep) => by_stable_name(line),
        Some(Action::Format | Action::Create) => Fate::Dropped("its partition is made anew"),
        Some(Action::Delete) => Fate::Dropped("its partition is deleted"),
    }
}

/// What becomes of a line that means no disk or partition of the node.
fn without_device(line: &Line, wanted: &Wanted<'_>) -> Fate {
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
        _ if goes_by_kernel_name(line) => Fate::Dropped("this node has no such device"),
        _ if names_a_block_device(line) => Fate::Unseen,
        _ => Fate::Carried,
    }
}

/// The kernel's names may change with the kernel: a line that goes by one must not stop
/// the boot.
fn by_stable_name(line: &Line) -> Fate {
    if goes_by_kernel_name(line) && !is_optional(line) {
        return Fate::Dropped("it goes by a kernel name, which may be another's now; use its UUID");
    }
    Fate::Carried
}

/// Whether a line goes by a name that the kernel gives in the order of finding; all others in /dev
/// are links that udev makes by what is found, or names that an administrator has given.
fn goes_by_kernel_name(line: &Line) -> bool {
    let name = line.device.strip_prefix("/dev/");
    name.is_some_and(|name| {
        let counted = COUNTED.iter().any(|prefix| name.starts_with(prefix));
        counted && !name.contains('/')
    })
}

/// The line with `nofail`, so that a device that is not there stops no boot.
pub(super) fn optional(mut line: Line) -> Line {
    if !is_optional(&line) {
        line.options += ",nofail";
    }
    line
}

fn is_optional(line: &Line) -> bool {
    line.options
        .split(',')
        .any(|option| option == "nofail" || option == "noauto")
}

fn names_a_block_device(line: &Line) -> bool {
    line.device.starts_with("/dev/")
        || ["UUID=", "LABEL=", "PARTUUID=", "PARTLABEL="]
            .iter()
            .any(|tag| line.device.starts_with(tag))
}
