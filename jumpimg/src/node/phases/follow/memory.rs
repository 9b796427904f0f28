//! The end of a rehearsal in memory: what it has told is read before it is gone, and the old system that
//! comes back is held against what it was.

use jumpspec::node::same;
use jumpspec::run::failure::Failure;
use jumpspec::run::report::RehearsalReport;
use jumpspec::{answers, render};

use super::Following;
use crate::error::{Exit, Trouble};
use crate::node::agent::{Agent, Log};
use crate::node::ssh::{Session, SshError};

impl Following<'_, '_> {
    /// Lets a jump system go that waits until it was heard. A node that does not answer is looked at again,
    /// and goes by itself.
    pub(super) fn release(&mut self, session: &Session, agent: &Agent) -> Result<(), Trouble> {
        let node = self.run.node;
        let log = match agent.log(session, Log::Events) {
            Ok(log) => log,
            Err(error) if error.is_connection() => return Ok(()),
            Err(error) => return Err(error.trouble(node)),
        };
        *self.told = answers::events(&log);
        self.voice.log(&log);
        match agent.turn_back(session, &self.run.plan.run) {
            Err(SshError::Interrupted) => Err(SshError::Interrupted.trouble(node)),
            Err(error) => {
                self.voice
                    .say(&format!("it is not let go, and goes by itself: {error}"));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// The old system answers again: whether it is what it was, and whether the rehearsal `why` failed.
    pub(super) fn returned(
        &mut self,
        session: &Session,
        why: Option<Failure>,
    ) -> Result<RehearsalReport, Trouble> {
        let run = self.run;
        let differences = self.differences(session)?;
        if !differences.is_empty() {
            let told = format!(
                "came back, and is not what it was: {}",
                differences.join("; ")
            );
            return Err(Trouble::new(Exit::Failed, "old-system-changed", told).hint(
                "the rehearsal in memory has written to no partition: log in and see who did",
            ));
        }
        if let Err(error) = run.dir.write_taken_back() {
            self.voice.say(&format!("note: {error:#}"));
        }
        let Some(why) = why else {
            return Ok(RehearsalReport::new(&run.plan, self.told));
        };
        let told = format!("is its old system again: {}", render::coded(&why));
        let trouble = Trouble::new(Exit::Failed, "old-system-again", told).because(why);
        Err(trouble.hint(format!(
            "nothing of it was changed; what was heard is in {}, and more may be on its console",
            run.dir.events_path().display()
        )))
    }

    /// In what it is another system than the one that the run was planned for.
    fn differences(&self, session: &Session) -> Result<Vec<String>, Trouble> {
        let run = self.run;
        let before = run.dir.facts()?;
        let failed = |error: SshError| error.trouble(run.node);
        let agent =
            Agent::upload(session, &run.plan.run, &run.tools.jumpinit, 0).map_err(failed)?;
        let after = agent.bare_facts(session);
        let removed = agent.remove(session).map_err(failed);
        let after = after?;
        removed?;
        Ok(same::differences(&before, &after))
    }
}
