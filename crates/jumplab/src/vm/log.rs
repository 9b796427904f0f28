//! Consoles' logs.

use std::path::Path;

/// The last `lines` lines of a log; none where it is missing.
pub(super) fn tail(log: &Path, lines: usize) -> String {
    let log = std::fs::read(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
