//! A jump system that lies in memory and waits for its image, which a power cut took: it is sent again.

use std::time::Instant;

use jumpspec::run::status::Status;
use jumpspec::run::task::StepId;
use jumpspec::step::ImageRole;

use super::{Resume, take_over};
use crate::error::{Exit, Trouble};
use crate::node::agent::{Agent, read_events};
use crate::node::phases::jump::{Jumped, Start};
use crate::node::phases::run::Run;
use crate::node::run_dir::RunDir;
use crate::node::ssh::Session;
use crate::node::tell::Voice;
use jumpspec::run::status::Kept;

/// Whether it waits for its image.
pub(super) fn is_awaiting(status: &Status) -> bool {
    let step = status.step.as_ref();
    step.is_some_and(|step| step.task.step == StepId::AwaitImage)
}

impl Resume<'_> {
    /// Goes on with a run whose jump system lies in memory. One that gave up begins anew by a reboot, and
    /// asks for its image then.
    pub(super) fn in_memory(
        self,
        session: Session,
        agent: &Agent,
        (status, kept): (&Status, Kept),
        voice: &mut Voice,
    ) -> Result<(), Trouble> {
        let target = self.target(&kept)?;
        let ours = take_over::ours(&self.tools.state, self.node, &kept.plan.run)?;
        let mark = ours.as_ref().and_then(RunDir::mark);
        take_over::refuse_without_mark(&kept.plan, mark.as_ref())?;
        if self.args.dry_run {
            return Ok(());
        }
        let dir = self.directory(ours, &kept, status)?;
        voice.keep(dir.events()?);
        let run = Run {
            tools: self.tools,
            node: self.node,
            plan: kept.plan,
            dir,
            begun: Instant::now(),
            mark,
            target: Some(target),
        };
        let told = read_events(&session).map_err(|error| error.trouble(self.node))?;
        voice.known(&told);
        let times = run.armed_now();
        let boot_id = if status.gave_up {
            agent
                .resume(&session, &run.plan.run, &mut |event| voice.event(&event))
                .map_err(|error| error.trouble(self.node))?;
            status.boot_id.clone()
        } else {
            // No boot is to end.
            String::new()
        };
        drop(session);
        let offset = told.len() as u64;
        let start = Start { boot_id, offset };
        Jumped::anew(run, start, times).follow(voice)?.report(voice)
    }

    /// The target image of the job, which has to be the run's.
    fn target(self, kept: &Kept) -> Result<std::path::PathBuf, Trouble> {
        let run = &kept.plan.run;
        let Some(supplies) = self.supplies else {
            let why = format!(
                "the jump system of run {run} lies in memory, and waits for the target image"
            );
            return Err(
                Trouble::new(Exit::Refused, "needs-job", why).hint("name the run's job with --job")
            );
        };
        if supplies.images.target.digest != kept.plan.images.target.digest {
            let why = format!(
                "the job's target image is not the one of run {run}, whose jump system lies in memory and begins with its own plan at every boot"
            );
            return Err(Trouble::new(Exit::Refused, "other-image", why).hint(
                "name a job with that image; when the node is its new system, push the other",
            ));
        }
        Ok(supplies.images.path(ImageRole::Target).to_owned())
    }
}
