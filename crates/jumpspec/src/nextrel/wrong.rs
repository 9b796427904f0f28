//! What is wrong, why, and what to do about it.

/// A reason and its cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong, on what.
    pub reason: String,
    /// What to do.
    pub cure: String,
}

impl Wrong {
    /// A reason with its cure.
    pub fn new(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            cure: cure.into(),
        }
    }

    /// The same, in a line.
    pub fn at(self, line: usize) -> LineError {
        LineError { line, wrong: self }
    }
}

/// What is wrong in a line of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub wrong: Wrong,
}
