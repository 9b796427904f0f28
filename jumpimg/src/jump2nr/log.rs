//! The log of a host's course: a line of text for everything that is told, with its time. What
//! commands say is written as it can be shown.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use jumpspec::words::shown;

use crate::node::run_dir::StateDir;

/// The folder of the logs, below the state directory.
const FOLDER: &str = "jump2nr";

/// A log file.
pub(super) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Begins one for a host.
    pub(super) fn begin(state: &StateDir, host: &str) -> Result<Self> {
        let now = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let name = format!("{host}-{}.log", now.replace(['-', ':'], ""));
        let (path, file) = state.new_file(FOLDER, &name)?;
        Ok(Self { path, file })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends what happened at a line.
    pub(super) fn line(&mut self, number: usize, sign: char, text: &str) -> Result<()> {
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        let line = format!("{now} {number:4} {sign} {}\n", shown::line(text));
        self.file
            .write_all(line.as_bytes())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}
