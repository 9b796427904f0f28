//! The reboot of a node that is armed, and all that comes after it.

use jumpspec::timeline::Timeline;

use super::follow::Start;
use super::run::{Run, interrupted};
use crate::error::{Exit, Trouble};
use crate::node::agent::{Agent, boot_id};
use crate::node::ssh::{Session, SshError};

impl Run<'_> {
    /// Orders the reboot of an armed node and follows it to the end.
    pub(crate) fn jump(&mut self, session: Session, agent: &Agent) -> Result<(), Trouble> {
        let mut times = Timeline::default();
        times.armed(self.begun.elapsed());
        let boot_id = boot_id(&session).map_err(|error| self.not_ordered(&error))?;
        agent
            .reboot(&session)
            .map_err(|error| self.not_ordered(&error))?;
        drop(session);
        self.follow_to_the_end(&Start { boot_id, offset: 0 }, times)
    }

    /// The node is armed, and its reboot may have been ordered.
    fn not_ordered(&self, error: &SshError) -> Trouble {
        let state = format!(
            "it is armed: if its reboot was ordered it goes on unattended, else the arm ends by itself within {}",
            String::from(self.plan.wait.boot)
        );
        let trouble = error.trouble(self.node);
        if trouble.exit == Exit::Interrupted {
            return interrupted(trouble, self.node, &state);
        }
        trouble.hint(format!("{state}; see `jumpimg status {}`", self.node))
    }

    /// Follows a node that reboots, and tells how it ended.
    pub(crate) fn follow_to_the_end(
        &mut self,
        start: &Start,
        mut times: Timeline,
    ) -> Result<(), Trouble> {
        let node = self.node;
        let followed = self.follow(start, &mut times);
        let followed =
            followed.map_err(|trouble| interrupted(trouble, node, "it goes on unattended"))?;
        self.conclude(&followed, &times)
    }
}
