//! SSH to a node, by the system's OpenSSH, so that the admin's ssh_config, agent, jump
//! hosts and known_hosts count. One master connection a [`Session`]; it ends with it.
//!
//! Nothing here knows what is asked of the node.

mod failure;
mod shell;
mod spoken;
mod talk;

use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use jumpsys::cmd::{Piped, Program};
use tempfile::TempDir;

pub(crate) use failure::{LOGIN_SHELL, SshError};
pub(crate) use spoken::Heard;
pub(crate) use talk::{Input, Lines};

use crate::terminal::interrupt::{Interrupt, TICK};
use shell::{Mark, Prelude};
use talk::Order;

/// For a host that does not answer at all.
const CONNECT_SECONDS: u32 = 10;
/// A vanished node is noticed after three unanswered questions, five seconds apart.
const ALIVE_SECONDS: u32 = 5;
const ALIVE_COUNT: u32 = 3;
/// For connecting and logging in, jump hosts and slow agents included.
const LOGIN_LIMIT: Duration = Duration::from_mins(1);
/// sun_path of unix(7) has 108 bytes; ssh appends 17 while it makes the socket.
const SOCKET_LIMIT: usize = 90;

/// How to reach a node.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// As the admin's ssh knows it.
    pub(crate) host: String,
    /// `ssh -F`.
    pub(crate) config: Option<PathBuf>,
    /// Which host key it must have.
    pub(crate) keys: HostKeys,
    /// Whether Ctrl-C leaves its ssh alone.
    pub(crate) apart: bool,
}

/// Which host key a system must have.
#[derive(Clone, Debug)]
pub(crate) enum HostKeys {
    /// One that the admin's known_hosts has, by the admin's own settings.
    Admins,
    /// The one that was made for this run's jump system.
    Pinned {
        /// The file that has it.
        known_hosts: PathBuf,
        /// The name that it has there.
        alias: String,
    },
}

impl Route {
    /// `ssh` with everything but host and command. What is given here counts before
    /// ssh_config (ssh_config(5): the first value is used).
    fn program(&self, socket: &Path, master: bool) -> Program {
        let mut ssh = Program::new("ssh").inherit_env();
        if self.apart {
            ssh = ssh.apart();
        }
        if let Some(config) = &self.config {
            ssh = ssh.arg("-F").arg(config);
        }
        let mut options = vec![
            "BatchMode=yes".to_owned(),
            format!("ConnectTimeout={CONNECT_SECONDS}"),
            format!("ServerAliveInterval={ALIVE_SECONDS}"),
            format!("ServerAliveCountMax={ALIVE_COUNT}"),
            "LogLevel=ERROR".to_owned(),
            "RemoteCommand=none".to_owned(),
            "ClearAllForwardings=yes".to_owned(),
            "ForwardAgent=no".to_owned(),
            "ForwardX11=no".to_owned(),
            "ControlPersist=no".to_owned(),
            format!("ControlMaster={}", if master { "yes" } else { "no" }),
            format!("ControlPath={}", socket.display()),
        ];
        if !master {
            // Where the master is gone ssh would connect anew, to whichever system answers now.
            options.push("ProxyCommand=false".to_owned());
        }
        if let HostKeys::Pinned { known_hosts, alias } = &self.keys {
            // Percent signs would be expanded (TOKENS in ssh_config(5)).
            let file = known_hosts.display().to_string().replace('%', "%%");
            options.extend([
                format!("UserKnownHostsFile=\"{file}\""),
                "GlobalKnownHostsFile=/dev/null".to_owned(),
                "StrictHostKeyChecking=yes".to_owned(),
                "UpdateHostKeys=no".to_owned(),
                "VerifyHostKeyDNS=no".to_owned(),
                "CheckHostIP=no".to_owned(),
                format!("HostKeyAlias={alias}"),
            ]);
        }
        for option in options {
            ssh = ssh.arg("-o").arg(option);
        }
        ssh.args(["-T", "--"]).arg(&self.host)
    }
}

/// A connection to a node, open until it is dropped.
///
/// The master runs `cat` on the node, which ends when this program does, however it
/// does: no connection is left behind.
#[derive(Debug)]
pub(crate) struct Session {
    route: Route,
    interrupt: Interrupt,
    mark: Mark,
    _master: Piped,
    socket: PathBuf,
    // Dropped last: the socket is in it.
    _dir: TempDir,
}

