//! Absolute paths: of directories in a system, or from the top of a file system.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::relpath::RelPath;

/// `/`, or a path from there: no empty, `.` or `..` component, no control character, no `/` at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AbsPath(String);

/// A text that is no absolute path.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not an absolute path; write for example \"/home\"")]
pub struct AbsPathError(String);

impl AbsPath {
    /// The path as text, with a leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `top` or below it.
    pub fn is_within(&self, top: &str) -> bool {
        self.0
            .strip_prefix(top.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Where it is once that, from whose top it counts, is mounted at `mount`.
    #[must_use]
    pub fn mounted_at(&self, mount: &str) -> Self {
        let whole = format!("{}{}", mount.trim_end_matches('/'), self.0);
        match whole.trim_end_matches('/') {
            "" => Self("/".to_owned()),
            whole => Self(whole.to_owned()),
        }
    }
}

impl FromStr for AbsPath {
    type Err = AbsPathError;

    fn from_str(text: &str) -> Result<Self, AbsPathError> {
        let below: Option<Result<RelPath, _>> = match text {
            "/" => None,
            text => Some(text.trim_end_matches('/').parse()),
        };
        let sound = text.starts_with('/') && !text.chars().any(char::is_control);
        match below {
            _ if !sound => Err(AbsPathError(text.to_owned())),
            None => Ok(Self(text.to_owned())),
            Some(Ok(path)) => Ok(Self(path.absolute())),
            Some(Err(_)) => Err(AbsPathError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for AbsPath {
    type Error = AbsPathError;

    fn try_from(text: String) -> Result<Self, AbsPathError> {
        text.parse()
    }
}

impl From<AbsPath> for String {
    fn from(path: AbsPath) -> Self {
        path.0
    }
}

impl fmt::Display for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> AbsPath {
        text.parse().unwrap()
    }

    #[test]
    fn takes_what_is_absolute_and_clean() {
        assert_eq!(path("/").as_str(), "/");
        assert_eq!(path("/home/").as_str(), "/home");
        for text in ["", "home", "//", "/a//b", "/a/../b", "/.", "/a\nb"] {
            assert!(text.parse::<AbsPath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn knows_what_it_lies_in() {
        assert!(path("/home").is_within("/home") && path("/home/ada").is_within("/home"));
        assert!(path("/home").is_within("/") && path("/").is_within("/"));
        assert!(!path("/homes").is_within("/home") && !path("/").is_within("/home"));
    }

    #[test]
    fn is_found_where_it_is_mounted() {
        assert_eq!(path("/").mounted_at("/home"), path("/home"));
        assert_eq!(path("/ada").mounted_at("/home"), path("/home/ada"));
        assert_eq!(path("/srv").mounted_at("/"), path("/srv"));
        assert_eq!(path("/").mounted_at("/"), path("/"));
    }
}
