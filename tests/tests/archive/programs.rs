//! Runs the built binaries and the tools of others. None may hang: what takes too long is
//! killed, and that is its failure.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The longest that one program may take, in seconds, on a machine that is busy.
const DEADLINE: &str = "100";

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// It succeeded and complained of nothing.
    pub(crate) fn done(self) -> Result<Self> {
        ensure!(self.code == Some(0) && self.stderr.is_empty(), "{self:?}");
        Ok(self)
    }

    /// It refused, and told of `text`.
    pub(crate) fn refused(self, text: &str) -> Result<Self> {
        ensure!(self.code == Some(3), "{self:?}");
        ensure!(self.stderr.contains(text), "{text:?} is not in {self:?}");
        Ok(self)
    }
}

/// A command for a program of others, in a language that no message depends on.
pub(crate) fn tool(program: impl AsRef<OsStr>) -> Command {
    // timeout(1) of GNU coreutils.
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", DEADLINE]).arg(program);
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command
}

/// Runs `jumpimg` with `arguments`.
pub(crate) fn jumpimg<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Outcome> {
    outcome(tool(jump_tests::bin("jumpimg")).args(arguments))
}

/// `jumpimg build` of `tree`, under a name that does not depend on the output's.
pub(crate) fn build(tree: &Path, image: &Path, more: &[&str]) -> Result<Outcome> {
    let mut command = tool(jump_tests::bin("jumpimg"));
    command.args(["build", "--kind", "target", "--name", "torture", "--root"]);
    command.arg(tree).arg("-o").arg(image).args(more);
    outcome(&mut command)
}

/// `jumpimg verify` finds nothing wrong.
pub(crate) fn verify(image: &Path) -> Result<()> {
    jumpimg(["verify".as_ref(), image.as_os_str()])?.done()?;
    Ok(())
}

/// `jumpinit extract` succeeds; of an archive of others it may say what it passes over.
pub(crate) fn extract(archive: &Path, directory: &Path) -> Result<()> {
    let mut command = tool(jump_tests::bin("jumpinit"));
    run(command.arg("extract").arg(archive).arg(directory))?;
    Ok(())
}

/// `jumpimg adopt` succeeds, as does `jumpinit extract`.
pub(crate) fn adopt(archive: &Path, image: &Path) -> Result<()> {
    let mut command = tool(jump_tests::bin("jumpimg"));
    run(command.arg("adopt").arg(archive).arg("-o").arg(image))?;
    Ok(())
}

/// Runs a command whatever it comes to.
pub(crate) fn outcome(command: &mut Command) -> Result<Outcome> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    Ok(Outcome {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a command that must succeed; it may complain. Gives what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let outcome = outcome(command)?;
    ensure!(outcome.code == Some(0), "{command:?}: {outcome:?}");
    Ok(outcome.stdout)
}
