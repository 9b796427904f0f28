//! The one door for programs. A failure carries the command line, its status and the end of what it
//! wrote to stderr. No shell is ever involved.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{chdir, chroot};

mod beside;
mod detached;
mod group;
mod pipes;
mod spoken;

pub use beside::Beside;
use group::End;
pub use pipes::Piped;
use pipes::{drain, feed, grant_grace, tail};
pub use spoken::Spoken;

/// How much of a failed program's stderr an error keeps, in bytes.
const STDERR_KEPT: usize = 2048;
/// How much of its stdout is kept, in bytes: more than any program here says in earnest.
const STDOUT_KEPT: usize = 16 << 20;
/// The limit of a program that is given none.
const LIMIT: Duration = Duration::from_mins(10);
/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);

/// What can go wrong with a program.
#[derive(Debug, thiserror::Error)]
pub enum CmdError {
    /// It could not be started, or (with a root) the chroot failed.
    #[error("cannot start `{command}`")]
    Spawn {
        /// The command line.
        command: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Talking to it over its pipes failed.
    #[error("lost the pipes of `{command}`")]
    Pipe {
        /// The command line.
        command: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ended with a status other than 0.
    #[error("`{command}` failed ({status}): {stderr}")]
    Failed {
        /// The command line.
        command: String,
        /// The exit status or signal.
        status: ExitStatus,
        /// The last 2 KiB of its stderr.
        stderr: String,
    },
    /// It ran longer than allowed and was killed with its process group.
    #[error("`{command}` was killed after {} s: {stderr}", limit.as_secs())]
    TimedOut {
        /// The command line.
        command: String,
        /// The time limit.
        limit: Duration,
        /// The last 2 KiB of its stderr.
        stderr: String,
    },
    /// It ran longer than allowed and cannot even be killed: it hangs in the kernel.
    #[error("`{command}` hangs: it was killed after {} s and does not end", limit.as_secs())]
    Hangs {
        /// The command line.
        command: String,
        /// The time limit.
        limit: Duration,
    },
}

/// What a program wrote, when it ended with status 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its stdout, the last 16 MiB of it.
    pub stdout: Vec<u8>,
}

impl Output {
    /// Stdout as text, with whatever is not UTF-8 replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// A program to run. Unless told otherwise: no stdin, a limit of ten minutes, and an environment of only
/// `PATH=/usr/sbin:/usr/bin:/sbin:/bin` and `LC_ALL=C`.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    inherit_env: bool,
    apart: bool,
    root: Option<PathBuf>,
    stdin: Option<Vec<u8>>,
    timeout: Duration,
}

impl Program {
    /// A program by its path; with [`Program::in_root`] the path inside that root.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
            env: Vec::new(),
            inherit_env: false,
            apart: false,
            root: None,
            stdin: None,
            timeout: LIMIT,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// One more variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Gives it this process's whole environment: for ssh, which needs the admin's agent and home.
    #[must_use]
    pub fn inherit_env(mut self) -> Self {
        self.inherit_env = true;
        self
    }

    /// Runs it in a chroot, at `/`. `None` is no chroot. Needs root.
    #[must_use]
    pub fn in_root(mut self, root: Option<&Path>) -> Self {
        self.root = root.map(Path::to_owned);
        self
    }

    /// Feeds it these bytes. Without this its stdin is /dev/null.
    #[must_use]
    pub fn stdin_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Kills it and its process group after this time ([`Program::run`] only).
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// The command line, as errors show it.
    pub fn command_line(&self) -> String {
        let words = std::iter::once(self.path.as_os_str()).chain(self.args.iter().map(|a| &**a));
        let line = words.map(quoted).collect::<Vec<_>>().join(" ");
        match &self.root {
            Some(root) => format!("chroot {} {line}", root.display()),
            None => line,
        }
    }

    /// Runs it to its end, or to its limit, or until this process dies. Then whatever it has started in its process group is
    /// killed, and pipes that something else still holds are dropped: neither can hold the caller.
    pub fn run(&self) -> Result<Output, CmdError> {
        let mut command = self.command();
        command.stdin(if self.stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        let mut child = self.spawn_leader(command)?;
        let feeder = feed(child.stdin.take(), self.stdin.clone());
        let stdout = drain(child.stdout.take(), STDOUT_KEPT);
        let stderr = drain(child.stderr.take(), STDERR_KEPT);
        let settle = || grant_grace(|| stdout.is_over() && stderr.is_over());
        let end = group::wait(&mut child, self.timeout, settle);
        let (stdout, stderr) = (stdout.end(), stderr.end());
        // A program may end without reading its stdin: a broken pipe is its business.
        drop(feeder.end());
        match end.map_err(|e| self.pipe_error(e))? {
            End::Ended(status) if status.success() => Ok(Output {
                stdout: stdout.map_err(|e| self.pipe_error(e))?,
            }),
            End::Ended(status) => Err(self.failed(status, &tail(&stderr.unwrap_or_default()))),
            End::Killed => Err(self.timed_out(&tail(&stderr.unwrap_or_default()))),
            End::Hangs => Err(self.hangs()),
        }
    }

    /// With [`Program::spawn_piped`], a process group of its own: Ctrl-C does not reach it, and it can not ask
    /// at the terminal.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Starts it with its stdin and stdout at hand; for ssh and other long talks. It stays in the
    /// caller's process group, so that Ctrl-C and password prompts work, unless it is to be apart.
    pub fn spawn_piped(&self) -> Result<Piped, CmdError> {
        let mut command = self.command();
        command.stdin(Stdio::piped());
        if self.apart {
            command.process_group(0);
        }
        let mut child = self.spawn(command)?;
        Ok(Piped {
            command: self.command_line(),
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: Some(drain(child.stderr.take(), STDERR_KEPT)),
            child,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.args);
        if !self.inherit_env {
            command.env_clear();
            command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            command.env("LC_ALL", "C");
        }
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(root) = self.root.clone() {
            let enter = move || {
                chroot(&root)?;
                chdir("/")?;
                Ok(())
            };
            // SAFETY: between fork and exec the closure only makes the two system calls chroot(2)
            // and chdir(2), which are async-signal-safe; nix copies the paths to the stack.
            unsafe { command.pre_exec(enter) };
        }
        command
    }

    fn spawn(&self, mut command: Command) -> Result<Child, CmdError> {
        command.spawn().map_err(|source| CmdError::Spawn {
            command: self.command_line(),
            source,
        })
    }

    /// Starts it as the leader of a process group, which ends with this thread.
    fn spawn_leader(&self, mut command: Command) -> Result<Child, CmdError> {
        command.process_group(0);
        // SAFETY: between fork and exec the closure only makes the system call prctl(2). The thread
        // that it is about is this one, which waits for the program.
        unsafe { command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGKILL)?)) };
        self.spawn(command)
    }

    fn failed(&self, status: ExitStatus, said: &str) -> CmdError {
        CmdError::Failed {
            command: self.command_line(),
            status,
            stderr: said.to_owned(),
        }
    }

    fn timed_out(&self, said: &str) -> CmdError {
        CmdError::TimedOut {
            command: self.command_line(),
            limit: self.timeout,
            stderr: said.to_owned(),
        }
    }

    fn hangs(&self) -> CmdError {
        CmdError::Hangs {
            command: self.command_line(),
            limit: self.timeout,
        }
    }

    fn pipe_error(&self, source: io::Error) -> CmdError {
        CmdError::Pipe {
            command: self.command_line(),
            source,
        }
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
