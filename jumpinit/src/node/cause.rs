//! Causes of failures that no type below tells apart: each is said together with its code.

use jumpspec::run::failure::Code;

/// Why something failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Cause {
    /// What scripts count.
    pub(crate) code: Code,
    message: String,
}

impl Cause {
    /// A cause in words, with its code.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
