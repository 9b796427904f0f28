//! A look at a node's partitions: the script that takes it, and what it says.
//!
//! The node may say anything. What is read here is only compared; a device that a command is made
//! with was read by [`super::DiskPartition`].

use std::collections::{BTreeMap, BTreeSet};

use super::landing::MARK;

/// Takes the look and changes nothing. `readlink` says where a named device's link leads; what
/// GRUB legacy takes for which disk is in its device.map ("Device map" in its manual).
const SCRIPT: &str = r#"PATH=$PATH:/usr/sbin:/sbin; export PATH
command -v blkid >/dev/null || { echo 'there is no blkid, which tells what a partition holds' >&2; exit 1; }
echo '== swaps'; cat /proc/swaps || exit 1
echo '== mounts'; cat /proc/mounts || exit 1
echo '== partitions'; cat /proc/partitions || exit 1
echo '== holders'; for holder in /sys/class/block/*/holders/*; do echo "$holder"; done
echo '== signatures'; blkid -c /dev/null || [ $? -eq 2 ] || exit 1
echo '== drives'
if [ -r /boot/grub/device.map ]; then
  while read -r drive device; do echo "$drive $(readlink -f "$device")"; done </boot/grub/device.map
fi
echo '== named'
"#;

/// What a partition holds, as blkid(8) has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature {
    /// `swap`, `ext3`, …
    pub(super) kind: String,
    label: String,
}

impl Signature {
    /// Whether `jump(usepartition, …)` has made it.
    pub(super) fn is_ours(&self) -> bool {
        self.kind == "ext3" && self.label == MARK
    }
}

/// What a node's kernel and blkid say of its partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Swap that is on, other than files.
    pub(super) swaps: Vec<String>,
    /// Devices and where they are mounted.
    pub(super) mounts: Vec<(String, String)>,
    /// Sizes, in KiB.
    pub(super) sizes: BTreeMap<String, u64>,
    /// Devices that others are made of.
    pub(super) held: BTreeSet<String>,
    pub(super) signatures: BTreeMap<String, Signature>,
    /// Disks and the BIOS drives that they are.
    pub(super) drives: BTreeMap<String, u32>,
    /// What a named device leads to.
    pub(super) named: Option<String>,
}

impl Look {
    /// The script that takes the look; `named` is a device that is asked for by a name of
    /// [`super::Request`].
    pub fn script(named: Option<&str>) -> String {
        let named = named.map(|device| format!("readlink -f '{device}' || :\n"));
        format!("{SCRIPT}{}", named.unwrap_or_default())
    }

    /// Reads what the script says; what cannot be understood is left out.
    pub fn read(said: &str) -> Self {
        let (mut look, mut section) = (Self::default(), "");
        for line in said.lines() {
            match line.strip_prefix("== ") {
                Some(name) => section = name,
                None => drop(look.line(section, line)),
            }
        }
        look
    }

    fn line(&mut self, section: &str, line: &str) -> Option<()> {
        let mut words = line.split_whitespace();
        match section {
            // proc(5): Filename Type Size Used Priority.
            "swaps" => {
                let device = words.next().filter(|device| device.starts_with('/'))?;
                if words.next()? == "partition" {
                    self.swaps.push(device.to_owned());
                }
            }
            "mounts" => {
                let mount = (words.next()?.to_owned(), words.next()?.to_owned());
                self.mounts.push(mount);
            }
            // proc(5): major minor #blocks name.
            "partitions" => {
                let size = words.nth(2)?.parse().ok()?;
                self.sizes.insert(format!("/dev/{}", words.next()?), size);
            }
            "holders" => {
                let name = line
                    .strip_prefix("/sys/class/block/")?
                    .split_once("/holders/")?
                    .0;
                self.held.insert(format!("/dev/{}", name.replace('!', "/")));
            }
            "signatures" => {
                let (device, tags) = line.split_once(": ")?;
                self.signatures.insert(device.to_owned(), signature(tags));
            }
            "drives" => {
                let drive = words.next()?.strip_prefix("(hd")?.strip_suffix(')')?;
                self.drives
                    .insert(words.next()?.to_owned(), drive.parse().ok()?);
            }
            "named" => self.named = Some(line.to_owned()),
            _ => {}
        }
        Some(())
    }
}

/// `LABEL="a" UUID="b" TYPE="swap" PARTUUID="c"`; blkid escapes quotes in values.
fn signature(tags: &str) -> Signature {
    let tag = |name: &str| {
        let wanted = format!(" {name}=\"");
        let tags = format!(" {tags}");
        let (_, value) = tags.split_once(&wanted)?;
        Some(value.split_once('"')?.0.to_owned())
    };
    Signature {
        kind: tag("TYPE").unwrap_or_default(),
        label: tag("LABEL").unwrap_or_default(),
    }
}
