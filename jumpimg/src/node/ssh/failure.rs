//! What can go wrong with SSH, told apart by ssh's exit status and its own words.

use std::time::Duration;

use jumpspec::run::exit::NodeExit;
use jumpsys::cmd::CmdError;
use jumpsys::kernel::process::Signal;

use crate::error::{Exit, Trouble};

/// ssh ends with this when it is ssh that failed, not the command (ssh(1)).
const SSH_FAILED: i32 = 255;

/// A shell tells of a signal that ended its command as 128 and its number (POSIX, "Exit Status for
/// Commands"), of which there are 64.
const BY_SIGNAL: std::ops::RangeInclusive<i32> = 129..=192;

/// What to do about a login shell that runs nothing.
pub(crate) const LOGIN_SHELL: &str = "`ssh HOST echo ok` must print ok and end: see whether the account's shell is nologin, whether its start-up files (~/.bashrc, ~/.cshrc) say `exit` or begin another shell, and whether its key has a forced command (command= in authorized_keys)";

/// What became of a login shell that did not run what it was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It ended with this status.
    Ended(i32),
    /// It prints without an end.
    Endless,
    /// It does something else.
    Silent,
}

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
    /// A signal ended the command on the node. Doing it again may end the node.
    #[error("{}", killed(*signal, stderr))]
    Killed {
        /// Its number.
        signal: i32,
        /// The end of what it wrote to stderr.
        stderr: String,
    },
    /// The login was let in, and its shell did not run what it was told to.
    #[error("{}", unheeded(*fate, said))]
    LoginShell {
        /// What it did instead.
        fate: Fate,
        /// What it said, as it can be shown.
        said: String,
    },
    /// Nothing new comes of what was ordered.
    #[error("nothing has come of it for {} min", .0.as_secs() / 60)]
    NoProgress(Duration),
    /// The node says more than any answer is long.
    #[error("it says more than {} MiB at once, and no answer is as long", super::spoken::ANSWER >> 20)]
    TooMuch,
    /// There is no ssh that could be run.
    #[error("{0}")]
    NoClient(String),
    /// Something failed on this host.
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

    /// Whether trying again may help: a shell that does nothing may do so for the node's load.
    pub(crate) fn is_connection(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::LoginShell {
                    fate: Fate::Silent,
                    ..
                }
        )
    }

    /// How what runs on a node for us has ended, if that is how it ends.
    pub(crate) fn exit(&self) -> Option<NodeExit> {
        match self {
            Self::Remote { status, .. } => NodeExit::of(*status),
            _ => None,
        }
    }

    /// Whether this may be how a node goes down that was asked to: the connection breaks, or init
    /// ends what is left of the login.
    pub(crate) fn is_going_down(&self) -> bool {
        let by_init = [Signal::SIGTERM, Signal::SIGHUP].map(|signal| signal as i32);
        self.is_connection()
            || matches!(self, Self::Killed { signal, .. } if by_init.contains(signal))
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
            Self::Remote { status, stderr } => match NodeExit::of(*status) {
                Some(NodeExit::OtherRun) => refused("jump-in-progress", stderr)
                    .hint(format!("see `jumpimg status {node}`; wait for it, or `jumpimg abort {node}`")),
                Some(NodeExit::NoRun) => refused("no-run", stderr)
                    .hint(format!("see `jumpimg status {node}`")),
                Some(NodeExit::WrongStage) => refused("wrong-stage", stderr)
                    .hint(format!("see `jumpimg status {node}`")),
                Some(NodeExit::Gone) => Trouble::new(Exit::Failed, "work-directory-gone", stderr.as_str())
                    .hint(format!("nothing arms itself: see `jumpimg status {node}`, then begin anew with `jumpimg push`, or give back what it has borrowed with `jumpimg abort {node}`")),
                Some(NodeExit::NoPlace) => refused("no-work-directory", stderr)
                    .hint("make room in one of them, or mount one so that programs may run there (mount -o remount,exec)"),
                Some(NodeExit::Busy) => refused("jump-in-progress", stderr)
                    .hint("somebody else is at work for this very run: wait, and try again"),
                _ => failed("remote-command"),
            },
            Self::LoginShell { .. } => failed("login-shell").hint(LOGIN_SHELL),
            Self::NoProgress(_) => failed("no-progress").hint(format!(
                "what was ordered may still be at work there; nothing arms itself: see `jumpimg status {node}`"
            )),
            Self::TooMuch => failed("answer-too-long").hint(format!(
                "what runs there is not what jump put there: log in (`ssh {node}`) and see"
            )),
            Self::Killed { signal, .. } => {
                let hint = if *signal == Signal::SIGKILL as i32 {
                    format!("memory may have run out there: see `ssh {node} dmesg`, and stop what takes it before you try again")
                } else {
                    format!("see the node's log (`ssh {node} dmesg`) before you try again")
                };
                failed("remote-killed").hint(hint)
            }
            Self::NoClient(_) => failed("ssh").hint("install OpenSSH's client (Debian: openssh-client)"),
            Self::Local(_) => failed("local"),
            Self::Interrupted => Trouble::new(Exit::Interrupted, "interrupted", message),
        }
    }
}

