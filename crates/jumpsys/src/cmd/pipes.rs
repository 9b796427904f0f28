//! The pipes of a running program: fed and drained by threads, so that none of them fills up and
//! stops it. A pipe that outlives the program, because something it has started holds it, is
//! dropped after a short grace.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{CmdError, POLL, STDERR_KEPT};

/// What the pipes have, after the program's end, to give what is in them.
const GRACE: Duration = Duration::from_secs(1);
/// How often a thread at a silent pipe looks whether the pipe is to be dropped.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// A running program and its pipes. Dropped before [`Piped::finish`], it is killed.
#[derive(Debug)]
pub struct Piped {
    pub(super) command: String,
    pub(super) child: Child,
    pub(super) stderr: Option<Work<Vec<u8>>>,
    /// Its stdin; take and drop it to say that nothing more comes.
    pub stdin: Option<ChildStdin>,
    /// Its stdout.
    pub stdout: Option<ChildStdout>,
}

impl Piped {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended; what it has started may still hold its pipes.
    pub fn has_ended(&mut self) -> bool {
        // What cannot be asked is as good as gone.
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it; [`Piped::finish`] then tells the status.
    pub fn kill(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
    }

    /// Closes the pipes that are left, waits, and fails on any status but 0.
    pub fn finish(mut self) -> Result<(), CmdError> {
        self.stdin.take();
        self.stdout.take();
        let status = self.child.wait().map_err(|source| CmdError::Pipe {
            command: self.command.clone(),
            source,
        })?;
        let stderr = self.stderr.take();
        grant_grace(|| stderr.as_ref().is_none_or(Work::is_over));
        let stderr = stderr.map(Work::end);
        if status.success() {
            return Ok(());
        }
        Err(CmdError::Failed {
            command: self.command.clone(),
            status,
            stderr: tail(&stderr.transpose().ok().flatten().unwrap_or_default()),
        })
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// A thread at one pipe.
#[derive(Debug)]
pub(super) struct Work<T> {
    thread: JoinHandle<io::Result<T>>,
    dropped: Arc<AtomicBool>,
}

impl<T: Send + 'static> Work<T> {
    fn start(work: impl FnOnce(&AtomicBool) -> io::Result<T> + Send + 'static) -> Self {
        let dropped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&dropped);
        Self {
            thread: thread::spawn(move || work(&seen)),
            dropped,
        }
    }

    /// Whether the pipe was closed at its other end.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Drops the pipe, whoever holds its other end, and gives what came of it.
    pub(super) fn end(self) -> io::Result<T> {
        self.dropped.store(true, Ordering::Relaxed);
        let died = |_| Err(io::Error::other("the pipe's thread died"));
        self.thread.join().unwrap_or_else(died)
    }
}

/// Waits until all `is_over`, and not longer than the grace.
pub(super) fn grant_grace(is_over: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_over() && begun.elapsed() < GRACE {
        thread::sleep(POLL);
    }
}

/// Writes `bytes` to a program that may read slowly, or not at all.
pub(super) fn feed(stdin: Option<ChildStdin>, bytes: Option<Vec<u8>>) -> Work<()> {
    Work::start(move |dropped| {
        let (Some(mut stdin), Some(bytes)) = (stdin, bytes) else {
            return Ok(());
        };
        rustix::io::ioctl_fionbio(&stdin, true)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() && !dropped.load(Ordering::Relaxed) {
            if !is_ready(stdin.as_fd(), PollFlags::OUT)? {
                continue;
            }
            match stdin.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(e) if is_passing(&e) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    })
}

/// Reads a pipe to its end, keeping only the last `keep` bytes.
pub(super) fn drain(pipe: Option<impl Read + AsFd + Send + 'static>, keep: usize) -> Work<Vec<u8>> {
    Work::start(move |dropped| {
        let (mut kept, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
        let Some(mut pipe) = pipe else {
            return Ok(kept);
        };
        while !dropped.load(Ordering::Relaxed) {
            if !is_ready(pipe.as_fd(), PollFlags::IN)? {
                continue;
            }
            match pipe.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => kept.extend_from_slice(&chunk[..n]),
                Err(e) if is_passing(&e) => {}
                Err(e) => return Err(e),
            }
            // Not at every chunk: that would move all that is kept each time.
            if kept.len() > keep.saturating_mul(2) {
                kept.drain(..kept.len() - keep);
            }
        }
        kept.drain(..kept.len().saturating_sub(keep));
        Ok(kept)
    })
}

/// Whether the pipe can be read or written, or is closed, within [`LOOK_EVERY`].
fn is_ready(pipe: BorrowedFd<'_>, wanted: PollFlags) -> io::Result<bool> {
    match poll(&mut [PollFd::new(&pipe, wanted)], Some(&LOOK_EVERY)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}

pub(super) fn tail(stderr: &[u8]) -> String {
    let from = stderr.len().saturating_sub(STDERR_KEPT);
    String::from_utf8_lossy(&stderr[from..]).trim().to_owned()
}
