//! What the demo and the tests' journeys have in common: the job that is pushed, the command that
//! pushes it, what makes the node itself, and what is asked of the new system.

mod checks;
mod portrait;
mod push;
mod questions;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::vm::{Firmware, NODE, Role, Table};
use crate::{dist, images, run};
pub use checks::{check, check_firmware, check_reboots};
pub use portrait::Portrait;
pub use push::Push;

/// How long a system may take from power-on to SSH, under translation on a busy machine.
pub const BOOT: Duration = Duration::from_mins(10);
/// The job for an MBR disk; on other tables the partitions have other numbers.
const JOB: &str = include_str!("job.toml");
/// Where the small world's job mounts the partition that it makes.
const SCRATCH: &str = "/scratch";
/// What such a job waits for where the jump system lies in memory: so long it waits for an image that
/// nobody sends, and a test with it.
pub(crate) const PATIENCE: &str = "boot = '30s'";
/// The job for the small world's disk.
pub(crate) const SMALL_JOB: &str = include_str!("small-job.toml");

/// A job and a folder for what jumpimg keeps of its runs.
#[derive(Debug, Clone)]
pub struct Job {
    file: PathBuf,
    state: PathBuf,
}

impl Job {
    /// Writes `job.toml` to `folder`, for a victim with that table.
    pub fn write(folder: &Path, table: Table) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = folder.join("job.toml");
        std::fs::write(&file, text(table)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        let state = folder.join("state");
        Ok(Self { file, state })
    }

    /// The job that is in `folder` already.
    pub fn of(folder: &Path) -> Self {
        Self {
            file: folder.join("job.toml"),
            state: folder.join("state"),
        }
    }

    /// Adds tables that the job does not have yet.
    pub fn append(&self, text: &str) -> Result<()> {
        let mut file = File::options().append(true).open(&self.file)?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// Changes a value of a table of the job.
    pub fn set(&self, table: &str, key: &str, value: &str) -> Result<()> {
        let mut job: toml::Table = toml::from_str(&std::fs::read_to_string(&self.file)?)?;
        job[table][key] = value.into();
        Ok(std::fs::write(&self.file, toml::to_string(&job)?)?)
    }

    /// Leaves out of the layout what is mounted at `mount`: that partition stays as it is.
    pub fn leave(&self, mount: &str) -> Result<()> {
        let mut job: toml::Table = toml::from_str(&std::fs::read_to_string(&self.file)?)?;
        let wishes = job["layout"]["partition"].as_array_mut();
        let wishes = wishes.context("the job has no partitions")?;
        wishes.retain(|wish| wish.get("mount").and_then(toml::Value::as_str) != Some(mount));
        Ok(std::fs::write(&self.file, toml::to_string(&job)?)?)
    }

    /// `jumpimg check` of this job for the victim.
    pub fn check(&self, ssh_config: &Path) -> Command {
        let mut check = self.jumpimg("check", ssh_config);
        check.arg("--job").arg(&self.file).arg(NODE);
        check
    }

    /// `jumpimg push` of this job to the victim; `more` are further options.
    pub fn push(&self, ssh_config: &Path, more: &[&str]) -> Command {
        let mut push = self.jumpimg("push", ssh_config);
        push.arg("--job").arg(&self.file).args(more).arg(NODE);
        push
    }

    /// The same to several victims.
    pub fn push_to(&self, ssh_config: &Path, more: &[&str], nodes: &[&str]) -> Command {
        let mut push = self.jumpimg("push", ssh_config);
        push.arg("--job").arg(&self.file).args(more).args(nodes);
        push
    }

    /// What jumpimg keeps of its runs.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// `jumpimg status` of the victim, as JSON.
    pub fn status(&self, ssh_config: &Path) -> Command {
        let mut status = self.jumpimg("status", ssh_config);
        status.args(["--json", NODE]);
        status
    }

    /// Another of jumpimg's commands for the victim, with these options, on the admin host that
    /// began its run.
    pub fn command(&self, command: &str, ssh_config: &Path, more: &[&str]) -> Command {
        let mut jumpimg = self.jumpimg(command, ssh_config);
        jumpimg.args(more).arg(NODE);
        jumpimg
    }

    /// The same admin's other host, which knows nothing of this one's runs.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self {
            file: self.file.clone(),
            state: self.state.with_file_name("elsewhere"),
        }
    }

    /// Another job that knows what jumpimg has kept of this one's runs so far.
    pub fn tell(&self, other: &Self) -> Result<()> {
        let mut copy = run::command("cp", ["--archive"]);
        run::quiet(copy.arg(&self.state).arg(&other.state))
    }

    /// What jumpimg keeps of a run.
    pub fn run_dir(&self, run: &str) -> PathBuf {
        self.state.join("runs").join(run)
    }

    /// The job file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn jumpimg(&self, command: &str, ssh_config: &Path) -> Command {
        let mut jumpimg = run::command(dist::jumpimg(), [command, "--ssh-config"]);
        jumpimg.arg(ssh_config).arg("--state-dir").arg(&self.state);
        jumpimg
    }
}

