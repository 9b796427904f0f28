//! What the admin host keeps of a run: `runs/<run>/` with plan, events, the jump
//! system's host key and the report, `nodes/<node>`, which leads to the latest run, and `firmware/`,
//! what was seen of models of firmware.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::boot::uefi::found::FirmwareModel;
use jumpspec::node::facts::Facts;
use jumpspec::node::public_key::PublicKey;
use jumpspec::plan::Plan;
use jumpspec::run::report::{self, NodeReport, RehearsalReport};
use jumpspec::words::digest::Digest;
use jumpspec::words::run_id::RunId;
use jumpsys::files::atomic::write_atomic;
use serde_json::json;

use crate::node::ssh::HostKeys;

/// Plans name disks, accounts and addresses: for the admin only.
pub(crate) const MODE: u32 = 0o600;
/// The plan's name in a run's directory.
const PLAN: &str = "plan.json";

/// Where all runs are kept.
#[derive(Clone, Debug)]
pub(crate) struct StateDir(PathBuf);

impl StateDir {
    /// `given`, or `$XDG_STATE_HOME/jump`, or `~/.local/state/jump` (XDG Base Directory
    /// Specification).
    pub(crate) fn find(given: Option<&Path>) -> Result<Self> {
        if let Some(given) = given {
            return Ok(Self(std::path::absolute(given)?));
        }
        let set = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = || set("HOME").map(|home| home.join(".local/state"));
        let state = set("XDG_STATE_HOME")
            .or_else(home)
            .context("HOME is not set: name a --state-dir")?;
        Ok(Self(state.join("jump")))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Begins the directory of a run.
    pub(crate) fn begin(&self, run: &RunId) -> Result<RunDir> {
        let dir = self.run(run);
        make_private(&dir.path)?;
        Ok(dir)
    }

    /// The directory of a run that this host knows.
    pub(crate) fn known(&self, run: &RunId) -> Option<RunDir> {
        Some(self.run(run)).filter(|dir| dir.path.join(PLAN).exists())
    }

    fn run(&self, run: &RunId) -> RunDir {
        RunDir {
            path: self.0.join("runs").join(&**run),
            run: run.clone(),
        }
    }

    /// The nodes, as they are named here, whose latest run it is.
    pub(crate) fn nodes_of(&self, run: &RunId) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("nodes")).into_iter().flatten();
        let names = entries.flatten().map(|entry| entry.file_name());
        let names = names.filter_map(|name| name.into_string().ok());
        names
            .filter(|name| self.latest(name).is_some_and(|latest| latest.run == *run))
            .collect()
    }

    /// Keeps that firmware of this model and version was seen to follow its order, in this run.
    pub(crate) fn saw_follow(&self, model: &FirmwareModel, run: &RunId) -> Result<()> {
        let path = self.firmware(model);
        make_private(path.parent().unwrap_or(&self.0))?;
        let seen = json!({"firmware": model, "run": run});
        Ok(write_atomic(&path, seen.to_string().as_bytes(), MODE)?)
    }

    /// Whether it was.
    pub(crate) fn has_seen_follow(&self, model: &FirmwareModel) -> bool {
        model.is_known() && self.firmware(model).exists()
    }

    fn firmware(&self, model: &FirmwareModel) -> PathBuf {
        let name = format!("{}\0{}\0{}", model.vendor, model.product, model.version);
        let digest = Digest::of(name.as_bytes()).to_string();
        self.0.join("firmware").join(digest)
    }

    /// Makes a file below `folder` that was not there, for the admin only.
    pub(crate) fn new_file(&self, folder: &str, name: &str) -> Result<(PathBuf, File)> {
        let folder = self.0.join(folder);
        make_private(&folder)?;
        let path = folder.join(file_name(name));
        let made = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(MODE)
            .open(&path);
        let file = made.with_context(|| format!("cannot make {}", path.display()))?;
        Ok((path, file))
    }

    /// Makes `run` the node's latest.
    pub(crate) fn set_latest(&self, node: &str, run: &RunId) -> Result<()> {
        let nodes = self.0.join("nodes");
        make_private(&nodes)?;
        let (link, beside) = (
            nodes.join(file_name(node)),
            nodes.join(format!(".new-{run}")),
        );
        symlink(Path::new("../runs").join(&**run), &beside)
            .and_then(|()| fs::rename(&beside, &link))
            .with_context(|| format!("cannot write {}", link.display()))
    }

    /// The node's latest run, if there was one.
    pub(crate) fn latest(&self, node: &str) -> Option<RunDir> {
        let link = self.0.join("nodes").join(file_name(node));
        let run = fs::read_link(&link).ok()?.file_name()?.to_str()?.parse();
        Some(self.run(&run.ok()?)).filter(|dir| dir.path.is_dir())
    }
}

/// A node's name as a file name.
pub(crate) fn file_name(node: &str) -> String {
    node.trim_start_matches('.').replace('/', "_")
}

/// Makes a directory for the admin only, with those above it.
pub(crate) fn make_private(path: &Path) -> Result<()> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.with_context(|| format!("cannot make the directory {}", path.display()))
}

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    run: RunId,
}

impl RunDir {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id.
    pub(crate) fn run(&self) -> &RunId {
        &self.run
    }

    /// Keeps the plan.
    pub(crate) fn write_plan(&self, plan: &Plan) -> Result<()> {
        self.write(PLAN, &serde_json::to_vec_pretty(plan)?)
    }

