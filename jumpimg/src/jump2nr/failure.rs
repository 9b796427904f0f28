//! A line that fails: file, line, what it was, how it ended.

use std::fmt::Display;

use jumpspec::nextrel::Wrong;
use jumpspec::words::shown;
use jumpsys::cmd::CmdError;

use crate::error::{Exit, Trouble};
use crate::node::ssh::SshError;

/// Why a line ended.
pub(super) enum Failure {
    /// It is wrong, or what it wants is refused.
    Wrong(Wrong),
    /// A command ended with this exit status.
    Status(i32),
    /// A command was ended by something else, in these words.
    Ended(String),
    /// The connection.
    Ssh(SshError),
    /// Ctrl-C.
    Interrupted,
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<SshError> for Failure {
    fn from(error: SshError) -> Self {
        match error {
            SshError::Interrupted => Self::Interrupted,
            SshError::Remote { status, .. } => Self::Status(status),
            SshError::Killed { .. } => Self::Ended(error.to_string()),
            error => Self::Ssh(error),
        }
    }
}

impl From<CmdError> for Failure {
    fn from(error: CmdError) -> Self {
        match &error {
            CmdError::Failed { status, .. } => match status.code() {
                Some(code) => Self::Status(code),
                None => Self::Ended(format!("ended by {status}")),
            },
            error => Self::Ended(error.to_string()),
        }
    }
}

impl Failure {
    /// As the admin is told it: `said` is the line with its values.
    pub(super) fn trouble(
        self,
        file: impl Display,
        host: &str,
        line: usize,
        said: &str,
    ) -> Trouble {
        let said = shown::short(said.as_bytes());
        let at = format!("{file}:{line}");
        let failed = |message: String| {
            let hint =
                format!("mend it, and go on with --from {line}; what it has done so far stays");
            Trouble::new(Exit::Failed, "line-failed", message).hint(hint)
        };
        match self {
            Self::Wrong(wrong) => {
                let mut trouble = self::wrong(file, line, wrong);
                trouble.exit = Exit::Failed;
                trouble
            }
            Self::Status(status) => {
                failed(format!("{at}: `{said}` ended with exit status {status}"))
            }
            Self::Ended(how) => failed(format!("{at}: `{said}`: {how}")),
            Self::Ssh(error) => {
                let mut trouble = error.trouble(host);
                for cause in &mut trouble.causes {
                    cause.message = format!("{at}: `{said}`: {}", cause.message);
                }
                trouble
            }
            Self::Interrupted => {
                let message = format!("interrupted at {at}: `{said}`");
                Trouble::new(Exit::Interrupted, "interrupted", message).hint(format!(
                    "what it has begun may go on; go on with --from {line}"
                ))
            }
        }
    }
}

/// What is wrong in a line of a file.
pub(super) fn wrong(file: impl Display, line: usize, wrong: Wrong) -> Trouble {
    let message = format!("{file}:{line}: {}", wrong.reason);
    Trouble::new(Exit::Usage, "cfg-line", message).hint(wrong.cure)
}
