//! The configuration language of `jump2nr.pl` (Terry Gliedt, University of Michigan, 2009), as its own
//! documentation describes it: text in, statements with line numbers out. `docs/jump2nr.md` has the
//! whole grammar and what differs.
//!
//! A file has no branches, so all that can be wrong with its text is known before its first line runs:
//! statements that are none, variables that no line above defines. Nothing here runs anything; texts
//! stay as they were written ([`Text`]), beside what [`Variables`] make of them.

mod device;
mod grammar;
mod landing;
mod look;
mod reboot;
mod request;
mod statement;
mod text;
mod variables;
mod wrong;

use std::collections::BTreeSet;

pub use device::DiskPartition;
pub use landing::{Landing, MARK};
pub use look::Look;
pub use reboot::may_end_the_connection;
pub use request::{Request, Wanted};
pub use statement::{Line, Statement};
pub use text::{Piece, Text};
pub use variables::{HOST, JUMP_SETS, LOG_FILE, Variables, without_quotes};
pub use wrong::{LineError, Wrong};

/// Bytes of the longest file that is read. The sample has 3 KiB.
pub const FILE: usize = 1 << 20;
/// Bytes of the longest line, and of the longest text that a line or a value may grow to. A command
/// goes to ssh as one argument, in which a byte can take five; Linux takes arguments of 128 KiB
/// (MAX_ARG_STRLEN, execve(2)).
pub const TEXT: usize = 16 << 10;
/// Errors at most that are told of one file.
const ERRORS: usize = 20;

/// A configuration file, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    lines: Vec<Line>,
    /// Lines of the whole file.
    count: usize,
}

impl Config {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// Every line that is wrong, 20 at most; at least one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<LineError>> {
        if bytes.len() > FILE {
            let wrong = Wrong::new(
                format!("the file is longer than {} KiB", FILE >> 10),
                "name a configuration file of jump2nr, not an archive or a log",
            );
            return Err(vec![wrong.at(1)]);
        }
        let mut reading = Reading::default();
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            reading.line(number, line);
            if reading.errors.len() == ERRORS {
                break;
            }
        }
        if !reading.errors.is_empty() {
            return Err(reading.errors);
        }
        let count = bytes.split_inclusive(|byte| *byte == b'\n').count();
        Ok(Self {
            lines: reading.lines,
            count,
        })
    }

    /// Its statements, in order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// How many lines the file has, comments and blank ones too.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// A file that is being read.
struct Reading {
    lines: Vec<Line>,
    errors: Vec<LineError>,
    defined: BTreeSet<String>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            errors: Vec::new(),
            defined: [HOST, LOG_FILE].map(str::to_owned).into(),
        }
    }
}

impl Reading {
    fn line(&mut self, number: usize, bytes: &[u8]) {
        match grammar::statement(bytes) {
            Ok(None) => {}
            Ok(Some((raw, statement))) => {
                for wrong in self.undefined(&statement) {
                    self.errors.push(wrong.at(number));
                }
                self.define(&statement);
                self.lines.push(Line {
                    number,
                    raw,
                    statement,
                });
            }
            Err(wrong) => self.errors.push(wrong.at(number)),
        }
    }

    /// What a statement uses that nothing above it defines.
    fn undefined(&self, statement: &Statement) -> Vec<Wrong> {
        let names: BTreeSet<&str> = statement
            .texts()
            .into_iter()
            .flat_map(Text::names)
            .collect();
        let unknown = names
            .into_iter()
            .filter(|name| !self.defined.contains(*name));
        unknown.map(variables::undefined).take(1).collect()
    }

    fn define(&mut self, statement: &Statement) {
        match statement {
            Statement::Set { name, .. } | Statement::SetFromCommand { name, .. } => {
                self.defined.insert(name.clone());
            }
            Statement::UsePartition { .. } => {
                self.defined.extend(JUMP_SETS.map(str::to_owned));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
