//! The processes of this machine, as `/proc` shows them.

use anyhow::Result;
use nix::unistd::Pid;

/// What `/proc/PID/stat` says of a process (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: Pid,
    /// `R`, `S`, `T` …
    pub state: char,
    /// Who started it.
    pub parent: Pid,
    /// Its process group.
    pub group: Pid,
}

impl Process {
    /// All there are.
    pub fn all() -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.parse().ok());
            all.extend(id.map(Pid::from_raw).and_then(Self::of));
        }
        Ok(all)
    }

    /// One of them; none if it has ended.
    pub fn of(id: Pid) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        Self::parse(id, &stat)
    }

    fn parse(id: Pid, stat: &str) -> Option<Self> {
        // The name in parentheses may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut words = rest.split_whitespace();
        let state = words.next()?.chars().next()?;
        let mut number = || Some(Pid::from_raw(words.next()?.parse().ok()?));
        Some(Self {
            id,
            state,
            parent: number()?,
            group: number()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Pid, Process};

    #[test]
    fn a_name_may_hold_parentheses_and_spaces() {
        let id = Pid::from_raw(12);
        let process = Process::parse(id, "12 (a) b) T 1 77 77 0 -1");
        let wanted = Process {
            id,
            state: 'T',
            parent: Pid::from_raw(1),
            group: Pid::from_raw(77),
        };
        assert_eq!(process, Some(wanted));
    }
}
