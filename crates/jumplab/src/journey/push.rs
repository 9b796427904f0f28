//! `jumpimg push` at work while somebody else is its node's firmware.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::run;
use crate::vm::until;

/// A running push; it ends with this value.
#[derive(Debug)]
pub struct Push {
    child: Child,
    log: PathBuf,
}

impl Push {
    /// Starts `command` with its output in `log`.
    pub fn start(mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log)?;
        command.stdout(file.try_clone()?).stderr(file);
        let started = command.spawn();
        let child = started.with_context(|| format!("cannot start {}", run::line(&command)))?;
        let log = log.to_owned();
        Ok(Self { child, log })
    }

    /// What it has said.
    pub fn said(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// Holds it, or lets it go on.
    pub fn hold(&self, hold: bool) -> Result<()> {
        let signal = if hold {
            Signal::SIGSTOP
        } else {
            Signal::SIGCONT
        };
        let id = Pid::from_raw(self.child.id().try_into()?);
        kill(id, signal).context("cannot signal jumpimg push")
    }

    /// Whether it has come to its end.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for its end; its status and what it said.
    pub fn wait(&mut self, within: Duration) -> Result<(ExitStatus, String)> {
        let mut ended = None;
        let waited = until("jumpimg push ends", within, || {
            ended = self.child.try_wait()?;
            Ok(ended.is_some())
        });
        let said = self.said()?;
        waited.with_context(|| format!("it said:\n{said}"))?;
        Ok((ended.context("it did not end")?, said))
    }

    /// The admin's host goes away.
    pub fn end(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
