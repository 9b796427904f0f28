//! The page of a fleet: a lane a node, and tables. It needs no network and no other file; where it lies
//! beside what it tells of, it leads to the logs.
//!
//! What nodes have said may be anything: it is escaped for HTML, or for JSON inside HTML, and the script
//! puts it into the page as text only.

mod data;
mod tables;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use jumpspec::fleet::entry::{Known, replay};
use jumpspec::fleet::lanes::{Lane, Picture};
use jumpspec::fleet::{Sets, State};
use jumpspec::render::seconds;
use jumpsys::files::atomic::write_atomic;

use super::dir::{FleetDir, Record};
use super::groups::Group;
use crate::html;
use crate::node::run_dir::MODE;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Keeps the page of a fleet in its directory, and tells where that is.
pub(crate) fn keep(dir: &FleetDir, in_hand: bool) -> Result<PathBuf> {
    let links = Links {
        fleet: String::new(),
        runs: "../../runs/".to_owned(),
    };
    dir.write_report(&Told::read(dir, in_hand)?.html(&links)?)?;
    Ok(dir.report())
}

/// That it is not there, in words.
pub(super) fn not_kept(error: &anyhow::Error) -> String {
    format!("the report page could not be written: {error:#}")
}

/// Writes it into another file.
pub(crate) fn write(dir: &FleetDir, in_hand: bool, file: &Path) -> Result<()> {
    let links = Links::from_elsewhere(dir.path())?;
    let page = Told::read(dir, in_hand)?.html(&links)?;
    Ok(write_atomic(file, page.as_bytes(), MODE)?)
}

/// What leads from the page to other files; each is the beginning of an address.
struct Links {
    /// To those of the fleet's directory.
    fleet: String,
    /// To the runs of its nodes.
    runs: String,
}

impl Links {
    /// Those of a page that lies anywhere on this host.
    fn from_elsewhere(fleet: &Path) -> Result<Self> {
        let fleet = std::path::absolute(fleet)?;
        let state = fleet
            .ancestors()
            .nth(2)
            .context("a fleet has no directory")?;
        Ok(Self {
            fleet: address(&fleet),
            runs: address(&state.join("runs")),
        })
    }
}

/// The address of what is in a directory.
fn address(directory: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut address = String::from("file://");
    for byte in directory.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => address.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(*byte)),
            byte => {
                // Writing to a String cannot fail.
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address + "/"
}

/// What is told of a fleet.
struct Told {
    record: Record,
    groups: Vec<Group>,
    known: BTreeMap<String, Known>,
    stopped: Option<String>,
    picture: Picture,
    sets: Sets,
    in_hand: bool,
    now: SystemTime,
}

/// One node, of which nothing may be known yet.
#[derive(Clone, Copy)]
struct Node<'a> {
    name: &'a str,
    known: Option<&'a Known>,
    lane: Option<&'a Lane>,
}

impl Node<'_> {
    fn state(&self) -> State {
        self.known.map_or(State::Planned, |known| known.state)
    }
}

impl Told {
    fn read(dir: &FleetDir, in_hand: bool) -> Result<Self> {
        let (record, groups) = (dir.record()?, dir.groups()?);
        let now = SystemTime::now();
        Ok(Self::of(record, groups, &dir.told()?, now, in_hand))
    }

    fn of(
        record: Record,
        groups: Vec<Group>,
        journal: &str,
        now: SystemTime,
        in_hand: bool,
    ) -> Self {
        let (known, stopped) = replay(journal);
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let millis = u64::try_from(since.unwrap_or_default().as_millis());
        let until = millis.ok().filter(|_| in_hand);
        let state = |node| {
            known
                .get(node)
                .map_or(State::Planned, |it: &Known| it.state)
        };
        let states: Vec<State> = record.nodes.iter().map(state).collect();
        Self {
            picture: Picture::of(journal, until),
            sets: Sets::of(&states),
            stopped: stopped.map(|stop| stop.why),
            record,
            groups,
            known,
            in_hand,
            now,
        }
    }

    fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.record.nodes.iter().map(|name| Node {
            name,
            known: self.known.get(name),
            lane: self.picture.lanes.get(name),
        })
    }

    fn html(&self, links: &Links) -> Result<String> {
        let data = serde_json::to_string(&data::Data::of(self, links));
        let data = data.context("cannot write JSON")?;
        let values = [
            (
                "title",
                &*html::escaped(&format!("Fleet {}", self.record.run)),
            ),
            ("common-style", html::STYLE),
            ("style", STYLE),
            ("facts", &html::facts(&self.facts())),
            ("stopped", &self.stopped_html()),
            ("counts", &tables::counts(self, links)),
            ("reasons", &tables::reasons(self)),
            ("failed", &tables::failed(self, links)),
            ("slowest", &tables::slowest(self)),
            ("groups", &tables::groups(self)),
            ("tool", concat!("jumpimg ", env!("CARGO_PKG_VERSION"))),
            ("data", &html::data(&data)),
            ("script", SCRIPT),
        ];
        Ok(html::fill(TEMPLATE, &values))
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let Record {
            job,
            begun,
            origin,
            jump,
            target,
            nodes,
            ..
        } = &self.record;
        let periods = self.picture.periods.iter();
        let conducted = periods.map(|(from, to)| to - from).sum();
        let now = humantime::format_rfc3339_seconds(self.now);
        let mut facts = vec![
            ("state", self.sets.word(self.in_hand).to_owned()),
            ("nodes", nodes.len().to_string()),
            ("job", job.display().to_string()),
            ("begun", begun.clone()),
            ("by", origin.clone()),
            ("conducted for", seconds(conducted)),
            ("as of", now.to_string()),
            ("jump image", jump.to_string()),
            ("image", target.to_string()),
        ];
        if self.record.rehearsal().is_some() {
            facts.insert(0, ("rehearsal", "the nodes only try".to_owned()));
        }
        facts
    }

    fn stopped_html(&self) -> String {
        let told = self.stopped.as_deref().map(html::escaped);
        told.map_or_else(String::new, |why| {
            format!("<p class=\"stopped\"><b>Stopped:</b> {why}. Nothing more is begun.</p>")
        })
    }
}

/// A moment in words; the journal's clock is the admin host's.
fn clock(millis: u64) -> String {
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis));
    // What no calendar knows has no words.
    let known = at.filter(|_| millis < 253_402_300_800_000);
    known.map_or_else(String::new, |at| {
        humantime::format_rfc3339_seconds(at).to_string()
    })
}

#[cfg(test)]
mod tests;
