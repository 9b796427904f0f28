//! The configuration file, read.

use std::path::{Path, PathBuf};

use jumpspec::nextrel::{Config, Line, Statement};

use super::cfg_file;
use crate::error::{Exit, Trouble};

/// A file with where to begin in it.
pub(super) struct Script {
    path: PathBuf,
    config: Config,
    from: usize,
}

impl Script {
    /// Reads a file; `from` is the first line that is run, from 1.
    pub(super) fn read(path: &Path, from: Option<usize>) -> Result<Self, Trouble> {
        let (config, _) = cfg_file::read(path)?;
        let from = from.unwrap_or(1);
        if !(1..=config.count().max(1)).contains(&from) {
            let message = format!(
                "{} has no line {from}: it ends at line {}",
                path.display(),
                config.count()
            );
            return Err(Trouble::new(Exit::Usage, "no-line", message)
                .hint("name a line of the file with --from LINE"));
        }
        let path = path.to_owned();
        Ok(Self { path, config, from })
    }

    /// The file's name, as it was given.
    pub(super) fn name(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// All of its statements.
    pub(super) fn lines(&self) -> &[Line] {
        self.config.lines()
    }

    /// Whether a line is run, and not only what it defines recalled.
    pub(super) fn runs(&self, line: &Line) -> bool {
        line.number >= self.from
    }

    /// Whether anything is to be done on the node.
    pub(super) fn needs_node(&self) -> bool {
        let is_recalled = |line: &Line| matches!(line.statement, Statement::UsePartition { .. });
        let mut lines = self.lines().iter();
        lines.any(|line| is_recalled(line) || line.statement.needs_node() && self.runs(line))
    }

    /// Whether nothing after this line needs the node.
    pub(super) fn is_last_on_node(&self, line: &Line) -> bool {
        let mut after = self
            .lines()
            .iter()
            .filter(|other| other.number > line.number);
        !after.any(|line| line.statement.needs_node())
    }
}
