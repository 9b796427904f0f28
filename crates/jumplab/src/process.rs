//! The processes of this machine, as `/proc` shows them.

use std::time::Duration;

use anyhow::Result;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, SysconfVar, sysconf};

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

/// Waits for the end of a child, which stays to be waited for, and gives what it and all that it waited
/// for itself have had of the processors; none where `/proc` tells nothing of it.
pub fn processor_time(child: Pid) -> Result<Option<Duration>> {
    waitid(Id::Pid(child), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
    time_of(child, WITH_CHILDREN)
}

/// Whether a child has ended; it stays to be waited for.
pub fn has_ended(child: Pid) -> Result<bool> {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    Ok(waitid(Id::Pid(child), look)? != WaitStatus::StillAlive)
}

/// What a child alone has had of the processors, until it is waited for.
pub fn own_processor_time(child: Pid) -> Result<Option<Duration>> {
    time_of(child, ALONE)
}

/// How many of the fields that [`ticks`] reads.
const ALONE: usize = 2;
const WITH_CHILDREN: usize = 4;

fn time_of(child: Pid, fields: usize) -> Result<Option<Duration>> {
    let stat = std::fs::read_to_string(format!("/proc/{child}/stat"))?;
    let per_second = sysconf(SysconfVar::CLK_TCK)?.and_then(|ticks| u32::try_from(ticks).ok());
    let ticks = ticks(&stat, fields).zip(per_second);
    Ok(ticks.map(|(ticks, per_second)| Duration::from_secs(ticks) / per_second))
}

/// utime, stime, cutime and cstime of `/proc/PID/stat`, its fields 14 to 17, or the first of them: clock
/// ticks.
fn ticks(stat: &str, fields: usize) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let words = rest.split_whitespace().skip(11).take(fields);
    let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
    (numbers.len() == fields).then(|| numbers.iter().sum())
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::time::Duration;

    use super::{ALONE, Pid, Process, WITH_CHILDREN, processor_time, ticks};
    use crate::run;

    #[test]
    fn a_childs_time_is_that_of_its_own_children_too() {
        let count = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done";
        let mut shell = run::command("sh", ["-c", &format!("sh -c '{count}'; true")]);
        let mut child = shell.stdout(Stdio::null()).spawn().unwrap();
        let id = Pid::from_raw(child.id().try_into().unwrap());
        let took = processor_time(id).unwrap().unwrap();
        assert!(took > Duration::ZERO, "{took:?}");
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn times_are_the_fourteenth_field_and_three_more() {
        let stat = "12 (a) b) T 1 77 77 0 -1 4194560 1 2 3 4 100 20 3000 400 20 0";
        assert_eq!(ticks(stat, WITH_CHILDREN), Some(3520));
        assert_eq!(ticks(stat, ALONE), Some(120));
        let cut = "12 (a) T 1 77 77 0 -1 4194560 1 2 3 4 100";
        assert_eq!(ticks(cut, WITH_CHILDREN), None);
    }

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
