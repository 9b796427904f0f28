//! What a command costs. Each is run by a process of its own, `cargo xtask bench-measure`, so that
//! the kernel's account of that process's children is the command's and nobody else's.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use jumplab::run;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

/// What a command and all processes that it waited for cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Cost {
    /// Seconds by the clock.
    pub(super) wall: f64,
    /// CPU seconds, user and system.
    pub(super) cpu: f64,
    /// Bytes of memory that the largest of the processes had resident at its peak; getrusage(2)'s
    /// `ru_maxrss`. It counts what the process was before exec(2), too: a few MiB of ours.
    pub(super) peak: u64,
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Sample {
    /// What it cost.
    #[serde(flatten)]
    pub(super) cost: Cost,
    /// Bytes of the file that it wrote, where that is what it was for.
    pub(super) size: Option<u64>,
}

impl From<Cost> for Sample {
    fn from(cost: Cost) -> Self {
        Self { cost, size: None }
    }
}

impl Cost {
    /// What `usage` says of a work that took `wall` seconds and had used `before` CPU seconds
    /// already.
    pub(super) fn new(wall: f64, usage: &Usage, before: f64) -> Self {
        Self {
            wall,
            cpu: cpu(usage) - before,
            // getrusage(2): kilobytes, and never negative.
            peak: u64::try_from(usage.max_rss()).unwrap_or_default() << 10,
        }
    }
}

/// CPU seconds, user and system.
pub(super) fn cpu(usage: &Usage) -> f64 {
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// Runs `command` in a process of its own and says what it cost.
pub(super) fn cost(command: &[OsString]) -> Result<Cost> {
    let own = std::env::current_exe().context("cannot find this program's own path")?;
    let mut measure = run::command(own, ["bench-measure", "--"]);
    measure.args(command);
    parse(&run::capture(&mut measure)?)
}

/// What a process that ended with [`tell`] said.
pub(super) fn parse(said: &str) -> Result<Cost> {
    serde_json::from_str(said).with_context(|| format!("{said:?} is no measurement"))
}

/// Says a cost for [`parse`].
pub(super) fn tell(cost: &Cost) -> Result<()> {
    println!("{}", serde_json::to_string(cost)?);
    Ok(())
}

/// `cargo xtask bench-measure`: runs `command` and prints what it cost as JSON.
pub(crate) fn perform(command: &[OsString]) -> Result<()> {
    let (program, arguments) = command.split_first().context("no command")?;
    let mut command = run::command(program, arguments);
    command.stdout(Stdio::null());
    let begun = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", run::line(&command)))?;
    let wall = begun.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{}: {status}", run::line(&command));
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    tell(&Cost::new(wall, &usage, 0.0))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds and microseconds are far below 2^52"
)]
fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
