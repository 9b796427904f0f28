//! A world of acted nodes: a directory with its settings, a file a node, and the logs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use nix::fcntl::{Flock, FlockArg};

use super::log::{self, Change, Moment, SshCalls};
use super::node::{Node, State};
use super::settings::{Fault, Settings, Times};

/// The environment variable that names the world's directory.
pub const ENVIRONMENT: &str = "JUMP_ACTED_WORLD";

/// A world.
#[derive(Clone, Debug)]
pub struct World {
    directory: PathBuf,
    settings: Settings,
}

/// A node while it is looked at or changed.
pub(super) struct Held<'a> {
    pub(super) node: Node,
    pub(super) times: Times,
    pub(super) fault: Option<&'a Fault>,
    /// Milliseconds since 1970.
    pub(super) now: u64,
    told: Vec<Moment>,
    name: &'a str,
}

impl Held<'_> {
    /// Has the world's log tell of a change, now or when it will be so.
    pub(super) fn tell(&mut self, at: u64, change: Change, text: &str) {
        self.told.push(Moment {
            at,
            node: self.name.to_owned(),
            change,
            text: text.to_owned(),
        });
    }
}

impl World {
    /// Makes a world in an empty directory, with the running program as its `ssh`.
    pub fn make(directory: &Path, settings: Settings, nodes: &[String]) -> Result<Self> {
        let world = Self {
            directory: directory.to_owned(),
            settings,
        };
        for folder in ["nodes", "bin"] {
            fs::create_dir_all(directory.join(folder))?;
        }
        let program = std::env::current_exe().context("the program that runs has no name")?;
        symlink(program, directory.join("bin/ssh")).context("cannot make the world's ssh")?;
        let settings = serde_json::to_vec(&world.settings)?;
        fs::write(directory.join("settings.json"), settings)?;
        let now = now();
        for node in nodes {
            world.write(node, &Node::new(now))?;
        }
        Ok(world)
    }

    /// One that was made.
    pub(super) fn open(directory: &Path) -> Result<Self> {
        let settings = fs::read(directory.join("settings.json"))?;
        Ok(Self {
            directory: directory.to_owned(),
            settings: serde_json::from_slice(&settings)?,
        })
    }

    /// The `PATH` on which this world's `ssh` comes first.
    pub fn path(&self) -> Result<std::ffi::OsString> {
        let own = self.directory.join("bin");
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(own).chain(std::env::split_paths(&usual));
        Ok(std::env::join_paths(all)?)
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it is like.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The node as it is at this moment; none if there is none of that name.
    pub(super) fn look<'a>(&'a self, name: &'a str) -> Result<Option<Held<'a>>> {
        let bytes = match fs::read(self.file(name, "json")) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut node: Node = serde_json::from_slice(&bytes)?;
        let (times, fault, now) = (self.settings.times(name), self.settings.fault(name), now());
        let changes = node.advance(&times, fault, now);
        let mut held = Held {
            node,
            times,
            fault,
            now,
            told: Vec::new(),
            name,
        };
        for (at, change) in changes {
            held.tell(at, change, "");
        }
        Ok(Some(held))
    }

    /// Changes the node as it is at this moment, before anybody else does.
    pub(super) fn change<R>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Held<'_>) -> Result<R>,
    ) -> Result<R> {
        let lock = File::create(self.file(name, "lock"))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| error)?;
        let held = self.look(name)?;
        let mut held = held.with_context(|| format!("there is no node {name}"))?;
        let result = change(&mut held)?;
        self.write(name, &held.node)?;
        for moment in &held.told {
            let line = serde_json::to_string(moment)?;
            log::append(&self.directory.join("log"), &line)?;
        }
        drop(lock);
        Ok(result)
    }

    fn write(&self, name: &str, node: &Node) -> Result<()> {
        let new = self.file(name, &format!("new-{}", std::process::id()));
        fs::write(&new, serde_json::to_vec(node)?)?;
        Ok(fs::rename(new, self.file(name, "json"))?)
    }

    /// A file of the node's.
    pub(super) fn file(&self, name: &str, kind: &str) -> PathBuf {
        self.directory.join("nodes").join(format!("{name}.{kind}"))
    }

    /// Has the log of ssh's calls tell of the begin (`+`) or the end (`-`) of this process.
    pub(super) fn tell_call(&self, sign: char) -> Result<()> {
        let line = format!("{sign}{}", std::process::id());
        log::append(&self.directory.join("calls"), &line)
    }

    /// Takes what is new in the log of ssh's calls; how many are alive.
    pub fn calls(&self, calls: &mut SshCalls) -> Result<usize> {
        let mut new = String::new();
        if let Ok(mut log) = File::open(self.directory.join("calls")) {
            log.seek(SeekFrom::Start(calls.offset()))?;
            log.read_to_string(&mut new)?;
        }
        Ok(calls.take(&new, |id| Path::new(&format!("/proc/{id}")).exists()))
    }

    /// Has each node come as far as it is, and gives where all of them stand.
    pub fn settle(&self, nodes: &[String]) -> Result<BTreeMap<String, State>> {
        let state = |node: &String| {
            let state = self.change(node, |held| Ok(held.node.state))?;
            Ok((node.clone(), state))
        };
        nodes.iter().map(state).collect()
    }

    /// The nodes on which there is a run, or a private directory of jump's.
    pub fn left(&self, nodes: &[String]) -> Result<Vec<String>> {
        let mut left = Vec::new();
        for name in nodes {
            let held = self.look(name)?;
            let has = held
                .is_some_and(|held| held.node.run.is_some() || !held.node.directories.is_empty());
            left.extend(has.then(|| name.clone()));
        }
        Ok(left)
    }

    /// What has happened, the earliest first. What a node did by itself since somebody looked last is
    /// there once it has settled.
    pub fn log(&self) -> Result<Vec<Moment>> {
        let file = self.directory.join("log");
        let text = if file.exists() {
            fs::read_to_string(&file)?
        } else {
            String::new()
        };
        log::read(&text)
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
