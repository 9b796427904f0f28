//! Which partition `jump(usepartition, …)` takes, or why none.
//!
//! It takes what holds swap, or what it has made itself, and nothing else: whoever wants another
//! partition to be overwritten says so with `mkswap`.

use super::device::DiskPartition;
use super::landing::{Landing, MARK};
use super::look::Look;
use super::wrong::Wrong;

/// Where it is mounted if the line does not say: as in the sample.
const MOUNT: &str = "/media/jump";
/// KiB that a partition has at least; no system is smaller, and an extended partition is.
const SMALLEST: u64 = 64 << 10;

/// Which partition is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The node's swap partition.
    Swap,
    /// This one.
    Device(String),
}

/// What a `jump(usepartition, …)` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which partition.
    pub wanted: Wanted,
    /// Where it is to be mounted.
    pub mount: String,
}

impl Request {
    /// Reads the expanded texts of a line.
    ///
    /// # Errors
    /// They are no partition, or no place to mount one.
    pub fn new(partition: &str, mount: Option<&str>) -> Result<Self, Wrong> {
        let mount = mount.unwrap_or(MOUNT);
        let wanted = match partition {
            "swap" => Wanted::Swap,
            device if device.starts_with("/dev/") && is_plain_path(device) => {
                Wanted::Device(device.to_owned())
            }
            _ => {
                let reason = format!("{partition:?} is neither swap nor a device below /dev");
                return Err(Wrong::new(
                    reason,
                    "write swap, or a device such as /dev/sda2",
                ));
            }
        };
        if !is_plain_path(mount) || mount == "/" {
            let reason = format!("{mount:?} is no place to mount a partition");
            let cure = format!(
                "name a directory of its own by a full path, such as {MOUNT}, without blanks or special characters"
            );
            return Err(Wrong::new(reason, cure));
        }
        let mount = mount.trim_end_matches('/').to_owned();
        Ok(Self { wanted, mount })
    }

    /// The device that was named.
    pub fn named(&self) -> Option<&str> {
        match &self.wanted {
            Wanted::Swap => None,
            Wanted::Device(device) => Some(device),
        }
    }

    /// The partition to take.
    ///
    /// # Errors
    /// None may be taken; nothing has changed.
    pub fn choose(&self, look: &Look) -> Result<Landing, Wrong> {
        let partition = match &self.wanted {
            Wanted::Swap => only_swap(look)?,
            Wanted::Device(device) => named(look, device)?,
        };
        self.is_free(look, &partition)?;
        holds_nothing(look, &partition)?;
        Ok(self.landing(look, partition))
    }

    /// The partition that was taken before, with all that is on it.
    ///
    /// # Errors
    /// There is none, or another one is asked for.
    pub fn find_again(&self, look: &Look) -> Result<Landing, Wrong> {
        let ours = look.signatures.iter().filter(|(_, holds)| holds.is_ours());
        let ours = ours.filter_map(|(device, _)| DiskPartition::parse(device));
        let wanted = self.named().map(|device| named(look, device)).transpose()?;
        let mut ours = ours.filter(|ours| wanted.as_ref().is_none_or(|wanted| wanted == ours));
        match (ours.next(), ours.next()) {
            (Some(partition), None) => {
                self.is_free(look, &partition)?;
                Ok(self.landing(look, partition))
            }
            (None, _) => Err(Wrong::new(
                "the partition that this line has made is not on the node",
                "go on from this line, which makes it",
            )),
            (Some(_), Some(_)) => Err(Wrong::new(
                format!("several partitions of the node have the label {MARK}"),
                "name the one that is meant: jump(usepartition, /dev/…)",
            )),
        }
    }

    fn landing(&self, look: &Look, partition: DiskPartition) -> Landing {
        let drive = look.drives.get(&partition.disk).copied();
        Landing {
            drive: drive.unwrap_or_else(|| partition.drive_by_name()),
            is_swap_on: look.swaps.contains(&partition.device),
            is_mounted: look
                .mounts
                .iter()
                .any(|(device, _)| *device == partition.device),
            mount: self.mount.clone(),
            partition,
        }
    }