    /// The plan.
    pub(crate) fn plan(&self) -> Result<Plan> {
        self.read_json(PLAN)
    }

    /// Keeps the facts that the plan follows from.
    pub(crate) fn write_facts(&self, facts: &Facts) -> Result<()> {
        self.write("facts.json", &serde_json::to_vec(facts)?)
    }

    /// Those facts.
    pub(crate) fn facts(&self) -> Result<Facts> {
        self.read_json("facts.json")
    }

    /// The secret by which nodes know this host, if the run was begun here.
    pub(crate) fn mark(&self) -> Option<String> {
        fs::read_to_string(self.path.join("mark")).ok()
    }

    /// Notes that the run was taken back: nothing of it is on the node any more.
    pub(crate) fn write_taken_back(&self) -> Result<()> {
        self.write("taken-back", b"")
    }

    /// Whether it was taken back.
    pub(crate) fn is_taken_back(&self) -> bool {
        self.path.join("taken-back").exists()
    }

    /// Whether its report is here.
    pub(crate) fn is_finished(&self) -> bool {
        self.path.join(report::FILE).exists()
    }

    /// Keeps a rehearsal's report.
    pub(crate) fn write_rehearsal(&self, report: &RehearsalReport) -> Result<()> {
        self.write(report::REHEARSAL_FILE, &serde_json::to_vec_pretty(report)?)
    }

    /// Keeps the secret by which nodes know this host.
    pub(crate) fn write_mark(&self, mark: &str) -> Result<()> {
        self.write("mark", mark.as_bytes())
    }

    /// Keeps the node's report.
    pub(crate) fn write_report(&self, report: &NodeReport) -> Result<()> {
        self.write(report::FILE, &serde_json::to_vec_pretty(report)?)
    }

    /// Pins the jump system's host key.
    pub(crate) fn pin(&self, key: &PublicKey) -> Result<()> {
        let line = format!("{} {key}\n", self.alias());
        self.write("known_hosts", line.as_bytes())
    }

    /// The jump system's host key, as ssh is to check it.
    pub(crate) fn host_keys(&self) -> HostKeys {
        HostKeys::Pinned {
            known_hosts: self.path.join("known_hosts"),
            alias: self.alias(),
        }
    }

    /// Whether a host key was pinned, so that the jump system may be running.
    pub(crate) fn is_pinned(&self) -> bool {
        self.path.join("known_hosts").exists()
    }

    fn alias(&self) -> String {
        format!("jump-{}", self.run)
    }

    /// Where events are kept.
    pub(crate) fn events_path(&self) -> PathBuf {
        self.path.join(jumpspec::places::EVENTS_NAME)
    }

    /// Opens the events' file to append to it.
    pub(crate) fn events(&self) -> Result<EventLog> {
        let log = EventLog(self.events_path());
        log.open()?;
        Ok(log)
    }

    fn read_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.path.join(name);
        let json = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&json)
            .with_context(|| format!("cannot understand {}", path.display()))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(write_atomic(&self.path.join(name), bytes, MODE)?)
    }
}

/// The events of a run, one JSON object a line. Open while a line is written alone: a thousand nodes are
/// followed with fewer descriptors.
#[derive(Debug)]
pub(crate) struct EventLog(PathBuf);

impl EventLog {
    fn open(&self) -> Result<File> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(MODE)
            .open(&self.0);
        file.with_context(|| format!("cannot open {}", self.0.display()))
    }

    /// Appends a line.
    pub(crate) fn append(&self, line: &str) -> Result<()> {
        // One write, so that a line is whole or not there.
        self.open()?
            .write_all(format!("{line}\n").as_bytes())
            .context("cannot write the run's events")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firmware_is_known_by_all_three_of_its_names() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::find(Some(dir.path())).unwrap();
        let model = |vendor: &str, product: &str, version: &str| FirmwareModel {
            vendor: vendor.to_owned(),
            product: product.to_owned(),
            version: version.to_owned(),
        };
        let seen = model("QEMU", "Q35", "1.2");
        assert!(!state.has_seen_follow(&seen));
        state.saw_follow(&seen, &RunId::new(1)).unwrap();
        assert!(state.has_seen_follow(&seen));
        for other in [model("QEMU", "Q35", "1.3"), model("QEMUQ35", "", "1.2")] {
            assert!(!state.has_seen_follow(&other), "{other}");
        }
        // What says nothing of itself may be any.
        state
            .saw_follow(&FirmwareModel::default(), &RunId::new(2))
            .unwrap();
        assert!(!state.has_seen_follow(&FirmwareModel::default()));
    }

    #[test]
    fn a_nodes_latest_run_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::find(Some(dir.path())).unwrap();
        assert!(state.latest("root@node/7").is_none());
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICwfVQy7uTB4+KA/RNigmOVQ3ZRKO1ls+BvpdI4MNq7H x";
        for run in [0xaa, 0xbb].map(RunId::new) {
            state
                .begin(&run)
                .unwrap()
                .pin(&key.parse().unwrap())
                .unwrap();
            state.set_latest("root@node/7", &run).unwrap();
        }
        let latest = state.latest("root@node/7").unwrap();
        assert_eq!(*latest.run(), RunId::new(0xbb));
        assert!(latest.is_pinned());
        assert_eq!(state.nodes_of(latest.run()), ["root@node_7"]);
        let pinned = fs::read_to_string(latest.path().join("known_hosts")).unwrap();
        assert_eq!(
            pinned,
            format!("jump-00000000000000bb {}\n", &key[..key.len() - 2])
        );
    }
}
