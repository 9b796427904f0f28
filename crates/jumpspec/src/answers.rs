//! What a node answers, read: the one door from its words to values.
//!
//! Whoever answers may lie. What comes through here is of its type, and neither longer nor of
//! more parts than an honest answer ever is, so that work that grows with two of its lists ends.
//! How deep it is nested is bounded by serde_json. Whether it is true is for others to ask, who
//! must take every number for one that may be any.

mod bounds;
#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;

use crate::run::event::Event;
use crate::run::report::NodeReport;
use crate::words::run_id::RunId;

pub use bounds::Excess;

/// Bytes of the longest line that can be an event; honest ones have a few hundred.
const LONGEST_EVENT: usize = 64 << 10;

/// What `jumpinit` answers as one JSON object.
pub trait Answer: DeserializeOwned {
    /// Bytes of the longest one that is read.
    const LONGEST: usize;

    /// What it has too much of, if anything.
    fn excess(&self) -> Option<Excess>;
}

/// An answer that is none.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It is no JSON, or not of its type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It has more than any honest one.
    #[error(transparent)]
    Excess(#[from] Excess),
}

/// The answer in what a command printed; a login may print words of its own before it.
///
/// # Errors
/// What is no such answer, or more than one.
pub fn read<A: Answer>(said: &str) -> Result<A, AnswerError> {
    let json = said.find('{').map_or("", |at| &said[at..]);
    bounds::first([("bytes", json.len(), A::LONGEST)]).map_or(Ok(()), Err)?;
    let answer: A = serde_json::from_str(json)?;
    answer
        .excess()
        .map_or(Ok(answer), |excess| Err(excess.into()))
}

/// The report of `run` in what a command printed.
pub fn report(said: &str, run: &RunId) -> Option<NodeReport> {
    let report: NodeReport = read(said).ok()?;
    (report.run == *run).then_some(report)
}

/// The event in a line; what is none is passed over by whoever listens.
pub fn event(line: &[u8]) -> Option<Event> {
    let line = Some(line).filter(|line| line.len() <= LONGEST_EVENT)?;
    serde_json::from_slice(line).ok()
}

/// The events of a log, whatever else is in it.
pub fn events(log: &str) -> Vec<Event> {
    log.lines()
        .filter_map(|line| event(line.as_bytes()))
        .collect()
}

/// A log that is followed: how far it was heard.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    offset: u64,
}

impl Tail {
    /// Of a log of which `offset` bytes were heard.
    pub fn new(offset: u64) -> Self {
        Self { offset }
    }

    /// The byte from which on it is to be heard.
    pub fn offset(self) -> u64 {
        self.offset
    }

    /// Takes a line. One that is cut off is heard again as a whole.
    pub fn line(&mut self, line: &[u8]) -> Option<Event> {
        line.ends_with(b"\n").then(|| self.piece(line))?;
        event(line)
    }

    /// Takes a piece of a line that is too long to be an event.
    pub fn piece(&mut self, piece: &[u8]) {
        self.offset = self.offset.saturating_add(piece.len() as u64);
    }
}