    /// That nothing else uses the partition, nor the place where it is to be mounted.
    fn is_free(&self, look: &Look, partition: &DiskPartition) -> Result<(), Wrong> {
        let device = &partition.device;
        let size = look.sizes.get(device).ok_or_else(|| {
            Wrong::new(
                format!("the node has no partition {device}"),
                "see /proc/partitions there",
            )
        })?;
        if *size < SMALLEST {
            let reason = format!("{device} has {size} KiB: no system fits into it");
            return Err(Wrong::new(reason, "name another partition"));
        }
        if look.held.contains(device) {
            let reason = format!("{device} is part of an array or of a volume");
            return Err(Wrong::new(
                reason,
                "name another partition; `lsblk` shows what uses it",
            ));
        }
        let mut mounts = look.mounts.iter();
        match mounts.find(|(by, at)| (by == device) != (*at == self.mount)) {
            Some((by, at)) if by == device => Err(Wrong::new(
                format!(
                    "{device} is mounted at {}",
                    crate::words::shown::short(at.as_bytes())
                ),
                "unmount it there, or name another partition",
            )),
            Some((by, at)) => Err(Wrong::new(
                format!(
                    "{} is mounted at {at} already",
                    crate::words::shown::short(by.as_bytes())
                ),
                "unmount it, or name another place",
            )),
            None => Ok(()),
        }
    }
}

/// That the partition holds swap, or what an earlier run has made.
fn holds_nothing(look: &Look, partition: &DiskPartition) -> Result<(), Wrong> {
    let device = &partition.device;
    let holds = look.signatures.get(device);
    if look.swaps.contains(device) || holds.is_some_and(|it| it.is_ours() || it.kind == "swap") {
        return Ok(());
    }
    let what = holds.map_or("", |it| it.kind.as_str());
    let what = match what {
        "" => "nothing that blkid knows".to_owned(),
        kind => crate::words::shown::short(kind.as_bytes()),
    };
    Err(Wrong::new(
        format!("{device} is not swap: it holds {what}"),
        format!(
            "name another partition; if nobody needs what is on it, `mkswap {device}` there says so"
        ),
    ))
}

/// The swap partition, if the node has one and not several.
fn only_swap(look: &Look) -> Result<DiskPartition, Wrong> {
    let holding = look.signatures.iter();
    let holding = holding.filter(|(_, holds)| holds.is_ours() || holds.kind == "swap");
    let devices = look.swaps.iter().chain(holding.map(|(device, _)| device));
    let found = devices.filter_map(|device| DiskPartition::parse(device));
    let mut found: Vec<DiskPartition> = found.collect();
    found.sort_by(|a, b| a.device.cmp(&b.device));
    found.dedup();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let other = look
                .swaps
                .first()
                .map(|device| crate::words::shown::short(device.as_bytes()));
            let other = other.map(|device| format!(": its swap is on {device}"));
            let reason = format!(
                "the node has no swap partition{}",
                other.unwrap_or_default()
            );
            Err(Wrong::new(
                reason,
                "name a partition: jump(usepartition, /dev/…)",
            ))
        }
        several => {
            let names = several.iter().map(|it| it.device.as_str()).take(9);
            let names = names.collect::<Vec<_>>().join(", ");
            let reason = format!("the node has several swap partitions: {names}");
            Err(Wrong::new(reason, "name one: jump(usepartition, /dev/…)"))
        }
    }
}

/// The partition that a name leads to.
fn named(look: &Look, device: &str) -> Result<DiskPartition, Wrong> {
    let leads_to = look.named.as_deref().unwrap_or(device);
    DiskPartition::parse(leads_to).ok_or_else(|| {
        let reason = format!("{device} is no partition of a disk");
        Wrong::new(
            reason,
            "name one that a BIOS can boot from, such as /dev/sda2",
        )
    })
}

/// A full path that stays what it is in any shell.
fn is_plain_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:+@".contains(&byte);
    path.starts_with('/')
        && path.len() < 256
        && path.bytes().all(plain)
        && !path.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests;
