//! What a test of a row has seen: a JSON line in a file of the test's own, below `target/faults/`.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::End;
use crate::workspace;

/// One fault, injected, and what became of the node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The row's number.
    pub row: u8,
    /// The test's name.
    pub test: String,
    /// What exactly was done to the node.
    pub fault: String,
    /// Where it has ended; none where it is lost, or ended where it must not.
    pub seen: Option<End>,
    /// From the power-on after the fault to a login by SSH to the system that it ended in, in seconds.
    pub ssh: Option<f64>,
    /// Systems booted meanwhile.
    pub boots: u32,
    /// The reason that the node gives, or what is wrong with where it has ended.
    pub reason: Option<String>,
}

fn folder() -> PathBuf {
    workspace::target("faults")
}

/// Writes what the test `name` has seen, in place of what it saw an earlier time.
pub fn write(name: &str, records: &[Record]) -> Result<()> {
    std::fs::create_dir_all(folder())?;
    let mut text = Vec::new();
    for record in records {
        serde_json::to_writer(&mut text, record)?;
        writeln!(text)?;
    }
    let path = folder().join(format!("{name}.jsonl"));
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Forgets all that was seen.
pub fn clear() -> Result<()> {
    match std::fs::remove_dir_all(folder()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// All that was seen, by rows.
pub fn read() -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for entry in std::fs::read_dir(folder()).into_iter().flatten() {
        let text = std::fs::read_to_string(entry?.path())?;
        for line in text.lines() {
            records.push(serde_json::from_str::<Record>(line)?);
        }
    }
    records.sort_by(|one, other| (one.row, &one.test).cmp(&(other.row, &other.test)));
    Ok(records)
}
