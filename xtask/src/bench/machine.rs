//! What the figures were taken on: the machine and the peers.

use std::fmt;

use anyhow::{Context as _, Result};
use jumplab::run;
use serde::Serialize;

/// The machine and the programs that ours is measured against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Machine {
    /// CPUs that this process may use.
    pub(super) cores: usize,
    /// The CPU's name.
    pub(super) cpu: String,
    /// Bytes of memory.
    pub(super) memory: u64,
    /// The kernel's release.
    pub(super) kernel: String,
    /// The file system that holds the scratch files.
    pub(super) disk: String,
    /// First lines of the peers' `--version`.
    pub(super) peers: Vec<String>,
}

impl Machine {
    /// Asks this one; `scratch` is where the bench works.
    pub(super) fn look(scratch: &std::path::Path) -> Result<Self> {
        let read = |path: &str| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
        };
        let mut disk = run::command(
            "findmnt",
            ["--noheadings", "--output", "FSTYPE", "--target"],
        );
        let mut peers = Vec::new();
        for peer in ["tar", "zstd", "gzip"] {
            let version = run::capture(&mut run::command(peer, ["--version"]))?;
            peers.push(first_line(&version).unwrap_or(peer).to_owned());
        }
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            cpu: cpu(&read("/proc/cpuinfo")?).to_owned(),
            memory: memory(&read("/proc/meminfo")?),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            disk: run::capture(disk.arg(scratch))?.trim().to_owned(),
            peers,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cores,
            cpu,
            memory,
            kernel,
            disk,
            peers,
        } = self;
        let (gib, tenths) = (memory >> 30, (memory % (1 << 30) * 10) >> 30);
        let peers = peers.join("; ");
        write!(
            f,
            "{cores} cores of {cpu}, {gib}.{tenths} GiB of memory, Linux {kernel}, scratch on {disk}; {peers}"
        )
    }
}

/// What a program says of its version. zstd puts stars around it.
fn first_line(version: &str) -> Option<&str> {
    let line = version.lines().find(|line| !line.trim().is_empty())?;
    Some(line.trim_matches(['*', ' ']))
}

/// The CPU's name in `/proc/cpuinfo`, proc_cpuinfo(5).
fn cpu(cpuinfo: &str) -> &str {
    field(cpuinfo, "model name").unwrap_or("an unnamed CPU")
}

/// Bytes of memory by `/proc/meminfo`, proc_meminfo(5), which counts in KiB.
fn memory(meminfo: &str) -> u64 {
    let total = field(meminfo, "MemTotal").and_then(|total| total.split(' ').next());
    total.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// The value of the first line `name: value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::{cpu, first_line, memory};

    #[test]
    fn the_first_processor_names_the_cpu() {
        let text =
            "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nprocessor\t: 1\nmodel name\t: x\n";
        assert_eq!(cpu(text), "Some CPU @ 2 GHz");
        assert_eq!(cpu("processor : 0\n"), "an unnamed CPU");
    }

    #[test]
    fn a_version_is_the_first_line_without_ornaments() {
        let zstd = "*** Zstandard CLI (64-bit) v1.5.4, by Yann Collet ***\n";
        assert_eq!(
            first_line(zstd),
            Some("Zstandard CLI (64-bit) v1.5.4, by Yann Collet")
        );
    }

    #[test]
    fn meminfo_counts_in_kibibytes() {
        assert_eq!(
            memory("MemTotal:       24576 kB\nMemFree: 1 kB\n"),
            24 << 20
        );
    }
}
