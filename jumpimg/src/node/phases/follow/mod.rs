//! Follows a node that reboots: looks which system answers, tells the jump system's
//! events, and does what [`Follower`] says.

mod ending;
mod follower;
mod memory;
mod sending;
mod waiting;
mod watched;

use std::time::Duration;

use jumpspec::run::event::{Event, What};
use jumpspec::run::failure::Failure;
use jumpspec::run::report::{NodeReport, RehearsalReport};
use jumpspec::run::timeline::{Span, Timeline};
use jumpspec::step::Step;
use jumpspec::{answers, render};

use super::run::Run;
use crate::error::{Exit, Trouble};
use crate::node::agent::{Agent, Log, Reading, events_from, read_events};
use crate::node::lookout::Sight;
use crate::node::ssh::{Session, SshError};
use crate::node::tell::Voice;
use follower::Follower;
use waiting::Waiting;
pub(crate) use watched::{Look, Watched};

/// After this long without a word the status is asked for: an event may have been missed.
const QUIET: Duration = Duration::from_mins(1);
/// However much is told, after this long the status is asked for, and with it whether the node may
/// take longer.
const LISTEN: Duration = Duration::from_mins(5);
/// Between an end of the events and the next look.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a wait is told.
const SPEAK_EVERY: Duration = Duration::from_mins(1);
/// For a file that is there.
const SHORT: Duration = Duration::from_mins(1);

/// A run that was followed to its end, and ended well.
///
/// Nothing is left of the run on the node but its logs and its report. Dropped, nobody is told.
pub(crate) struct Followed<'a> {
    pub(super) run: Run<'a>,
    pub(super) outcome: Outcome,
    pub(super) times: Timeline,
}

impl Followed<'_> {
    /// How long each part took.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.times.spans()
    }
}

/// How a run ended well.
pub(crate) enum Outcome {
    /// The node is its new system.
    Finished(NodeReport),
    /// The node is its old system again, and everything was proved.
    Rehearsed(RehearsalReport),
}

/// Who tells of a node that is watched, and does something to it.
struct Following<'s, 'a> {
    run: &'s Run<'a>,
    voice: &'s mut Voice,
    told: &'s mut Vec<Event>,
    /// Whether somebody waits for what the jump system tells, or comes again.
    reading: Reading,
}

impl Following<'_, '_> {
    /// Shows the secret to a system whose plan waits for it, once a boot.
    fn say_hello(
        &mut self,
        session: &Session,
        agent: &Agent,
        sight: &Sight,
        greeted: &mut String,
    ) -> Result<(), Trouble> {
        let steps = &self.run.plan.steps;
        let boot = match sight {
            Sight::Jump(status) if steps.prove.contains(&Step::ProveAdmin) => &status.boot_id,
            Sight::New(status) if steps.new.contains(&Step::CheckAdmin) => &status.boot_id,
            _ => return Ok(()),
        };
        let Some(mark) = self.run.mark.as_ref().filter(|_| boot != greeted) else {
            return Ok(());
        };
        match agent.hello(session, mark) {
            Ok(()) => self.voice.say("this host has logged in and said hello"),
            // The next look tries again.
            Err(error) if error.is_connection() => return Ok(()),
            Err(SshError::Interrupted) => return Err(SshError::Interrupted.trouble(self.run.node)),
            Err(error) => self
                .voice
                .say(&format!("it does not take our hello: {error}")),
        }
        greeted.clone_from(boot);
        Ok(())
    }