impl From<CmdError> for SshError {
    fn from(error: CmdError) -> Self {
        let (status, stderr) = match &error {
            CmdError::Failed { status, stderr, .. } => match status.code() {
                Some(code) => (code, stderr),
                None => return Self::Local(format!("ssh was ended on this host ({status})")),
            },
            CmdError::TimedOut { stderr, .. } => (SSH_FAILED, stderr),
            CmdError::Hangs { .. } => return Self::Unreachable(error.to_string()),
            CmdError::Pipe { .. } => return Self::Unreachable("the connection broke".to_owned()),
            CmdError::Spawn { source, .. } => {
                return Self::NoClient(format!("cannot start ssh: {source}"));
            }
        };
        classify(status, stderr)
    }
}

fn classify(status: i32, stderr: &str) -> SshError {
    let words = last_lines(stderr);
    if BY_SIGNAL.contains(&status) {
        return SshError::Killed {
            signal: status - 128,
            stderr: words,
        };
    }
    if status != SSH_FAILED {
        return SshError::Remote {
            status,
            stderr: words,
        };
    }
    let mut phrases = PHRASES.into_iter();
    let said = phrases.find(|(phrase, _)| stderr.contains(phrase));
    match said {
        Some((_, Refused::HostKey)) => SshError::HostKey(words),
        Some((_, Refused::Login)) => SshError::Denied(words),
        None if words.is_empty() => SshError::Unreachable("the connection broke".to_owned()),
        None => SshError::Unreachable(words),
    }
}

/// What ssh refuses, or is refused.
#[derive(Clone, Copy)]
enum Refused {
    HostKey,
    Login,
}

/// OpenSSH has no other wire for why it ends with [`SSH_FAILED`] than what it says: sshconnect.c
/// (`Host key verification failed.`, `warn_changed_key`), sshconnect2.c (`userauth`), and of the
/// server auth.c (`auth_maxtries_exceeded`). Nothing else here goes by words.
const PHRASES: [(&str, Refused); 4] = [
    ("Host key verification failed", Refused::HostKey),
    ("HOST IDENTIFICATION HAS CHANGED", Refused::HostKey),
    ("Permission denied", Refused::Login),
    ("Too many authentication failures", Refused::Login),
];

fn killed(signal: i32, stderr: &str) -> String {
    let name = Signal::try_from(signal).map_or_else(
        |_| format!("signal {signal}"),
        |signal| signal.as_str().to_owned(),
    );
    let words = if stderr.is_empty() { "" } else { ": " };
    format!("{name} has ended what was at work on the node{words}{stderr}")
}

fn unheeded(fate: Fate, said: &str) -> String {
    let did = match fate {
        Fate::Ended(status) => {
            format!("has ended (exit status {status}) and not run what it was told to")
        }
        Fate::Endless => "prints without an end and does not run what it was told to".to_owned(),
        Fate::Silent => "has not run what it was told to within a minute".to_owned(),
    };
    let words = if said.is_empty() { "" } else { "; it said: " };
    format!("the login shell {did}{words}{said}")
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
    fn a_command_that_a_signal_ended_is_no_broken_connection_and_no_ordinary_failure() {
        let error = classify(137, "Killed\n");
        assert!(
            matches!(error, SshError::Killed { signal: 9, .. }),
            "{error:?}"
        );
        assert!(!error.is_connection() && !error.is_going_down());
        assert_eq!(
            error.to_string(),
            "SIGKILL has ended what was at work on the node: Killed"
        );
        let trouble = error.trouble("n");
        assert_eq!(trouble.causes[0].code, "remote-killed");
        // init ends a login by these.
        assert!(classify(143, "").is_going_down() && classify(129, "").is_going_down());
        assert!(matches!(classify(128, ""), SshError::Remote { .. }));
    }

    #[test]
    fn a_node_without_a_place_for_programs_is_refused_with_all_reasons() {
        let why = "no place for jump's programs: /run: programs may not run there (noexec)";
        let trouble = classify(NodeExit::NoPlace.status().into(), why).trouble("n");
        assert_eq!(trouble.exit, Exit::Refused);
        assert_eq!(trouble.causes[0].code, "no-work-directory");
        assert_eq!(trouble.causes[0].message, why);
    }

    #[test]
    fn a_failing_command_is_not_a_failing_connection() {
        let error = classify(1, "one\ntwo\nthree\n");
        assert_eq!(error.to_string(), "two; three (exit status 1)");
        assert!(!error.is_connection());
    }
}
