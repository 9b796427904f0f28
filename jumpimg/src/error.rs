//! Why a command or a node did not get where it should: printed once, each cause in two
//! lines at most, with an exit code for scripts.

use std::process::ExitCode;

use jumpspec::planner::refusal::Refusal;
use jumpspec::run::failure::Failure;
use serde::Serialize;

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed.
    Failed,
    /// The command line or a file that it names is wrong.
    Usage,
    /// A check refused; nothing was changed.
    Refused,
    /// Some of several nodes did not finish.
    SomeNodes,
    /// The admin pressed Ctrl-C.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
            Exit::SomeNodes => 4,
            // 128 + SIGINT, as shells have it.
            Exit::Interrupted => 130,
        })
    }
}

/// One cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    /// A stable code, in kebab case.
    pub(crate) code: String,
    /// What failed, on what and why.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// What the node has told of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
}

/// All causes, with the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) exit: Exit,
    pub(crate) causes: Vec<Cause>,
}

impl Trouble {
    /// Trouble with one cause and no hint.
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        let cause = Cause {
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            failure: None,
        };
        Self {
            exit,
            causes: vec![cause],
        }
    }

    /// Trouble that was told already, node by node: only its exit code is left.
    pub(crate) fn told(exit: Exit) -> Self {
        Self {
            exit,
            causes: Vec::new(),
        }
    }

    /// Something failed, for these reasons, outermost first.
    pub(crate) fn failed(code: &str, error: &anyhow::Error) -> Self {
        Self::new(Exit::Failed, code, format!("{error:#}"))
    }

    /// The same, with what the node has told of it.
    #[must_use]
    pub(crate) fn because(mut self, failure: Failure) -> Self {
        if let Some(cause) = self.causes.last_mut() {
            cause.failure = Some(failure);
        }
        self
    }

    /// The same, with a hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(cause) = self.causes.last_mut() {
            cause.hint = Some(hint.into());
        }
        self
    }
}

impl From<Vec<Refusal>> for Trouble {
    fn from(refusals: Vec<Refusal>) -> Self {
        let cause = |refusal: Refusal| Cause {
            code: refusal.code.to_string(),
            message: refusal.message,
            hint: Some(refusal.hint),
            failure: None,
        };
        Self {
            exit: Exit::Refused,
            causes: refusals.into_iter().map(cause).collect(),
        }
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::failed("failed", &error)
    }
}