    /// Says which system answers, when it is another than before.
    fn tell(&mut self, sight: &Sight, last: &'static str) -> &'static str {
        let (now, name) = match sight {
            Sight::SameBoot => ("before", None),
            Sight::Nothing(_) | Sight::Foreign(_) | Sight::Deaf(_) if last == "before" => {
                ("nothing", None)
            }
            Sight::Nothing(_) | Sight::Foreign(_) | Sight::Deaf(_) | Sight::Stranger(_) => {
                return last;
            }
            Sight::Old(status) => ("old system again", Some(&status.os)),
            Sight::Jump(status) => ("jump system", Some(&status.os)),
            Sight::New(status) => ("new system", Some(&status.os)),
            Sight::Finished(report) => ("new system", Some(&report.os)),
        };
        if now != last {
            let system = serde_json::Map::from_iter([
                ("system".to_owned(), now.into()),
                ("os".to_owned(), name.cloned().into()),
            ]);
            self.voice.object("system", system);
            let text = name.map_or("it is down for its reboot".to_owned(), |os| {
                format!("{now} is up: {os}")
            });
            self.voice.say(&text);
        }
        now
    }

    /// Says what is waited for, once a minute.
    fn tell_waiting(&mut self, waiting: Option<&Waiting>, spoke: &mut Duration) {
        let now = self.run.begun.elapsed();
        let Some(waiting) = waiting.filter(|_| now.saturating_sub(*spoke) >= SPEAK_EVERY) else {
            return;
        };
        *spoke = now;
        let seconds = |time: Duration| time.as_secs().into();
        let fields = serde_json::Map::from_iter([
            ("what".to_owned(), waiting.what.clone().into()),
            ("for_seconds".to_owned(), seconds(waiting.since)),
            ("until".to_owned(), waiting.until.into()),
            ("left_seconds".to_owned(), seconds(waiting.left)),
            ("maybe".to_owned(), waiting.maybe.clone().into()),
        ]);
        self.voice.object("waiting", fields);
        self.voice.say(&waiting.to_string());
    }

    fn note_uptime(&self, open: Option<&(Session, Agent)>, sight: &Sight, times: &mut Timeline) {
        let now = self.run.begun.elapsed();
        match (sight, open) {
            (Sight::Jump(status), _) => {
                times.jump_uptime(now, Duration::from_millis(status.uptime_ms));
            }
            (Sight::New(status), _) => {
                times.new_uptime(now, Duration::from_millis(status.uptime_ms));
            }
            (Sight::Finished(_), Some((session, _))) => {
                if let Some(uptime) = uptime(session) {
                    times.new_uptime(now, uptime);
                }
            }
            _ => {}
        }
    }

    /// The offset to go on from in another boot of the jump system: a power cut may have taken the log's
    /// end, and what stands there now was never heard.
    fn again(&mut self, session: &Session, offset: u64) -> u64 {
        match read_events(session) {
            Ok(log) if !self.voice.goes_on(&log) => {
                self.voice.log(&log);
                log.rfind('\n').map_or(0, |end| end as u64 + 1)
            }
            _ => offset,
        }
    }

    /// Tells events, for as long as they come if somebody waits for them; the offset to go on from, and the byte of the target image
    /// that the node asks for, if it does.
    fn listen(
        &mut self,
        session: &Session,
        offset: u64,
        follower: &mut Follower,
        rebooted: Duration,
        times: &mut Timeline,
    ) -> Result<(u64, Option<u64>), Trouble> {
        let mut wanted = None;
        let (begun, voice) = (self.run.begun, &mut *self.voice);
        let mut heard = begun.elapsed();
        let until = heard + LISTEN;
        let (offset, ended) = events_from(session, offset, self.reading, &mut |event| {
            let now = begun.elapsed().saturating_sub(rebooted);
            let Some((event, end)) = event else {
                return begun.elapsed() < heard + QUIET;
            };
            heard = begun.elapsed();
            times.event(&event);
            voice.logged(&event, end);
            wanted = follower.wanted(&event).or(wanted);
            follower.hear(&event, now) && wanted.is_none() && heard < until
        });
        voice.clear();
        match ended {
            // The progress of a long replacement may be too much: it is listened to anew.
            Err(error) if !matches!(error, SshError::TooMuch) && !error.is_connection() => {
                Err(error.trouble(self.run.node))
            }
            _ => Ok((offset, wanted)),
        }
    }

    /// Tells what the new system's log has and nobody heard.
    fn last_events(&mut self, session: &Session, times: &mut Timeline) {
        let log = match read_events(session) {
            Ok(log) => log,
            Err(error) => {
                return self
                    .voice
                    .say(&format!("cannot read the node's log: {error}"));
            }
        };
        let events = answers::events(&log);
        // Uptimes before the last reboot are another system's.
        let reboot = |event: &Event| matches!(event.what, What::Reboot { .. });
        let this_boot = events.iter().rposition(reboot).map_or(0, |last| last + 1);
        for event in events.iter().skip(this_boot) {
            times.event(event);
        }
        self.voice.log(&log);
    }

    /// The old system is back: it is made as it was.
    fn came_back(&mut self, session: &Session, agent: &Agent, why: Failure) -> Trouble {
        let trouble = Trouble::new(
            Exit::Failed,
            "old-system-again",
            format!("is its old system again: {}", render::coded(&why)),
        )
        .because(why);
        match self.take_back(session, agent) {
            Ok(()) => trouble.hint("nothing of it was lost; its loader and swap are as they were"),
            Err(error) => trouble.hint(format!(
                "its loader or swap may not be as they were: {error}"
            )),
        }
    }

    /// Makes the old system as it was before the run, and leaves nothing there.
    fn take_back(&mut self, session: &Session, agent: &Agent) -> Result<(), SshError> {
        let voice = &mut *self.voice;
        agent.take_back(session, Some(&self.run.plan.run), &mut |event| {
            voice.event(&event);
        })?;
        agent.remove(session)?;
        if let Err(error) = self.run.dir.write_taken_back() {
            self.voice.say(&format!("note: {error:#}"));
        }
        Ok(())
    }

    /// The old system is back from a rehearsal. The log goes with the landing file system, so it
    /// is read first.
    fn rehearsed(&mut self, session: &Session, agent: &Agent) -> Result<RehearsalReport, Trouble> {
        let log = agent.log(session, Log::Events);
        let log = log.map_err(|error| error.trouble(self.run.node))?;
        let events = answers::events(&log);
        self.voice.log(&log);
        let report = RehearsalReport::new(&self.run.plan, &events);
        self.take_back(session, agent).map_err(|error| {
            let why = "everything was proved, but its loader or swap may not be as they were";
            Trouble::new(Exit::Failed, "not-taken-back", format!("{why}: {error}"))
                .hint(format!("try `jumpimg abort {}`", self.run.node))
        })?;
        Ok(report)
    }
}

/// How long the node is up, in whole seconds.
fn uptime(session: &Session) -> Option<Duration> {
    let text = session.run("cat /proc/uptime", SHORT).ok()?;
    let seconds = text.split('.').next()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
