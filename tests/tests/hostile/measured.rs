//! Runs a program under limits and keeps what came of it, its peak memory too.
//!
//! The test program starts itself once more in between: that small process sets the
//! limits and asks the kernel for what its only child used, which a process with many
//! children cannot.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use rustix::process::{Pid, Signal, kill_process_group};

/// Names the file that the process in between writes its findings to.
const REPORT: &str = "JUMP_HOSTILE_REPORT";
/// No run may take longer: what hangs is killed, and that is a failure.
const TIME: Duration = Duration::from_secs(40);
/// No file may grow beyond this, in bytes: SIGXFSZ kills who tries, setrlimit(2).
const FILE_SIZE: u64 = 64 << 20;
/// No run may take more memory, in KiB.
const PEAK: i64 = 64 << 10;
/// Nobody reads an error that is longer, in bytes.
const ERROR_LENGTH: usize = 8 << 10;

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None` after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

/// Runs a program. Neither time nor memory nor disk go beyond the limits.
pub(crate) fn run<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Result<Outcome> {
    let report = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(env::current_exe()?);
    command.arg(program).args(arguments);
    command.env(REPORT, report.path()).process_group(0);
    command.stdin(Stdio::null());
    // What it says of its progress is not looked at.
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let output = in_time(child.spawn()?)?;
    let (code, peak) = read_report(report.path())?;
    ensure!(peak <= PEAK, "it took {peak} KiB of memory");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Outcome { code, stderr })
}

/// Waits for the end, and kills the whole group if it does not come.
fn in_time(child: Child) -> Result<Output> {
    let group = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    let waiting = thread::spawn(move || sender.send(child.wait_with_output()));
    let output = receiver.recv_timeout(TIME);
    if output.is_err() {
        kill_process_group(group, Signal::KILL)?;
    }
    drop(waiting.join());
    match output {
        Ok(output) => Ok(output?),
        Err(_) => bail!("it was still running after {} s", TIME.as_secs()),
    }
}

fn read_report(path: &Path) -> Result<(Option<i32>, i64)> {
    let report = fs::read_to_string(path)?;
    let (code, peak) = report
        .split_once(' ')
        .with_context(|| format!("the report is {report:?}"))?;
    Ok((code.parse().ok(), peak.parse()?))
}

/// Whether this is the process in between; if so, it has done its work.
pub(crate) fn in_between() -> Option<ExitCode> {
    let report = env::var_os(REPORT)?;
    Some(match measure(&report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot run the program under test: {error}");
            ExitCode::FAILURE
        }
    })
}

fn measure(report: &OsStr) -> io::Result<()> {
    setrlimit(Resource::RLIMIT_FSIZE, FILE_SIZE, FILE_SIZE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let mut arguments = env::args_os().skip(1);
    let program: OsString = arguments.next().unwrap_or_default();
    let mut command = Command::new(program);
    let status = command.args(arguments).env_remove(REPORT).status()?;
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    let code = status
        .code()
        .map_or("-".to_owned(), |code| code.to_string());
    fs::write(report, format!("{code} {peak}"))
}

impl Outcome {
    /// It was refused: exit code 3, and at most three lines that name `entry` and one
    /// of the reasons `why`.
    pub(crate) fn refused(&self, entry: &str, why: &[&str]) -> Result<()> {
        ensure!(self.code == Some(3), "not refused: {self:?}");
        let text = self.stderr.to_lowercase();
        ensure!(text.starts_with("error: "), "{self:?}");
        ensure!(text.lines().count() <= 3, "more than three lines: {self:?}");
        ensure!(text.len() <= ERROR_LENGTH, "{} bytes of error", text.len());
        ensure!(
            text.contains(&entry.to_lowercase()),
            "{entry:?} is not named: {self:?}"
        );
        ensure!(
            why.iter().any(|word| text.contains(word)),
            "none of {why:?} is the reason: {self:?}"
        );
        Ok(())
    }

    /// It succeeded.
    pub(crate) fn accepted(&self) -> Result<()> {
        ensure!(self.code == Some(0), "not accepted: {self:?}");
        Ok(())
    }
}
