//! The pipes of a running program: fed and drained by threads, so that none of them fills up and
//! stops it.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout};
use std::thread::{self, JoinHandle};

use super::{CmdError, STDERR_KEPT};

/// A running program and its pipes. Dropped before [`Piped::finish`], it is killed.
#[derive(Debug)]
pub struct Piped {
    pub(super) command: String,
    pub(super) child: Child,
    pub(super) stderr: Option<Drain>,
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
        let stderr = self.stderr.take().map(collect);
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

pub(super) type Drain = JoinHandle<io::Result<Vec<u8>>>;

pub(super) fn feed(
    stdin: Option<ChildStdin>,
    bytes: Option<Vec<u8>>,
) -> JoinHandle<io::Result<()>> {
    thread::spawn(move || match (stdin, bytes) {
        (Some(mut stdin), Some(bytes)) => stdin.write_all(&bytes),
        _ => Ok(()),
    })
}

/// Reads a pipe to its end, keeping all of it or only the last `keep` bytes.
pub(super) fn drain(pipe: Option<impl Read + Send + 'static>, keep: Option<usize>) -> Drain {
    thread::spawn(move || {
        let (mut kept, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
        let Some(mut pipe) = pipe else {
            return Ok(kept);
        };
        loop {
            match pipe.read(&mut chunk) {
                Ok(0) => return Ok(kept),
                Ok(n) => kept.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
            if let Some(keep) = keep {
                kept.drain(..kept.len().saturating_sub(keep));
            }
        }
    })
}

pub(super) fn collect(drain: Drain) -> io::Result<Vec<u8>> {
    drain
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the pipe's reader died")))
}

pub(super) fn tail(stderr: &[u8]) -> String {
    let from = stderr.len().saturating_sub(STDERR_KEPT);
    String::from_utf8_lossy(&stderr[from..]).trim().to_owned()
}