impl Session {
    /// Connects and logs in.
    pub(crate) fn open(route: &Route, interrupt: &Interrupt) -> Result<Self, SshError> {
        let dir = private_dir()?;
        let socket = dir.path().join("s");
        let mark = Mark::new()?;
        let command = mark.command("exec cat >/dev/null");
        let mut master = route.program(&socket, true).arg(command).spawn_piped()?;
        let lines = Lines::of(master.stdout.take());
        let mut prelude = Prelude::of(&mark);
        let limit = Instant::now() + LOGIN_LIMIT;
        while !prelude.is_over() {
            match lines.next(TICK) {
                Ok(spoken) => {
                    prelude.has(&spoken)?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(prelude.unspoken(master.finish()));
                }
            }
            if interrupt.caught() {
                return Err(SshError::Interrupted);
            }
            if Instant::now() > limit {
                // ssh makes it once it is let in.
                return Err(if socket.exists() {
                    prelude.silent()
                } else {
                    SshError::unreachable("logging in took more than a minute")
                });
            }
        }
        Ok(Self {
            route: route.clone(),
            interrupt: interrupt.clone(),
            mark,
            _master: master,
            socket,
            _dir: dir,
        })
    }

    /// The node's name, as ssh was given it.
    pub(crate) fn host(&self) -> &str {
        &self.route.host
    }

    /// Runs a shell script on the node to its end and gives what it printed.
    pub(crate) fn run(&self, script: &str, limit: Duration) -> Result<String, SshError> {
        self.run_with(script, Input::empty(), limit)
    }

    /// The same, fed with `input`.
    pub(crate) fn run_with(
        &self,
        script: &str,
        input: Input,
        limit: Duration,
    ) -> Result<String, SshError> {
        let mut said = Vec::new();
        let end = Instant::now() + limit;
        let finished = self.talk(script, input, &mut |heard| {
            if let Heard::Line(bytes) | Heard::Piece(bytes) = heard {
                said.extend_from_slice(bytes);
            }
            Instant::now() < end
        })?;
        if !finished {
            return Err(SshError::unreachable(format!(
                "no answer within {} s",
                limit.as_secs()
            )));
        }
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs a shell script on the node, telling `listen` every line and, between them, that time
    /// passes. When `listen` gives `false` the script is left alone; whether it came to its end.
    pub(crate) fn talk(
        &self,
        script: &str,
        input: Input,
        listen: &mut dyn FnMut(Heard<'_>) -> bool,
    ) -> Result<bool, SshError> {
        let ssh = self.route.program(&self.socket, false);
        let order = Order {
            ssh: ssh.arg(self.mark.command(script)),
            mark: &self.mark,
            input,
        };
        talk::talk(order, &self.interrupt, listen)
    }
}

/// A directory for the control socket, near enough for its path to fit.
fn private_dir() -> Result<TempDir, SshError> {
    let named = |parent: &Path| tempfile::Builder::new().prefix("jump-").tempdir_in(parent);
    let wished = std::env::temp_dir();
    let fits = wished.as_os_str().len() + "/jump-XXXXXX/s".len() < SOCKET_LIMIT;
    let parent = if fits {
        wished.as_path()
    } else {
        Path::new("/tmp")
    };
    named(parent).map_err(|error| {
        SshError::Local(format!(
            "cannot make a directory in {}: {error}",
            parent.display()
        ))
    })
}

/// `word` for a POSIX shell.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_survive_the_shell() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_pinned_route_ignores_the_admins_known_hosts() {
        let keys = HostKeys::Pinned {
            known_hosts: "/x/100%".into(),
            alias: "jump-1".to_owned(),
        };
        let route = Route {
            host: "node07".to_owned(),
            config: Some("c".into()),
            keys,
            apart: false,
        };
        let line = route.program(Path::new("/tmp/s"), true).command_line();
        assert!(line.starts_with("ssh -F c -o BatchMode=yes"), "{line}");
        for option in [
            "UserKnownHostsFile=\"/x/100%%\"",
            "StrictHostKeyChecking=yes",
            "HostKeyAlias=jump-1",
        ] {
            assert!(line.contains(option), "{line}");
        }
        assert!(line.ends_with("-T -- node07"), "{line}");
    }
}
