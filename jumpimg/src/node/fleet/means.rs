//! What conducting a fleet takes.

use std::path::Path;
use std::sync::Mutex;

use jumpspec::fleet::What;
use jumpspec::words::run_id::RunId;

use super::dir::{FleetDir, Journal};
use super::member::Hands;
use crate::error::{Exit, Trouble};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::screen::Screen;

/// What conducting takes, for all of its time.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) nodes: &'a [String],
    pub(super) hands: Hands<'a>,
    pub(super) dir: &'a FleetDir,
    /// Its id.
    pub(super) run: &'a RunId,
    /// Where Prometheus hears of it.
    pub(super) metrics: Option<&'a Path>,
    pub(super) journal: &'a Mutex<Journal>,
    pub(super) screen: &'a Screen,
    pub(super) interrupt: &'a Interrupt,
    pub(super) json: bool,
    /// Whether each node is heard.
    pub(super) aloud: bool,
}

impl Means<'_> {
    /// Writes down what has happened; `keep`: it is on the disk before anything follows from it.
    pub(super) fn note(&self, what: What, keep: bool) -> Result<(), Trouble> {
        let mut journal = self.journal.lock().map_err(|_| broken())?;
        let noted = if keep {
            journal.keep(what)
        } else {
            journal.note(what)
        };
        noted.map_err(|error| Trouble::failed("fleet-journal", &error))
    }
}

fn broken() -> Trouble {
    Trouble::new(
        Exit::Failed,
        "fleet-journal",
        "the journal's writer is gone",
    )
}
