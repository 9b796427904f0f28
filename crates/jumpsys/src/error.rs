//! The error which most modules share: an action, the path it was done to, and the system's answer.

use std::io;
use std::path::{Path, PathBuf};

/// A system call on a path failed. The cause is in `source`, not in the text.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct PathError {
    /// What was tried, as a verb: `open`, `mount`, `read back`.
    pub action: &'static str,
    /// The file, directory or device it was tried on.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl PathError {
    pub(crate) fn new(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self {
            action,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// The error number, if the system gave one.
    pub fn errno(&self) -> Option<i32> {
        self.source.raw_os_error()
    }
}

/// Puts the action and the path to a bare system error.
pub(crate) trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|e| PathError::new(action, path, e))
    }
}
