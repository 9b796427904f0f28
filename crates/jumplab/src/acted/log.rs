//! What the world keeps of what happened: a line a change, appended whole, and a line for the begin and
//! the end of each call of ssh.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// A change of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It has all that it needs to jump.
    Staged,
    /// Its next reboot jumps.
    Armed,
    /// Its arm has ended by itself.
    Disarmed,
    /// Its reboot was ordered.
    Reboot,
    /// The jump system is up.
    Jump,
    /// It has begun to replace.
    Replace,
    /// The new system is up.
    New,
    /// The new system is confirmed.
    Finished,
    /// The old system is up again.
    Old,
    /// The jump system has given up.
    Stuck,
    /// The old system is as before the run.
    TakenBack,
    /// It was sent a script that is not known here.
    Unknown,
}

/// A change and when it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub at: u64,
    /// The node.
    pub node: String,
    /// What happened.
    pub change: Change,
    /// More of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Appends a line to `file`, in one write, so that it is whole or not there.
pub(super) fn append(file: &Path, line: &str) -> Result<()> {
    let mut open = OpenOptions::new().append(true).create(true).open(file)?;
    open.write_all(format!("{line}\n").as_bytes())
        .with_context(|| format!("cannot write {}", file.display()))
}

/// All moments of a log, the earliest first.
pub(super) fn read(text: &str) -> Result<Vec<Moment>> {
    let lines = text.lines().map(serde_json::from_str);
    let mut moments = lines.collect::<serde_json::Result<Vec<Moment>>>()?;
    moments.sort_by_key(|moment| moment.at);
    Ok(moments)
}

/// Calls of ssh that were seen to begin and not to end.
#[derive(Debug, Default)]
pub struct SshCalls {
    alive: Vec<u32>,
    begun: usize,
    read: u64,
}

impl SshCalls {
    /// Takes what the log of calls has from [`SshCalls::offset`] on; those that were killed, which
    /// `is_alive` knows, have told no end. How many are alive now.
    pub fn take(&mut self, new: &str, is_alive: impl Fn(u32) -> bool) -> usize {
        let whole = new.rfind('\n').map_or(0, |end| end + 1);
        for line in new[..whole].lines() {
            let begins = line.strip_prefix('+');
            let Some(Ok(id)) = begins.or(line.strip_prefix('-')).map(str::parse) else {
                continue;
            };
            self.alive.retain(|alive| *alive != id);
            if begins.is_some() {
                self.alive.push(id);
                self.begun += 1;
            }
        }
        self.read += whole as u64;
        self.alive.retain(|id| is_alive(*id));
        self.alive.len()
    }

    /// How many there were in all.
    pub fn begun(&self) -> usize {
        self.begun
    }

    /// Up to which byte the log was taken.
    pub fn offset(&self) -> u64 {
        self.read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_alive_until_it_ends_or_is_killed() {
        let mut calls = SshCalls::default();
        assert_eq!(calls.take("+1\n+2\n+", |_| true), 2);
        assert_eq!(calls.offset(), 6);
        assert_eq!(calls.take("+3\n-1\n", |_| true), 2);
        assert_eq!(calls.take("", |id| id != 2), 1);
        assert_eq!(calls.begun(), 3);
    }
}
