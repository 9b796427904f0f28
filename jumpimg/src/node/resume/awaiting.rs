//! A jump system that lies in memory and waits for its image, which a power cut took: it is sent again.

use std::time::Instant;

use jumpspec::answers;
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

/// Where in its log it has asked for the image last: it is sent at once, and not when it asks again.
fn asked_at(log: &str) -> Option<usize> {
    let mut end = log.len();
    let asks = |line: &str| {
        let event = answers::event(line.trim_end().as_bytes());
        event.is_some_and(|event| event.awaited_from().is_some())
    };
    log.split_inclusive('\n').rev().find_map(|line| {
        end -= line.len();
        asks(line).then_some(end)
    })
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
        let known = asked_at(&told).filter(|_| !status.gave_up);
        let offset = known.unwrap_or(told.len()) as u64;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_has_asked_for_last_is_where_its_log_is_read_on_from() {
        let line = |rest: &str| format!("{{\"uptime_ms\":1,\"stage\":\"replace\",{rest}}}\n");
        let need = line(r#""event":"need","image":"target","offset":5"#);
        let note = line(r#""event":"note","text":"x""#);
        let log = format!("{note}{need}{note}{need}{note}");
        let at = asked_at(&log).unwrap();
        assert_eq!(log[at..], format!("{need}{note}"));
        assert_eq!(asked_at(&note), None);
        // The old system has asked for both of its images.
        assert_eq!(asked_at(&need.replace("replace", "stage")), None);
        assert_eq!(asked_at(&need.replace("target", "jump")), None);
    }
}
