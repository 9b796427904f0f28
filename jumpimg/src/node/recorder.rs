//! Records a run: every event in its log on this host, each once.

use anyhow::Result;
use jumpspec::run::event::Event;

use crate::node::heard::{Heard, News};
use crate::node::run_dir::EventLog;

/// The recorder of one node.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    log: Option<EventLog>,
    heard: Heard,
}

/// Where an event was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// As it happened.
    Live,
    /// In the node's log, where it ends at this byte.
    Log(u64),
}

impl Recorder {
    /// From here on what is recorded is kept in `log`.
    pub(crate) fn keep(&mut self, log: EventLog) {
        self.log = Some(log);
    }

    /// Whether an event is to be told.
    pub(crate) fn hear(&mut self, event: &Event, place: Place) -> News {
        match place {
            Place::Live => self.heard.live(event),
            Place::Log(end) => self.heard.logged(event, end),
        }
    }

    /// What was heard so far.
    pub(crate) fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Keeps a line. After a failure, nothing more is kept.
    pub(crate) fn record(&mut self, line: &str) -> Result<()> {
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        log.append(line).inspect_err(|_| self.log = None)
    }
}
