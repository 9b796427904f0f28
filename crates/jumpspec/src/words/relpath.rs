//! Paths inside an image or below a root: relative, without `..`, never absolute.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A path below some root: no leading `/`, no empty, `.` or `..` component, no NUL.
///
/// The text is what the manifest and the plan carry; a path that is not UTF-8 can
/// be an archive entry but is never named by a plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

/// A text that cannot name something below a root.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} does not stay below its root")]
pub struct RelPathError(String);

impl RelPath {
    /// The path as text, without a leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as seen from inside its root, with a leading slash.
    pub fn absolute(&self) -> String {
        format!("/{}", self.0)
    }

    /// This path with `component` after it.
    pub fn join(&self, component: &str) -> Result<Self, RelPathError> {
        format!("{}/{component}", self.0).parse()
    }
}

impl FromStr for RelPath {
    type Err = RelPathError;

    /// Takes `etc/passwd` and `/etc/passwd` alike.
    fn from_str(text: &str) -> Result<Self, RelPathError> {
        let path = text.strip_prefix('/').unwrap_or(text);
        let sound = |part: &str| !part.is_empty() && part != "." && part != "..";
        if path.contains('\0') || !path.split('/').all(sound) {
            return Err(RelPathError(text.to_owned()));
        }
        Ok(Self(path.to_owned()))
    }
}

impl TryFrom<String> for RelPath {
    type Error = RelPathError;

    fn try_from(text: String) -> Result<Self, RelPathError> {
        text.parse()
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_leave_the_root() {
        for text in [
            "", "/", "//etc", "..", "a/../b", "a/./b", "a//b", "a\0b", "a/",
        ] {
            assert!(text.parse::<RelPath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn takes_a_leading_slash_as_the_root() {
        let path: RelPath = "/etc/passwd".parse().unwrap();
        assert_eq!(
            (path.as_str(), path.absolute().as_str()),
            ("etc/passwd", "/etc/passwd")
        );
    }
}
