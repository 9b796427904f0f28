//! A guest that stands still: QEMU, or user-mode Linux.
//!
//! The latter's own processes are traced by its kernel, which would not know what to make of their stop signal,
//! or, by seccomp, come to nothing without it: only the kernel and its helpers are stopped, and with
//! them whatever they would resume. What they had not written to the disk by then, a power cut would
//! lose.

use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::until_every;
use crate::process::Process;

/// A stop takes no longer than a write that is under way.
const LIMIT: Duration = Duration::from_secs(20);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The stopped processes. They go on with [`Frozen::thaw`], or when this goes out of scope.
#[derive(Debug)]
#[must_use = "it goes on at once"]
pub struct Frozen(Vec<Pid>);

impl Frozen {
    /// Stops the kernel and its helpers, which are the process group `group`; returns when they stand.
    pub(super) fn group(group: Pid) -> Result<Self> {
        let mut frozen = Self(Vec::new());
        // A helper that was just made may have been missed by the first look.
        loop {
            let running: Vec<Pid> = members(group)?
                .into_iter()
                .filter(|process| !frozen.0.contains(process))
                .collect();
            if running.is_empty() {
                return Ok(frozen);
            }
            for process in running {
                frozen.stop(process)?;
            }
        }
    }

    /// Stops one process with its threads; returns when they stand.
    pub(super) fn process(process: Pid) -> Result<Self> {
        let mut frozen = Self(Vec::new());
        frozen.stop(process)?;
        Ok(frozen)
    }

    fn stop(&mut self, process: Pid) -> Result<()> {
        match kill(process, Signal::SIGSTOP) {
            // A guest that powers off meanwhile stands as well.
            Err(Errno::ESRCH) => return Ok(()),
            sent => sent.context("cannot stop the guest")?,
        }
        self.0.push(process);
        until_every(LOOK_EVERY, "the guest stands", LIMIT, || {
            Ok(threads(process).into_iter().all(stands))
        })
        .map(drop)
    }

    /// Lets the guest go on.
    pub fn thaw(mut self) -> Result<()> {
        for process in std::mem::take(&mut self.0) {
            match kill(process, Signal::SIGCONT) {
                // One that ended, or was ended, while it stood has nothing left to do.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => return Err(error).context("cannot let the guest go on"),
            }
        }
        Ok(())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for process in &self.0 {
            // One that was killed meanwhile is as good.
            kill(*process, Signal::SIGCONT).ok();
        }
    }
}

/// What the kernel calls the processes of its guest (arch/um/os-Linux/skas/process.c).
const OF_GUEST: &str = "Name:\tuml-userspace";

/// The processes of a group that are not the guest's.
pub(super) fn members(group: Pid) -> Result<Vec<Pid>> {
    let is_own = |process: &Pid| {
        // It may have ended since.
        let status = std::fs::read_to_string(format!("/proc/{process}/status"));
        let status = status.unwrap_or_default();
        let has = |wanted: &str| status.lines().any(|line| line == wanted);
        has("TracerPid:\t0") && !has(OF_GUEST)
    };
    let all = Process::all()?.into_iter();
    let members = all.filter(|process| process.group == group && is_own(&process.id));
    Ok(members.map(|process| process.id).collect())
}

/// None of one that has ended.
fn threads(process: Pid) -> Vec<Pid> {
    let entries = std::fs::read_dir(format!("/proc/{process}/task"));
    let names = (entries.into_iter().flatten().flatten()).map(|entry| entry.file_name());
    let number = |name: std::ffi::OsString| name.to_str()?.parse().ok().map(Pid::from_raw);
    names.filter_map(number).collect()
}

fn stands(process: Pid) -> bool {
    // One that has ended will not write any more either.
    Process::of(process).is_none_or(|process| ['T', 'Z', 'X'].contains(&process.state))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use super::{Frozen, Pid, Signal, kill};

    #[test]
    fn a_process_stands_with_all_its_threads() {
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        let id = Pid::from_raw(sleeper.id().try_into().unwrap());
        let frozen = Frozen::process(id).unwrap();
        assert_eq!(super::threads(id), [id]);
        assert_eq!(super::Process::of(id).unwrap().state, 'T');
        frozen.thaw().unwrap();
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }

    #[test]
    fn processes_that_end_meanwhile_stand_as_well() {
        let mut shell = Command::new("sh")
            .args(["-c", "while :; do true & true & wait; done"])
            .process_group(0)
            .spawn()
            .unwrap();
        let group = Pid::from_raw(shell.id().try_into().unwrap());
        let frozen: anyhow::Result<Vec<()>> =
            (0..400).map(|_| Frozen::group(group)?.thaw()).collect();
        kill(group, Signal::SIGKILL).unwrap();
        shell.wait().unwrap();
        frozen.unwrap();
    }
}
