//! Programs that run beside whoever has started them, who looks now and then whether they have ended.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::group::{End, wait};
use super::{CmdError, Program};

/// A program that runs beside its starter. Dropped, it is killed with its process group.
#[derive(Debug)]
pub struct Beside {
    program: Program,
    child: Child,
    begun: Instant,
}

impl Program {
    /// Starts it as the leader of a process group, with no stdin, and with all that it says going to `log`.
    pub fn start_beside(&self, log: &File) -> Result<Beside, CmdError> {
        let to_log = || {
            let file = log.try_clone().map_err(|source| CmdError::Pipe {
                command: self.command_line(),
                source,
            })?;
            Ok(Stdio::from(file))
        };
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(to_log()?)
            .stderr(to_log()?);
        command.process_group(0);
        Ok(Beside {
            child: self.spawn(command)?,
            program: self.clone(),
            begun: Instant::now(),
        })
    }
}

impl Beside {
    /// How it has ended, if it has, or is past its limit: then it is killed. What is left of its process
    /// group ends with it.
    pub fn look(&mut self) -> Option<Result<(), CmdError>> {
        let left = self.program.timeout.saturating_sub(self.begun.elapsed());
        if !left.is_zero() && !self.has_ended() {
            return None;
        }
        let ended = wait(&mut self.child, Duration::ZERO, || ());
        let ended = ended.map_err(|source| CmdError::Pipe {
            command: self.program.command_line(),
            source,
        });
        Some(ended.and_then(|end| match end {
            End::Ended(status) if status.success() => Ok(()),
            End::Ended(status) => Err(self.program.failed(status, "")),
            End::Killed => Err(self.program.timed_out("")),
            End::Hangs => Err(self.program.hangs()),
        }))
    }

    fn has_ended(&self) -> bool {
        // What cannot be asked is as good as gone.
        super::group::ends_within(&self.child, Duration::ZERO).unwrap_or(true)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            wait(&mut self.child, Duration::ZERO, || ()).ok();
        }
    }
}
