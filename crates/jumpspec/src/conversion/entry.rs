//! What became of a line.

use serde::Serialize;

/// Which file a line stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The configuration file.
    Config,
    /// The script.
    Script,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "fate", content = "in")]
pub enum Fate {
    /// A comment, or a line with nothing on it.
    Comment,
    /// The job has it, in this table.
    Job(&'static str),
    /// A hook has it: its path below the directory.
    Hook(String),
    /// A command has to be run once, before the first push.
    Command,
    /// It is not needed.
    Dropped,
    /// A person has to say what becomes of it.
    Person,
}

/// A line with what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its file.
    pub file: Origin,
    /// Its number there, from 1.
    pub line: usize,
    /// As it was written, without blanks around it.
    pub text: String,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
    /// Why.
    pub why: String,
    /// What a person should do, or might want to.
    pub cure: Option<String>,
}

impl Entry {
    /// Whether a person is needed.
    pub fn needs_person(&self) -> bool {
        self.fate == Fate::Person
    }
}

/// What became of lines that are not looked at yet, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) fate: Fate,
    pub(super) why: String,
    pub(super) cure: Option<String>,
}

impl Verdict {
    pub(super) fn new(fate: Fate, why: impl Into<String>) -> Self {
        Self {
            fate,
            why: why.into(),
            cure: None,
        }
    }

    /// It is not needed, for this reason.
    pub(super) fn dropped(why: impl Into<String>) -> Self {
        Self::new(Fate::Dropped, why)
    }

    /// A person is needed, for this reason; what to do.
    pub(super) fn person(why: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(Fate::Person, why).with(cure)
    }

    /// The same, with what to do.
    #[must_use]
    pub(super) fn with(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }

    /// The verdict on a line.
    pub(super) fn on(&self, file: Origin, line: usize, text: &str) -> Entry {
        let Self { fate, why, cure } = self.clone();
        Entry {
            file,
            line,
            text: text.trim().to_owned(),
            fate,
            why,
            cure,
        }
    }
}
