//! What can go wrong with SSH, told apart by ssh's exit status and its own words.

use jumpspec::status::{EXIT_BUSY, EXIT_OTHER_RUN, EXIT_WRONG_STAGE};
use jumpsys::cmd::CmdError;

use crate::trouble::{Exit, Trouble};

/// ssh ends with this when it is ssh that failed, not the command (ssh(1)).
const SSH_FAILED: i32 = 255;

/// What can go wrong.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum SshError {
    /// Nothing answers, or the connection broke.
    #[error("{0}")]
    Unreachable(String),
    /// Something answers with another host key.
    #[error("{0}")]
    HostKey(String),
    /// The login was refused.
    #[error("{0}")]
    Denied(String),
    /// The command on the node failed.
    #[error("{stderr} (exit status {status})")]
    Remote {
        /// Its exit status.
        status: i32,
        /// The end of what it wrote to stderr.
        stderr: String,
    },
    /// The node says more than any answer is long.
    #[error("it says more than {} MiB at once, and no answer is as long", super::talk::ANSWER >> 20)]
    TooMuch,
    /// ssh could not be run.
    #[error("{0}")]
    Local(String),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl SshError {
    /// Nothing answers, because of this.
    pub(crate) fn unreachable(why: impl Into<String>) -> Self {
        Self::Unreachable(why.into())
    }

    /// Whether trying again may help.
    pub(crate) fn is_connection(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    /// As an admin is told it, with what to do.
    pub(crate) fn trouble(&self, node: &str) -> Trouble {
        let message = self.to_string();
        let failed = |code: &str| Trouble::new(Exit::Failed, code, message.clone());
        let refused = |code: &str, why: &str| {
            let why = why.strip_prefix("error: ").unwrap_or(why);
            Trouble::new(Exit::Refused, code, why)
        };
        match self {
            Self::Unreachable(_) => failed("unreachable").hint(format!("see that `ssh {node} true` works from here")),
            Self::HostKey(_) => failed("host-key").hint(format!(
                "log in once by hand (`ssh {node}`) and compare its host key, so that known_hosts has it"
            )),
            Self::Denied(_) => failed("permission-denied").hint(format!(
                "root must be able to log in by key: try `ssh {node} true`; User and IdentityFile in ssh_config count"
            )),
            Self::Remote { status, stderr } => match *status {
                EXIT_OTHER_RUN => refused("jump-in-progress", stderr)
                    .hint(format!("see `jumpimg status {node}`; wait for it, or `jumpimg abort {node}`")),
                EXIT_WRONG_STAGE => refused("wrong-stage", stderr)
                    .hint(format!("see `jumpimg status {node}`")),
                EXIT_BUSY => refused("jump-in-progress", stderr)
                    .hint("somebody else is at work for this very run: wait, and try again"),
                _ => failed("remote-command"),
            },
            Self::TooMuch => failed("answer-too-long").hint(format!(
                "what runs there is not what jump put there: log in (`ssh {node}`) and see"
            )),
            Self::Local(_) => failed("ssh").hint("install OpenSSH's client (Debian: openssh-client)"),
            Self::Interrupted => Trouble::new(Exit::Interrupted, "interrupted", message),
        }
    }
}

impl From<CmdError> for SshError {
    fn from(error: CmdError) -> Self {
        let (status, stderr) = match &error {
            CmdError::Failed { status, stderr, .. } => {
                (status.code().unwrap_or(SSH_FAILED), stderr)
            }
            CmdError::TimedOut { stderr, .. } => (SSH_FAILED, stderr),
            CmdError::Pipe { .. } => return Self::Unreachable("the connection broke".to_owned()),
            CmdError::Spawn { source, .. } => {
                return Self::Local(format!("cannot start ssh: {source}"));
            }
        };
        classify(status, stderr)
    }
}

fn classify(status: i32, stderr: &str) -> SshError {
    let words = last_lines(stderr);
    if status != SSH_FAILED {
        return SshError::Remote {
            status,
            stderr: words,
        };
    }
    if stderr.contains("Host key verification failed")
        || stderr.contains("HOST IDENTIFICATION HAS CHANGED")
    {
        SshError::HostKey(words)
    } else if stderr.contains("Permission denied")
        || stderr.contains("Too many authentication failures")
    {
        SshError::Denied(words)
    } else if words.is_empty() {
        SshError::Unreachable("the connection broke".to_owned())
    } else {
        SshError::Unreachable(words)
    }
}

/// The last two lines that say something: what an error has room for.
fn last_lines(stderr: &str) -> String {
    let lines: Vec<&str> = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(2)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_wrong_host_key_from_a_refused_login_and_from_nobody() {
        let kind = |stderr: &str| classify(255, stderr);
        assert!(matches!(
            kind("No ED25519 host key is known\nHost key verification failed."),
            SshError::HostKey(_)
        ));
        assert!(matches!(
            kind("root@n: Permission denied (publickey)."),
            SshError::Denied(_)
        ));
        assert!(matches!(
            kind("ssh: connect to host n port 22: Connection refused"),
            SshError::Unreachable(_)
        ));
        assert!(matches!(kind(""), SshError::Unreachable(_)));
    }

    #[test]
    fn a_failing_command_is_not_a_failing_connection() {
        let error = classify(1, "one\ntwo\nthree\n");
        assert_eq!(error.to_string(), "two; three (exit status 1)");
        assert!(!error.is_connection());
    }
}
