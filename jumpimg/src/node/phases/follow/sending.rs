//! The target image for a jump system that lies in memory: it asks for it when it runs, and again after
//! a power cut took it.

use jumpspec::step::ImageRole;

use super::Following;
use crate::error::Trouble;
use crate::node::agent::Agent;
use crate::node::phases::upload::Upload;
use crate::node::ssh::{Session, SshError};

impl Following<'_, '_> {
    /// Sends the image from byte `offset` on. What breaks on the way is told: the node asks again.
    pub(super) fn send(
        &mut self,
        session: &Session,
        agent: &Agent,
        offset: u64,
    ) -> Result<(), Trouble> {
        let run = self.run;
        let Some(path) = &run.target else {
            self.voice.say(&format!(
                "it waits for the target image: `jumpimg resume --job` sends it to {}",
                run.node
            ));
            return Ok(());
        };
        let upload = Upload::open(path, offset);
        let mut upload = upload.map_err(|error| error.trouble(run.node))?;
        let input = upload.input();
        let total = run.plan.image(ImageRole::Target).size;
        let what = format!("send the {}", ImageRole::Target);
        let voice = &mut *self.voice;
        let sent = agent.send_awaited(session, &run.plan.run, offset, input, &mut || {
            voice.progress(&what, offset.saturating_add(upload.sent()), total);
        });
        voice.clear();
        match sent {
            Ok(()) => Ok(()),
            Err(SshError::Interrupted) => Err(SshError::Interrupted.trouble(run.node)),
            Err(error) => {
                voice.say(&format!(
                    "the target image was not sent to its end: {error}"
                ));
                Ok(())
            }
        }
    }
}
