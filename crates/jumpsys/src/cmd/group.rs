//! The end of a program: its own, or by its limit; and that of whatever it has started in its
//! process group.

use std::io;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::POLL;

/// How long a process that was killed may take to end: one that hangs in the kernel, at a disk or
/// a file server that answers no more, never does.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Ended(ExitStatus),
    /// At its limit.
    Killed,
    /// It was killed at its limit and is still there.
    Hangs,
}

/// Waits for the end of `child`, which leads a process group, for `limit`; `settle` is called
/// before what else is in the group is killed.
pub(super) fn wait(child: &mut Child, limit: Duration, settle: impl FnOnce()) -> io::Result<End> {
    let in_time = ends_within(child, limit)?;
    if in_time {
        settle();
    }
    // The leader is not waited for before this, so the number is still its group's.
    kill_group(child);
    if in_time {
        return child.wait().map(End::Ended);
    }
    if ends_within(child, KILL_LIMIT)? {
        child.wait()?;
        return Ok(End::Killed);
    }
    Ok(End::Hangs)
}

/// Looks without taking the status.
pub(super) fn ends_within(child: &Child, limit: Duration) -> io::Result<bool> {
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .ok_or(io::ErrorKind::InvalidInput)?;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let begun = Instant::now();
    loop {
        match waitid(WaitId::Pid(pid), look) {
            Ok(Some(_)) => return Ok(true),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        if begun.elapsed() >= limit {
            return Ok(false);
        }
        thread::sleep(POLL);
    }
}

fn kill_group(child: &Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        // It may be empty.
        killpg(Pid::from_raw(pid), Signal::SIGKILL).ok();
    }
}
