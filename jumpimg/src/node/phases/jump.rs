//! The reboot of a node that is armed. From there on it goes on unattended.

use jumpspec::run::timeline::Timeline;

use super::run::{Run, interrupted};
use super::stage::Staged;
use crate::error::{Exit, Trouble};
use crate::node::agent::boot_id;
use crate::node::ssh::SshError;

/// A node that was told to reboot into its jump system.
///
/// It goes on unattended, whatever becomes of this value: dropped, nobody follows it, and a
/// rehearsal's old system is not made as it was.
pub(crate) struct Jumped<'a> {
    pub(super) run: Run<'a>,
    pub(super) start: Start,
    pub(super) times: Timeline,
}

/// From where a node is watched.
pub(crate) struct Start {
    /// The boot that is to end.
    pub(crate) boot_id: String,
    /// The byte of the jump system's log from which on events are news.
    pub(crate) offset: u64,
}

impl<'a> Staged<'a> {
    /// Orders the reboot.
    pub(crate) fn jump(self) -> Result<Jumped<'a>, Trouble> {
        let times = self.run.armed_now();
        let before = boot_id(&self.session);
        let ordered = before.and_then(|boot_id| {
            self.agent.reboot(&self.session)?;
            Ok(boot_id)
        });
        let boot_id = ordered.map_err(|error| {
            if self.run.plan.landing.is_volatile() {
                self.not_started(&error)
            } else {
                not_ordered(&self.run, &error)
            }
        })?;
        Ok(Jumped {
            run: self.run,
            start: Start { boot_id, offset: 0 },
            times,
        })
    }

    /// Kexec has not started the rehearsal in memory, as far as is known: what is loaded and staged there
    /// goes again.
    fn not_started(&self, error: &SshError) -> Trouble {
        let run = &self.run;
        let trouble = error.trouble(run.node);
        let agent = &self.agent;
        let back = agent
            .take_back(&self.session, Some(&run.plan.run), &mut |_| ())
            .and_then(|()| agent.remove(&self.session));
        trouble.hint(match back {
            Ok(()) => "nothing was started, and the node is as it was".to_owned(),
            Err(error) => format!(
                "nothing is armed, and a reboot boots its old system; what was staged may be in its memory until `jumpimg abort {}` ({error})",
                run.node
            ),
        })
    }
}

impl<'a> Jumped<'a> {
    /// A node whose jump system gave up, and was told to reboot and to replace anew.
    pub(crate) fn anew(run: Run<'a>, start: Start, times: Timeline) -> Self {
        Self { run, start, times }
    }
}

/// The node is armed, and its reboot may have been ordered.
fn not_ordered(run: &Run<'_>, error: &SshError) -> Trouble {
    let state = format!(
        "it is armed: if its reboot was ordered it goes on unattended, else the arm ends by itself within {}",
        String::from(run.plan.wait.boot)
    );
    let trouble = error.trouble(run.node);
    if trouble.exit == Exit::Interrupted {
        return interrupted(trouble, run.node, &state);
    }
    trouble.hint(format!("{state}; see `jumpimg status {}`", run.node))
}
