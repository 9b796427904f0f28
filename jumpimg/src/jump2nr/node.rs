//! Commands on the node.

use super::failure::Failure;
use super::teller::Teller;
use crate::node::ssh::{Heard, Input, Session, SshError, quoted};

/// What is printed before a command begins.
const BEGUN: &[u8] = b"begun\n";

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
        let script = format!("echo begun\nexec {shell} -c {} 2>&1", quoted(command));
        let listen = &mut |heard: Heard<'_>| {
            match heard {
                Heard::Line(BEGUN) if !*has_begun => *has_begun = true,
                heard => teller.output(heard),
            }
            true
        };
        self.session.talk(&script, Input::empty(), listen).map(drop)
    }
}
