//! A directory with everything that a command line needs, and what came of running it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::sample;

/// A job with its images, a state directory and an `ssh_config`.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    /// One with sound files.
    pub(crate) fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("push-cli-").tempdir()?;
        let bench = Self { dir };
        sample::write_image(&bench.path("jump.tar.zst"), "jump", 200_000)?;
        sample::write_image(&bench.path("target.tar.zst"), "target", 3_000_000)?;
        bench.write("job.toml", sample::JOB)?;
        bench.write("jumpinit", "#!/bin/sh\n")?;
        bench.write("ssh_config", "Host *\n  HostName 127.0.0.1\n  Port 1\n")?;
        Ok(bench)
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.path(name), text).with_context(|| name.to_owned())
    }

    /// `jumpimg COMMAND` with the bench's files, no terminal, and these arguments.
    pub(crate) fn command(&self, command: &str, arguments: &[&str]) -> Command {
        self.command_at("state", command, arguments)
    }

    /// The same on an admin host that keeps its runs in the directory `state`.
    pub(crate) fn command_at(&self, state: &str, command: &str, arguments: &[&str]) -> Command {
        let mut jumpimg = jump_tests::command("jumpimg");
        jumpimg.arg(command);
        if matches!(command, "check" | "push") {
            jumpimg.arg("--job").arg(self.path("job.toml"));
        }
        jumpimg.arg("--ssh-config").arg(self.path("ssh_config"));
        if command != "jump2nr" {
            jumpimg.arg("--jumpinit").arg(self.path("jumpinit"));
        }
        jumpimg.arg("--state-dir").arg(self.path(state));
        jumpimg.args(arguments).env_remove("SSH_AUTH_SOCK");
        jumpimg
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        jumpimg
    }

    /// Runs it.
    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Result<Outcome> {
        Ok(self.command(command, arguments).output()?.into())
    }

    /// Runs it on another admin host, which knows nothing of this one's runs.
    pub(crate) fn run_elsewhere(&self, command: &str, arguments: &[&str]) -> Result<Outcome> {
        let mut jumpimg = self.command_at("elsewhere", command, arguments);
        Ok(jumpimg.output()?.into())
    }

    /// The path of the job file, as an argument.
    pub(crate) fn job(&self) -> String {
        self.path("job.toml").display().to_string()
    }

    /// Waits until the log of the node's run here has `text`.
    pub(crate) fn wait_for_event(&self, node: &str, text: &str) -> Result<()> {
        let is_there = || {
            let log = self.run_dir(node).ok().map(|run| run.join("events.jsonl"));
            let log = log.and_then(|log| fs::read_to_string(log).ok());
            log.is_some_and(|log| log.contains(text))
        };
        wait(text, is_there)
    }

    /// The directory of the node's latest run.
    pub(crate) fn run_dir(&self, node: &str) -> Result<PathBuf> {
        let link = self.path("state/nodes").join(node);
        fs::canonicalize(&link).with_context(|| link.display().to_string())
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Outcome {
    /// It ended with this code and said this on stderr.
    pub(crate) fn ended(&self, code: i32, text: &str) -> Result<()> {
        ensure!(self.code == Some(code), "not {code}: {self:#?}");
        ensure!(self.stderr.contains(text), "{text:?} is not in {self:#?}");
        Ok(())
    }

    /// Its stdout as JSON, a line each.
    pub(crate) fn json(&self) -> Result<Vec<Value>> {
        let parse = |line: &str| serde_json::from_str(line).with_context(|| format!("{line:?}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// Waits until `path` exists.
pub(crate) fn wait_for(path: &Path) -> Result<()> {
    wait(&path.display().to_string(), || path.exists())
}

fn wait(what: &str, is_there: impl Fn() -> bool) -> Result<()> {
    // A node that has rebooted unseen is asked again after a minute.
    for _ in 0..2400 {
        if is_there() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    anyhow::bail!("{what} never came")
}
