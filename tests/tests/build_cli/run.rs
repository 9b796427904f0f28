//! Runs jumpimg and keeps what came of it.

use std::ffi::OsStr;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs jumpimg.
pub(crate) fn jumpimg<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Outcome> {
    outcome(&mut command(arguments))
}

/// The command that does.
pub(crate) fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = jump_tests::command("jumpimg");
    command.args(arguments);
    command
}

/// Runs a command.
pub(crate) fn outcome(command: &mut Command) -> Result<Outcome> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    Ok(outcome_of(&output))
}

/// What an ended command came to.
pub(crate) fn outcome_of(output: &Output) -> Outcome {
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Outcome {
    /// It succeeded and complained of nothing.
    pub(crate) fn done(self) -> Result<Self> {
        ensure!(self.code == Some(0) && self.stderr.is_empty(), "{self:?}");
        Ok(self)
    }

    /// It ended with this code and, in at most three lines, this text among its errors.
    pub(crate) fn failed(self, code: i32, text: &str) -> Result<Self> {
        ensure!(self.code == Some(code), "{self:?}");
        ensure!(self.stderr.contains(text), "{text:?} is not in {self:?}");
        let errors = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("error:"))
            .count();
        ensure!(errors == 1, "{self:?}");
        Ok(self)
    }
}
