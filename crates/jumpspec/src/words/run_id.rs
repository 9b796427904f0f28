//! A run's id. It becomes part of paths and command lines on both hosts, and a node says it, so
//! it is nothing but 16 hex digits wherever it is read.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// 16 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that is no run's id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{:?} is not a run's id (16 hex digits)", crate::words::shown::short(.0.as_bytes()))]
pub struct RunIdError(String);

impl RunId {
    /// The id with these 64 bits.
    pub fn new(bits: u64) -> Self {
        Self(format!("{bits:016x}"))
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let sound = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 16 && text.as_bytes().iter().all(sound) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RunIdError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;

    fn try_from(text: String) -> Result<Self, RunIdError> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.0
    }
}

impl Deref for RunId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for RunId {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for RunId {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::RunId;

    #[test]
    fn what_leaves_a_directory_or_a_word_is_no_run() {
        let long = "0".repeat(17);
        for text in [
            "",
            "aa",
            "../../../root/.ssh",
            "00112233aabbcc/d",
            "00112233aabbccd\n",
            "00112233AABBCCDD",
            "00112233aabbcc'd",
            &long,
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text:?}");
            let json = serde_json::to_string(text).unwrap();
            assert!(serde_json::from_str::<RunId>(&json).is_err(), "{text:?}");
        }
        assert_eq!(
            RunId::new(0x0011_2233_aabb_ccdd).to_string(),
            "00112233aabbccdd"
        );
    }
}
