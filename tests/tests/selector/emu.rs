//! One run of the selector under grub-emu.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anstream::adapter::strip_str;

use crate::disk::{Disk, Landing};
use crate::programs::run_for;

/// What [`choose`] needs.
pub(crate) const NEEDS: &[&str] = &["grub-emu", "mke2fs", "debugfs"];

/// What a boot came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Boot {
    /// The leaves reached, in order: `old`, `new`, `jump`, or `failed …`.
    pub(crate) reached: Vec<String>,
    /// All that GRUB printed, without the terminal's controls.
    pub(crate) log: String,
}

/// Boots the disk: the embedded config as grub-emu's grub.cfg.
pub(crate) fn choose(landing: &Landing, disk: &Disk) -> anyhow::Result<Boot> {
    let folder = disk.folder.path();
    // `exit` stands where a real `reboot` ends.
    let config = format!("set root=hd0\n{}exit\n", landing.embedded);
    fs::write(folder.join("grub.cfg"), config)?;
    let map = folder.join("device.map");
    fs::write(&map, format!("(hd0) {}\n", disk.image.display()))?;
    let mut command = Command::new("grub-emu");
    command
        .env("TERM", "dumb")
        .arg("-m")
        .arg(&map)
        .arg("-d")
        .arg(folder);
    let log = run_for(Duration::from_mins(1), &folder.join("log"), &mut command)?;
    // Control sequences stand between lines.
    let log = strip_str(&log).to_string();
    Ok(Boot {
        reached: reached(&log),
        log,
    })
}

fn reached(log: &str) -> Vec<String> {
    let word = |line: &str| {
        let at = line.find("jump: ")?;
        let mut words = line[at..].split_whitespace().skip(1);
        match words.next()? {
            "CHOSE" => Some(words.next()?.to_owned()),
            "FAILED" => Some(format!("failed {}", words.next()?)),
            _ => None,
        }
    };
    log.lines().filter_map(word).collect()
}
