//! What the admin host keeps of a fleet: `fleets/<fleet>/` with what was wished, the journal, and the
//! nodes by what has become of them. Whoever has that directory, and `runs` and `nodes` beside it, can
//! take the fleet up again.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};
use jumpspec::fleet::entry::{Entry, Known, entries, replay};
use jumpspec::fleet::{Sets, State, Stop, What};
use jumpspec::job::FleetWish;
use jumpspec::planner::{Hangs, Rehearsal};
use jumpspec::words::digest::Digest;
use jumpspec::words::run_id::RunId;
use jumpsys::files::atomic::write_atomic;
use jumpsys::lock::{LockError, RunLock};
use serde::{Deserialize, Serialize};

use super::groups::Group;
use crate::error::{Exit, Trouble};
use crate::node::nodes::fold::folded;
use crate::node::run_dir::{MODE, StateDir, file_name, make_private};

/// The form of [`Record`]; another one is another program's.
const FORMAT: u32 = 1;
const RECORD: &str = "fleet.json";
const GROUPS: &str = "groups.json";
const JOURNAL: &str = "journal";
/// Whoever makes it asks for an end.
const STOP: &str = "stop";
const LOCK: &str = "lock";
const REPORT: &str = "report.html";

/// What a fleet was begun with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    format: u32,
    /// Its id.
    pub(crate) run: RunId,
    /// The job file.
    pub(crate) job: PathBuf,
    /// When it was begun (RFC 3339), and by whom.
    pub(crate) begun: String,
    pub(crate) origin: String,
    /// The images.
    pub(crate) jump: Digest,
    pub(crate) target: Digest,
    /// How it takes its course.
    pub(crate) policy: FleetWish,
    /// Whether its nodes only try.
    #[serde(default)]
    rehearsal: Option<Tried>,
    /// Its nodes, in the order of the command line.
    pub(crate) nodes: Vec<String>,
}

/// How nodes try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Tried {
    Firmware,
    Memory,
    MemoryWithoutWatchdog,
}

impl Record {
    /// Which rehearsal it is, if it is one.
    pub(crate) fn rehearsal(&self) -> Option<Rehearsal> {
        Some(match self.rehearsal? {
            Tried::Firmware => Rehearsal::Firmware,
            Tried::Memory => Rehearsal::InMemory(Hangs::Watchdog),
            Tried::MemoryWithoutWatchdog => Rehearsal::InMemory(Hangs::Hand),
        })
    }

    /// The same of a rehearsal, if it is one.
    #[must_use]
    pub(crate) fn tried(self, rehearsal: Option<Rehearsal>) -> Self {
        let rehearsal = rehearsal.map(|rehearsal| match rehearsal {
            Rehearsal::Firmware => Tried::Firmware,
            Rehearsal::InMemory(Hangs::Watchdog) => Tried::Memory,
            Rehearsal::InMemory(Hangs::Hand) => Tried::MemoryWithoutWatchdog,
        });
        Self { rehearsal, ..self }
    }

    /// That of a fleet that is begun now, on this host.
    pub(crate) fn now(
        run: RunId,
        job: &Path,
        images: [Digest; 2],
        policy: FleetWish,
        nodes: Vec<String>,
    ) -> Result<Self> {
        let [jump, target] = images;
        let user = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
        let host = jumpsys::kernel::system::hostname().unwrap_or_default();
        Ok(Self {
            format: FORMAT,
            run,
            job: std::path::absolute(job)?,
            begun: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            origin: format!("{user}@{host}"),
            jump,
            target,
            policy,
            rehearsal: None,
            nodes,
        })
    }
}

/// The directory of one fleet.
#[derive(Clone, Debug)]
pub(crate) struct FleetDir(PathBuf);

impl FleetDir {
    /// Where all fleets are kept.
    fn folder(state: &StateDir) -> PathBuf {
        state.path().join("fleets")
    }

    /// Begins to keep a fleet.
    pub(crate) fn begin(state: &StateDir, record: &Record, groups: &[Group]) -> Result<Self> {
        let dir = Self(Self::folder(state).join(&*record.run));
        make_private(&dir.0)?;
        dir.write(GROUPS, &serde_json::to_vec(groups)?)?;
        // The last one: a directory without it is no fleet.
        dir.write(RECORD, &serde_json::to_vec_pretty(record)?)?;
        Ok(dir)
    }

    /// The one with this id.
    pub(crate) fn find(state: &StateDir, run: &RunId) -> Result<Self, Trouble> {
        let dir = Self(Self::folder(state).join(&**run));
        if dir.0.join(RECORD).is_file() {
            return Ok(dir);
        }
        let why = format!("no fleet {run} is kept in {}", state.path().display());
        Err(Trouble::new(Exit::Usage, "no-fleet", why).hint("`jumpimg fleet list` names them"))
    }

    /// All that are kept, the latest first.
    pub(crate) fn all(state: &StateDir) -> Vec<(Self, Record)> {
        let entries = fs::read_dir(Self::folder(state)).into_iter().flatten();
        let dirs = entries.flatten().map(|entry| Self(entry.path()));
        let mut all: Vec<_> = dirs
            .filter_map(|dir| {
                let record = dir.record().ok()?;
                Some((dir, record))
            })
            .collect();
        all.sort_by(|(_, a), (_, b)| (&b.begun, &b.run).cmp(&(&a.begun, &a.run)));
        all
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What it was begun with.
    pub(crate) fn record(&self) -> Result<Record> {
        let path = self.0.join(RECORD);
        let json = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let record: Record = serde_json::from_slice(&json)
            .with_context(|| format!("cannot understand {}", path.display()))?;
        ensure!(
            record.format == FORMAT,
            "{} is of another version of jumpimg",
            path.display()
        );
        Ok(record)
    }

    /// The groups of its nodes, whose plans were agreed to.
    pub(crate) fn groups(&self) -> Result<Vec<Group>> {
        let path = self.0.join(GROUPS);
        let json = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&json)
            .with_context(|| format!("cannot understand {}", path.display()))
    }

