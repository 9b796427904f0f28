//! What a fleet is pushed from: a job with its images, a state directory, and a world of acted nodes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::acted::{ENVIRONMENT, Settings, World, sample};
use crate::run;

/// Jump system and new system wait for the admin's login, as is wise.
const GREETED: &str = "[prove]\nadmin_login = true\n\n[health]\nadmin_login = true\n\n";

/// What to lay out.
#[derive(Debug, Clone)]
pub struct Layout {
    /// What the world is like.
    pub settings: Settings,
    /// How many nodes it has.
    pub count: usize,
    /// `[wait]` of the job, without its head.
    pub wait: String,
    /// `[fleet]`, without its head.
    pub fleet: String,
    /// The program that goes to the nodes.
    pub jumpinit: Vec<u8>,
    /// Bytes of the jump image's toolbox, and of the target image.
    pub bytes: (usize, usize),
}

/// A directory with all of it.
#[derive(Debug)]
pub struct Ground {
    directory: TempDir,
    world: World,
    nodes: Vec<String>,
}

impl Ground {
    /// Lays it out.
    pub fn lay(layout: &Layout) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("jump-fleet-").tempdir()?;
        let path = |name: &str| directory.path().join(name);
        sample::write_image(&path("jump.tar.zst"), "jump", layout.bytes.0)?;
        sample::write_image(&path("target.tar.zst"), "target", layout.bytes.1)?;
        let (job, _) = sample::JOB
            .split_once("[wait]")
            .context("the job has no [wait]")?;
        let job = format!(
            "{job}{GREETED}[wait]\n{}\n[fleet]\n{}\n",
            layout.wait, layout.fleet
        );
        fs::write(path("job.toml"), job)?;
        fs::write(path("jumpinit"), &layout.jumpinit)?;
        let nodes: Vec<String> = (1..=layout.count).map(name).collect();
        let world = World::make(&path("world"), layout.settings.clone(), &nodes)?;
        Ok(Self {
            directory,
            world,
            nodes,
        })
    }

    /// Keeps the directory when this value goes, for somebody to look at.
    pub fn keep(mut self) -> PathBuf {
        self.directory.disable_cleanup(true);
        self.directory.path().to_owned()
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// All nodes' names.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// All of them, as one types it.
    pub fn all(&self) -> String {
        match self.nodes.as_slice() {
            [one] => one.clone(),
            nodes => format!("node[0001-{:04}]", nodes.len()),
        }
    }

    /// `jumpimg` with these arguments, in this world.
    pub fn command(&self, jumpimg: &Path, arguments: &[&str]) -> Result<Command> {
        // Whoever started this may ignore some signals, as nohup(1) does. env(1).
        let mut command = run::command("env", ["--default-signal"]);
        command.arg(jumpimg).args(arguments);
        command.arg("--state-dir").arg(self.path("state"));
        command.env("PATH", self.world.path()?);
        command.env(ENVIRONMENT, self.world.directory());
        Ok(command)
    }

    /// `jumpimg COMMAND --job JOB --jumpinit …`, which takes the job.
    pub fn with_job(&self, jumpimg: &Path, arguments: &[&str]) -> Result<Command> {
        let mut command = self.command(jumpimg, arguments)?;
        command.arg("--job").arg(self.path("job.toml"));
        command.arg("--jumpinit").arg(self.path("jumpinit"));
        Ok(command)
    }

    /// The directory of the only fleet run that was begun here.
    pub fn run(&self) -> Result<Option<PathBuf>> {
        let folder = self.path("state/fleets");
        if !folder.exists() {
            return Ok(None);
        }
        let mut runs = Vec::new();
        for entry in fs::read_dir(folder)? {
            runs.push(entry?.path());
        }
        runs.retain(|run| run.join("fleet.json").exists());
        match runs.as_slice() {
            [] => Ok(None),
            [run] => Ok(Some(run.clone())),
            _ => bail!("there are {} fleet runs", runs.len()),
        }
    }
}

/// The node of that number.
pub(super) fn name(number: usize) -> String {
    format!("node{number:04}")
}
