//! A program whose words are for people: stdout and stderr in one, in the order in which they came.

use std::io;
use std::process::Stdio;

use super::group::{self, End};
use super::pipes::{drain, grant_grace, tail};
use super::{CmdError, Program};

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Spoken {
    /// The end of what it said.
    pub said: Vec<u8>,
    /// Whether it ended with status 0; errors carry the last 2 KiB of what it said.
    pub end: Result<(), CmdError>,
}

impl Program {
    /// Runs it as [`Program::run`] does, and keeps the last `keep` bytes of what it says, however it
    /// ends. Its stdin is /dev/null.
    pub fn run_spoken(&self, keep: usize) -> Spoken {
        let mut said = Vec::new();
        let end = self.speak(keep, &mut said);
        Spoken { said, end }
    }

    fn speak(&self, keep: usize, said: &mut Vec<u8>) -> Result<(), CmdError> {
        let (ours, theirs) = io::pipe().map_err(|error| self.pipe_error(error))?;
        let again = theirs.try_clone().map_err(|error| self.pipe_error(error))?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(theirs).stderr(again);
        // The command holds our copies of the pipe's other end, and goes with this.
        let mut child = self.spawn_leader(command)?;
        let words = drain(Some(ours), keep);
        let settle = || grant_grace(|| words.is_over());
        let end = group::wait(&mut child, self.timeout, settle);
        let words = words.end();
        let end = end.map_err(|error| self.pipe_error(error))?;
        *said = words.map_err(|error| self.pipe_error(error))?;
        match end {
            End::Ended(status) if status.success() => Ok(()),
            End::Ended(status) => Err(self.failed(status, &tail(said))),
            End::Killed => Err(self.timed_out(&tail(said))),
            End::Hangs => Err(self.hangs()),
        }
    }
}
