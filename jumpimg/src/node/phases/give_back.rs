//! What was staged by a command that has died is given back, so that the node can be looked at anew.

use std::time::Duration;

use jumpspec::run::exit::NodeExit;

use super::set_aside::SetAside;
use crate::error::Trouble;
use crate::node::agent::Agent;
use crate::node::ssh::{Session, SshError};
use crate::node::tell::Voice;

/// How often a node is asked on which what the dead command has begun is still at work, and the pause.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);

impl SetAside<'_> {
    /// Makes the node as it was before its run, of which there may be nothing at all.
    pub(crate) fn give_back(self, voice: &mut Voice) -> Result<(), Trouble> {
        let given = self.given_back(voice);
        given.map_err(|error| error.trouble(self.run.node))
    }

    fn given_back(&self, voice: &mut Voice) -> Result<(), SshError> {
        let (run, tools) = (&self.run, self.run.tools);
        let session = Session::open(&tools.route(run.node), &tools.interrupt)?;
        let agent = Agent::upload(&session, &run.plan.run, &tools.jumpinit, 0)?;
        agent.hand_over_plan(&session, &run.plan)?;
        for tried in 1.. {
            let on = &mut |event| voice.event(&event);
            match agent.take_back(&session, Some(&run.plan.run), on) {
                Err(error) if error.exit() == Some(NodeExit::NoRun) => break,
                Err(error) if error.exit() == Some(NodeExit::Busy) && tried < TRIES => {}
                taken => {
                    taken?;
                    break;
                }
            }
            if tools.interrupt.sleep(PAUSE) {
                return Err(SshError::Interrupted);
            }
        }
        agent.remove(&session)?;
        if let Err(error) = run.dir.write_taken_back() {
            voice.say(&format!("note: {error:#}"));
        }
        Ok(())
    }
}
