//! On which side of its reboot a node is that was left when it was about to jump.

use super::agree::Agreed;
use super::jump::{Jumped, Start};
use super::set_aside::SetAside;
use crate::error::Trouble;
use crate::node::agent::boot_id;
use crate::node::ssh::{Session, SshError};
use crate::node::tools::Tools;

impl<'a> SetAside<'a> {
    /// Finds out, by `tools`, whether the node has left the boot that it was staged in.
    pub(crate) fn whereabouts(mut self, tools: &'a Tools) -> Result<Whereabouts<'a>, Trouble> {
        self.is_worked_on_by(tools);
        let node = self.run.node;
        let stays = Session::open(&tools.route(node), &tools.interrupt).and_then(|session| {
            let same = boot_id(&session)? == self.run.plan.boot_id;
            Ok(same.then_some(session))
        });
        match stays {
            Ok(Some(session)) => self.with(session).map(Whereabouts::Before),
            Err(SshError::Interrupted) => Err(SshError::Interrupted.trouble(node)),
            // Whoever looks again will see.
            Ok(None) | Err(_) => {
                let start = Start {
                    boot_id: self.run.plan.boot_id.clone(),
                    offset: 0,
                };
                let times = self.run.armed_now();
                Ok(Whereabouts::Behind(Jumped::anew(self.run, start, times)))
            }
        }
    }
}

/// On which side of its reboot a node is.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub(crate) enum Whereabouts<'a> {
    /// Its old system runs, in the boot that it was staged in.
    Before(Agreed<'a>),
    /// Elsewhere, or nowhere yet.
    Behind(Jumped<'a>),
}
