//! The disk through GRUB's eyes: grub-fstest is GRUB's own code for partition tables and file
//! systems, which replays no journal.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::run;
use crate::vm::node::disks;

/// How grub-fstest calls the disks that it is given, before their numbers, and how GRUB does.
const DISK: &str = "loop";
const GRUBS: &str = "hd";

/// A disk image, with that of the node's second disk beside it.
pub(super) struct Eyes<'a> {
    disk: &'a Path,
}

impl<'a> Eyes<'a> {
    pub(super) fn new(disk: &'a Path) -> Self {
        Self { disk }
    }

    /// A file, by GRUB's name for it; `device` (as `hd0,msdos2`) stands where that names none.
    pub(super) fn read(&self, device: &str, file: &str) -> Result<Vec<u8>> {
        self.ask(&["cat", &name(device, file)])
    }

    /// The names in a directory.
    pub(super) fn list(&self, device: &str, directory: &str) -> Result<Vec<String>> {
        let said = self.ask(&["ls", &name(device, directory)])?;
        let said = String::from_utf8_lossy(&said);
        let names = said.split_whitespace();
        Ok(names
            .map(|it| it.trim_end_matches('/').to_owned())
            .collect())
    }

    /// The partition, as `hd0,msdos2`, that holds the file system with that UUID.
    pub(super) fn device_of(&self, uuid: &str) -> Result<String> {
        let devices = self.ask(&["--", "ls", "-l"])?;
        let found = device_of(&String::from_utf8_lossy(&devices), uuid);
        found.with_context(|| format!("there is no file system {uuid}"))
    }

    /// Where a file's bytes are, in sectors of its partition.
    pub(super) fn blocks(&self, device: &str, file: &str) -> Result<Vec<Range<u64>>> {
        let said = self.ask(&["blocklist", &name(device, file)])?;
        let said = String::from_utf8_lossy(&said);
        blocks(&said).with_context(|| format!("{file} is not plain sectors: {said}"))
    }

    fn ask(&self, question: &[&str]) -> Result<Vec<u8>> {
        let disks = disks(self.disk);
        let mut fstest = run::command(super::FSTEST, ["-c", &disks.len().to_string()]);
        fstest.args(disks);
        let output = run::output(fstest.args(question))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}", said.trim_end())
    }
}

/// grub-fstest's name for a file.
fn name(device: &str, file: &str) -> String {
    let named = file.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (device, path) = named.unwrap_or((device, file));
    format!("({}){path}", device.replacen(GRUBS, DISK, 1))
}

/// From a list such as `1434224+2,1434240+8`.
fn blocks(list: &str) -> Option<Vec<Range<u64>>> {
    let run = |run: &str| {
        let (start, length) = run.split_once('+')?;
        let start: u64 = start.parse().ok()?;
        Some(start..start + length.parse::<u64>().ok()?)
    };
    list.trim().split(',').map(run).collect()
}

/// From lines such as `Partition loop0,msdos2: Filesystem type ext* - …, UUID 1-2 - Partition start…`.
fn device_of(devices: &str, uuid: &str) -> Option<String> {
    let holds = |line: &&str| {
        line.split_once(", UUID ")
            .is_some_and(|(_, rest)| rest.split_whitespace().next() == Some(uuid))
    };
    let line = devices.lines().find(holds)?;
    let (name, _) = line.trim().strip_prefix("Partition ")?.split_once(':')?;
    Some(name.replacen(DISK, GRUBS, 1))
}

#[cfg(test)]
mod tests {
    use super::{blocks, device_of};

    #[test]
    fn a_file_system_is_found_by_its_uuid() {
        let devices = "Device loop0: No known filesystem detected - Sector size 512B\n\
            \tPartition loop0,msdos3: Filesystem type ext* - Last modification time \
            2026-11-24 22:00:23 Tuesday, UUID ab-03 - Partition start at 2491392KiB\n\
            \tPartition loop0,msdos2: No known filesystem detected - Partition start at 1KiB\n";
        assert_eq!(device_of(devices, "ab-03").as_deref(), Some("hd0,msdos3"));
        assert_eq!(device_of(devices, "ab-0"), None);
    }

    #[test]
    fn a_blocklist_is_runs_of_sectors() {
        assert_eq!(blocks("14+2,30+1\n"), Some(vec![14..16, 30..31]));
        assert_eq!(blocks("14+2[0-100]"), None);
    }
}