    /// The shapes of the plans that were agreed to.
    pub(crate) fn agreed(&self) -> Result<BTreeSet<Digest>> {
        Ok(self
            .groups()?
            .into_iter()
            .map(|group| group.shape)
            .collect())
    }

    /// Its journal as it is.
    pub(crate) fn told(&self) -> Result<String> {
        let path = self.0.join(JOURNAL);
        let journal =
            read_if_there(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&journal).into_owned())
    }

    /// Whether whoever conducted it last has come to an end.
    pub(crate) fn is_concluded(&self) -> Result<bool> {
        let last = entries(&self.told()?).last();
        Ok(last.is_some_and(|entry| entry.what == What::Over))
    }

    /// What its journal says: of each of `nodes` in their order, and why it was stopped, if it was.
    pub(crate) fn known(&self, nodes: &[String]) -> Result<(Vec<Known>, Option<Stop>)> {
        let (mut known, stopped) = replay(&self.told()?);
        let known = nodes
            .iter()
            .map(|node| known.remove(node).unwrap_or_default());
        Ok((known.collect(), stopped))
    }

    /// Takes it into hand, which nobody else may have.
    pub(crate) fn lock(&self) -> Result<RunLock, Trouble> {
        let holder = format!("jumpimg, process {}", std::process::id());
        RunLock::acquire(&self.0.join(LOCK), &holder).map_err(|error| match error {
            LockError::Held { holder, .. } => {
                let why = format!("somebody conducts it at this moment: {holder}");
                Trouble::new(Exit::Refused, "fleet-in-hand", why)
                    .hint("`jumpimg fleet stop` has that one begin nothing more")
            }
            LockError::Io(error) => Trouble::failed("state-dir", &error.into()),
        })
    }

    /// Whether somebody conducts it.
    pub(crate) fn is_in_hand(&self) -> bool {
        self.0.join(LOCK).exists() && self.lock().is_err()
    }

    /// Asks whoever conducts it to begin nothing more.
    pub(crate) fn ask_to_stop(&self) -> Result<()> {
        self.write(STOP, b"")
    }

    /// Whether somebody has asked for that.
    pub(crate) fn is_asked_to_stop(&self) -> bool {
        self.0.join(STOP).exists()
    }

    /// Forgets that somebody has asked.
    pub(crate) fn forget_stop(&self) -> Result<()> {
        match fs::remove_file(self.0.join(STOP)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("cannot remove the fleet's stop file")
            }
            _ => Ok(()),
        }
    }

    /// Opens the journal to append to it.
    pub(crate) fn journal(&self) -> Result<Journal> {
        let path = self.0.join(JOURNAL);
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(MODE)
            .open(&path);
        let mut file = file.with_context(|| format!("cannot open {}", path.display()))?;
        // What a dying writer has left of its last line must not be the beginning of another.
        if fs::read(&path)?.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n")?;
        }
        Ok(Journal(file))
    }

    /// A file for what a program says of a node, appended to.
    pub(crate) fn program_log(&self, name: &str) -> Result<(PathBuf, File)> {
        let folder = self.0.join("drain");
        make_private(&folder)?;
        let path = folder.join(format!("{}.log", file_name(name)));
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(MODE)
            .open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        Ok((path, file))
    }

    /// The nodes of one of its sets.
    pub(crate) fn set(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.nodes"))
    }

    /// Keeps which nodes are where.
    pub(crate) fn write_sets(&self, nodes: &[String], sets: &Sets) -> Result<()> {
        for (name, of) in sets.named() {
            let names = of.iter().filter_map(|node| nodes.get(*node));
            let names = folded(names.map(String::as_str));
            let line = if names.is_empty() {
                names
            } else {
                names + "\n"
            };
            self.write(&format!("{name}.nodes"), line.as_bytes())?;
        }
        Ok(())
    }

    /// Where its page is.
    pub(crate) fn report(&self) -> PathBuf {
        self.0.join(REPORT)
    }

    /// Keeps its page.
    pub(crate) fn write_report(&self, html: &str) -> Result<()> {
        self.write(REPORT, html.as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(write_atomic(&self.0.join(name), bytes, MODE)?)
    }
}

/// A file's bytes; none, if it is not there yet.
fn read_if_there(path: &Path) -> std::io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

/// The states that a journal tells, for a course that goes on.
pub(crate) fn states(known: &[Known]) -> Vec<State> {
    let state = |known: &Known| match known.state {
        // It is looked at anew: nobody knows how far it came.
        State::Staging => State::Planned,
        state => state,
    };
    known.iter().map(state).collect()
}

/// The journal of a fleet.
#[derive(Debug)]
pub(crate) struct Journal(File);

impl Journal {
    /// Appends what has happened.
    pub(crate) fn note(&mut self, what: What) -> Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let at = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let line = serde_json::to_string(&Entry { at, what })?;
        // One write, so that a line is whole or not there.
        self.0
            .write_all(format!("{line}\n").as_bytes())
            .context("cannot write the fleet's journal")
    }

    /// The same, which is on the disk before anything follows from it.
    pub(crate) fn keep(&mut self, what: What) -> Result<()> {
        self.note(what)?;
        self.0
            .sync_data()
            .context("cannot write the fleet's journal to the disk")
    }
}
