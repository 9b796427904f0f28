//! What udev calls block devices by their hardware: the links below `/dev/disk/by-id` and
//! `/dev/disk/by-path`. Only reads. Links that follow from content (UUIDs, labels) are left out: a
//! copy of a disk has the same.
//!
//! Source: systemd's `rules.d/60-persistent-storage.rules`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where they are, the better first: a place on the bus changes when a disk is moved.
const FOLDERS: [&str; 2] = ["by-id", "by-path"];
/// Names that follow from the hardware alone, those first that are the same on every distribution.
const KINDS: [&str; 6] = ["wwn-", "nvme-eui.", "scsi-3", "ata-", "virtio-", "nvme-"];
/// Names by what lies on a device.
const BY_CONTENT: [&str; 4] = ["dm-", "lvm-", "md-", "raid-"];

/// The links of each device, by the device that they lead to (`/dev/sda1`), best first. `folder`
/// is `/dev/disk`; where udev does not run there are none.
pub fn read(folder: &Path) -> BTreeMap<PathBuf, Vec<String>> {
    let mut found: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for kind in FOLDERS {
        let mut names: Vec<String> = fs::read_dir(folder.join(kind))
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| !BY_CONTENT.iter().any(|prefix| name.starts_with(prefix)))
            .collect();
        names.sort_by_key(|name| (rank(name), name.clone()));
        for name in names {
            let link = folder.join(kind).join(&name);
            if let Ok(device) = fs::canonicalize(&link) {
                let links = found.entry(device).or_default();
                links.push(link.display().to_string());
            }
        }
    }
    found
}

fn rank(name: &str) -> usize {
    let known = KINDS.iter().position(|prefix| name.starts_with(prefix));
    known.unwrap_or(KINDS.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn hardware_names_come_best_first_and_names_by_content_not_at_all() {
        let scratch = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(scratch.path()).unwrap();
        let disk = top.join("disk");
        for folder in ["by-id", "by-path", "by-uuid"] {
            fs::create_dir_all(disk.join(folder)).unwrap();
        }
        fs::write(top.join("sda1"), "").unwrap();
        for link in [
            "by-id/ata-MODEL_SERIAL-part1",
            "by-id/wwn-0x5000-part1",
            "by-id/lvm-pv-uuid-abc",
            "by-path/pci-0000:00:01.0-part1",
            "by-uuid/1111",
        ] {
            symlink("../../sda1", disk.join(link)).unwrap();
        }
        let links = read(&disk);
        let names: Vec<&str> = links[&top.join("sda1")]
            .iter()
            .filter_map(|link| link.rsplit('/').next())
            .collect();
        assert_eq!(
            names,
            [
                "wwn-0x5000-part1",
                "ata-MODEL_SERIAL-part1",
                "pci-0000:00:01.0-part1"
            ]
        );
        assert!(read(&top.join("none")).is_empty());
    }
}
