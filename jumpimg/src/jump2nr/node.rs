//! Commands on the node.

use std::io::Write as _;

use super::failure::Failure;
use super::teller::Teller;
use crate::node::ssh::{Heard, Input, Session, SshError, quoted};

/// What is printed before a command begins.
const BEGUN: &[u8] = b"begun\n";
/// What it waits for: a command that takes the node down shall not come before the word that it begins.
const GO: &[u8] = b"go\n";

/// A node that is logged in to.
pub(super) struct Node {
    pub(super) session: Session,
}

/// How a command on the node ended that may have ended the node.
pub(super) enum End {
    /// With status 0.
    Well,
    /// The connection, or the login, ended while it ran.
    WithTheConnection,
}

impl Node {
    /// Runs a command as `ssh HOST cmd` does, by root's own shell; `may_go_down`: it is a reboot.
    pub(super) fn command(
        &self,
        command: &str,
        may_go_down: bool,
        teller: &mut Teller<'_>,
    ) -> Result<End, Failure> {
        let mut has_begun = false;
        let shell = "\"${SHELL:-/bin/sh}\"";
        match self.talk(shell, command, &mut has_begun, teller) {
            Ok(()) => Ok(End::Well),
            Err(error) if may_go_down && has_begun && error.is_going_down() => {
                Ok(End::WithTheConnection)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Runs a script of our own.
    pub(super) fn script(&self, script: &str, teller: &mut Teller<'_>) -> Result<(), Failure> {
        Ok(self.talk("/bin/sh", script, &mut false, teller)?)
    }

    fn talk(
        &self,
        shell: &str,
        command: &str,
        has_begun: &mut bool,
        teller: &mut Teller<'_>,
    ) -> Result<(), SshError> {
        let script = format!(
            "echo begun\nread -r go || exit\nexec {shell} -c {} 2>&1",
            quoted(command)
        );
        let (told, tell) = std::io::pipe()
            .map_err(|error| SshError::unreachable(format!("cannot make a pipe: {error}")))?;
        let mut tell = Some(tell);
        let listen = &mut |heard: Heard<'_>| {
            match heard {
                Heard::Line(BEGUN) if !*has_begun => {
                    *has_begun = true;
                    // Dropped, its end is what the command reads. A node that is gone tells so itself.
                    tell.take().map(|mut tell| tell.write_all(GO));
                }
                heard => teller.output(heard),
            }
            true
        };
        let input = Input::reader(told);
        self.session.talk(&script, input, listen).map(drop)
    }
}