/// The job with the paths of our images and the partitions of `table`.
fn text(table: Table) -> Result<String> {
    let (job, names) = match (table.is_small(), table.firmware()) {
        (false, _) => (JOB, [images::JUMP, images::NODE]),
        (true, Firmware::Bios) => (SMALL_JOB, [images::SMALL_JUMP, images::SMALL_NODE]),
        (true, _) => (SMALL_JOB, [images::SMALL_EFI_JUMP, images::SMALL_EFI_NODE]),
    };
    let mut job: toml::Table = toml::from_str(job)?;
    for (role, name) in ["jump", "target"].into_iter().zip(names) {
        job["images"][role] = images::path(name).display().to_string().into();
    }
    if table.lands_in_memory() {
        job["landing"]["partition"] = "auto".into();
        job.insert("wait".to_owned(), PATIENCE.parse::<toml::Table>()?.into());
    } else if table.partition(Role::Swap).is_none() {
        job["landing"]["partition"] = "free".into();
    }
    let wishes = job["layout"]["partition"].as_array_mut();
    for wish in wishes.context("the job has no partitions")? {
        let mount = wish["mount"].as_str().unwrap_or_default();
        let partition = role(mount).and_then(|role| table.partition(role));
        let number = match partition {
            Some(partition) => partition.number,
            None if mount == SCRATCH => unused(table),
            None => continue,
        };
        wish["number"] = i64::from(number).into();
    }
    Ok(toml::to_string(&job)?)
}

/// The first number that neither a partition has nor a landing partition gets.
fn unused(table: Table) -> u32 {
    let numbers = table.partitions().into_iter().map(|it| it.number);
    numbers.fold(table.landing(), u32::max) + 1
}

/// The old partition that our jobs mount there.
fn role(mount: &str) -> Option<Role> {
    match mount {
        "/" => Some(Role::Root),
        "/boot" => Some(Role::Boot),
        "/data" => Some(Role::Data),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::vm::Table;

    #[test]
    fn numbers_are_those_of_the_table() {
        let numbers = |table| {
            let text = text(table).expect("a job");
            let numbers = text
                .lines()
                .filter_map(|line| line.strip_prefix("number = "));
            numbers.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(numbers(Table::Mbr), ["1", "3", "4"]);
        assert_eq!(numbers(Table::Gpt), ["2", "4", "5"]);
        assert_eq!(numbers(Table::EfiWithoutSwap), ["2", "3", "4"]);
        assert_eq!(numbers(Table::Small), ["2", "3", "4"]);
        assert_eq!(numbers(Table::SmallWithoutSwap), ["1", "2", "4"]);
        assert_eq!(numbers(Table::SmallEfi), ["3", "4", "5"]);
        assert_eq!(numbers(Table::SmallEfiWithoutSwap), ["2", "3", "5"]);
        assert_eq!(numbers(Table::SmallEfiInMemory), ["2", "3", "4"]);
        assert_eq!(numbers(Table::SmallInMemory), ["2", "3", "4"]);
    }
}
