//! What became of each host, in the end.

use std::path::PathBuf;
use std::time::Instant;

use jumpspec::render::page::{Ink, Page};
use serde_json::{Value, json};

use crate::error::{Exit, Trouble};
use crate::terminal::print;

/// What became of a host.
pub(super) struct Entry {
    host: String,
    /// Where its log is, once there is one.
    pub(super) log: Option<PathBuf>,
    /// The line that it came to, from 1.
    pub(super) line: Option<usize>,
    began: Instant,
    seconds: f64,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotBegun,
    Done,
    Failed,
    Interrupted,
}

impl End {
    fn word(self) -> &'static str {
        match self {
            Self::NotBegun => "not begun",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Entry {
    /// A host whose course begins now, or never.
    pub(super) fn begin(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            log: None,
            line: None,
            began: Instant::now(),
            seconds: 0.0,
            end: End::NotBegun,
        }
    }

    /// The same, when it has ended.
    #[must_use]
    pub(super) fn ended(mut self, ended: &Result<(), Trouble>) -> Self {
        self.seconds = self.began.elapsed().as_secs_f64();
        self.end = match ended {
            Ok(()) => End::Done,
            Err(trouble) if trouble.exit == Exit::Interrupted => End::Interrupted,
            Err(_) => End::Failed,
        };
        self
    }

    fn json(&self) -> Value {
        json!({
            "node": self.host, "end": self.end.word(), "line": self.line, "seconds": self.seconds, "log": self.log,
        })
    }
}

/// Tells it: to people on stderr, as stdout is the commands'; to programs as one object.
pub(super) fn show(entries: &[Entry], json: bool) -> Result<(), Trouble> {
    let mut page = Page::default();
    let width = entries
        .iter()
        .map(|entry| entry.host.len())
        .max()
        .unwrap_or(0);
    for entry in entries {
        let ink = if entry.end == End::Done {
            Ink::Green
        } else {
            Ink::Red
        };
        let at = entry.line.filter(|_| entry.end != End::Done);
        let at = at
            .map(|line| format!(" at line {line}"))
            .unwrap_or_default();
        let log = entry
            .log
            .as_ref()
            .map(|log| format!(", log {}", log.display()));
        let after = format!("{at}, {:.1} s{}", entry.seconds, log.unwrap_or_default());
        page.marked(
            format_args!("{:width$}  ", entry.host),
            ink,
            entry.end.word(),
            after,
        );
    }
    print::tell(&page);
    if json {
        let report: Vec<Value> = entries.iter().map(Entry::json).collect();
        print::json_line(&json!({ "report": report }))?;
    }
    Ok(())
}
