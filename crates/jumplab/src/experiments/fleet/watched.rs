//! A run of `jumpimg`, watched while it runs: what it took of this machine.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::unistd::Pid;
use serde::Serialize;

use crate::acted::{SshCalls, World};
use crate::process;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What a run took, and how it ended.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cost {
    /// From its start to its end, in seconds.
    pub seconds: f64,
    /// What it alone had of the processors, in seconds.
    pub processor: f64,
    /// The most memory that it had, in bytes.
    pub memory: u64,
    /// The most files that it had open when it was looked at.
    pub files: usize,
    /// The most threads.
    pub threads: usize,
    /// The most calls of ssh that were alive when they were looked at.
    pub ssh: usize,
    /// Calls of ssh in all.
    pub calls: usize,
    /// How it ended; none if a signal ended it.
    pub code: Option<i32>,
}

/// Runs `command` to its end, or kills it after so much time. What it prints goes into the files `name.out`
/// and `name.err` of `folder`.
pub(super) fn watched(
    mut command: Command,
    world: &World,
    (folder, name): (&Path, &str),
    kill_after: Option<Duration>,
) -> Result<Cost> {
    let file = |end: &str| File::create(folder.join(format!("{name}.{end}")));
    command.stdout(file("out")?).stderr(file("err")?);
    let mut calls = SshCalls::default();
    // Those of earlier runs.
    world.calls(&mut calls)?;
    let before = calls.begun();
    let begun = Instant::now();
    let mut child = command.spawn().context("cannot start jumpimg")?;
    let id = Pid::from_raw(i32::try_from(child.id())?);
    let mut cost = Cost::default();
    while !process::has_ended(id)? {
        if kill_after.is_some_and(|time| begun.elapsed() >= time) {
            child.kill()?;
        }
        look(id, &mut cost);
        cost.ssh = cost.ssh.max(world.calls(&mut calls)?);
        thread::sleep(LOOK);
    }
    cost.seconds = begun.elapsed().as_secs_f64();
    let processor = process::own_processor_time(id)?;
    cost.processor = processor.unwrap_or_default().as_secs_f64();
    world.calls(&mut calls)?;
    cost.calls = calls.begun() - before;
    cost.code = child.wait()?.code();
    Ok(cost)
}

/// Looks once. What has ended meanwhile tells nothing.
fn look(id: Pid, cost: &mut Cost) {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    // proc_pid_status(5): kB.
    cost.memory = cost.memory.max(field("VmHWM:").unwrap_or_default() << 10);
    let threads = field("Threads:").and_then(|count| usize::try_from(count).ok());
    cost.threads = cost.threads.max(threads.unwrap_or_default());
    let files = std::fs::read_dir(format!("/proc/{id}/fd")).map(Iterator::count);
    cost.files = cost.files.max(files.unwrap_or_default());
}
