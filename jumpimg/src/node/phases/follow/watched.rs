//! A node that is watched: one look after the other, between which nobody waits for it.

use std::time::Duration;

use jumpspec::fleet::Part;
use jumpspec::job::{Joint, LONGEST_HOOK};
use jumpspec::run::event::Event;
use jumpspec::run::timeline::Timeline;

use super::follower::{Action, Ending, Follower};
use super::{Followed, Following, Outcome, PAUSE, uptime};
use crate::error::Trouble;
use crate::node::agent::Reading;
use crate::node::lookout::{Lookout, Sight};
use crate::node::phases::jump::Jumped;
use crate::node::phases::run::{Run, interrupted};
use crate::node::ssh::SshError;
use crate::node::tell::Voice;

impl<'a> Jumped<'a> {
    /// Watches until the run is over. A node that is its old system again is made as it was.
    pub(crate) fn follow(self, voice: &mut Voice) -> Result<Followed<'a>, Trouble> {
        let mut watched = self.watch()?;
        loop {
            let next = watched
                .look(voice)
                .map_err(|trouble| watched.told(trouble))?;
            match next {
                Look::Again(pause) => watched.sleep(pause)?,
                Look::Over(outcome) => return Ok(watched.over(outcome)),
            }
        }
    }

    /// Begins to watch, by looks that end at once.
    pub(crate) fn glance(self) -> Result<Watched<'a>, Trouble> {
        let mut watched = self.watch()?;
        watched.reading = Reading::AtOnce;
        Ok(watched)
    }

    /// Begins to watch.
    fn watch(self) -> Result<Watched<'a>, Trouble> {
        let Self { run, start, times } = self;
        let lookout = Lookout::watch(run.tools, run.node, &run.dir, &start.boot_id)?;
        let rebooted = run.begun.elapsed();
        Ok(Watched {
            follower: follower(&run),
            run,
            lookout,
            times,
            rebooted,
            spoke: rebooted,
            offset: start.offset,
            last: "before",
            greeted: String::new(),
            reading: Reading::Along,
            listened: None,
            told: Vec::new(),
        })
    }
}

/// A node that is watched until its run is over: one look after the other, between which there is neither
/// a connection to it nor anybody who waits.
///
/// It goes on unattended, whatever becomes of this value.
pub(crate) struct Watched<'a> {
    run: Run<'a>,
    lookout: Lookout<'a>,
    follower: Follower,
    times: Timeline,
    /// When the reboot was ordered, since the command has worked on it.
    rebooted: Duration,
    /// When it was said last what is waited for.
    spoke: Duration,
    /// The byte of the jump system's log from which on events are news.
    offset: u64,
    /// Which system answered last.
    last: &'static str,
    /// How events are read.
    reading: Reading,
    /// The boot that was said hello to.
    greeted: String,
    /// The boot of the jump system that was listened to.
    listened: Option<String>,
    /// What a rehearsal in memory has told, which is gone with it.
    told: Vec<Event>,
}

/// What a look has come to.
pub(crate) enum Look {
    /// The next one is after so long.
    Again(Duration),
    /// The run is over, and ended well.
    Over(Outcome),
}

impl<'a> Watched<'a> {
    /// Looks once, and does what is to be done about what was seen.
    pub(crate) fn look(&mut self, voice: &mut Voice) -> Result<Look, Trouble> {
        let mut following = Following {
            run: &self.run,
            voice,
            told: &mut self.told,
            reading: self.reading,
        };
        let (times, follower) = (&mut self.times, &mut self.follower);
        let (open, sight) = self.lookout.look()?;
        self.last = following.tell(&sight, self.last);
        following.note_uptime(open.as_ref(), &sight, times);
        if let Some((session, agent)) = &open {
            following.say_hello(session, agent, &sight, &mut self.greeted)?;
        }
        let now = self.run.begun.elapsed().saturating_sub(self.rebooted);
        let waiting = follower.waiting(&sight, now);
        let boot = match &sight {
            Sight::Jump(status) => Some(status.boot_id.clone()),
            _ => None,
        };
        match (follower.next(sight, now), &open) {
            (Action::Follow, Some((session, agent))) => {
                if self.listened.is_some() && self.listened != boot {
                    self.offset = following.again(session, self.offset);
                    follower.sent_at(None);
                }
                self.listened = boot;
                let heard =
                    following.listen(session, self.offset, follower, self.rebooted, times)?;
                self.offset = heard.0;
                if let Some(first) = heard.1 {
                    let begun = self.run.begun.elapsed();
                    following.send(session, agent, first)?;
                    follower.sent(self.run.begun.elapsed().saturating_sub(begun));
                    let millis = |time: Duration| u64::try_from(time.as_millis()).ok();
                    follower.sent_at(uptime(session).and_then(millis));
                }
                Ok(Look::Again(PAUSE))
            }
            (Action::TakeBack(reason), Some((session, agent))) => {
                Err(following.came_back(session, agent, reason))
            }
            (Action::Rehearsed, Some((session, agent))) => {
                times.end(self.run.begun.elapsed());
                following
                    .rehearsed(session, agent)
                    .map(Outcome::Rehearsed)
                    .map(Look::Over)
            }
            (Action::Release, Some((session, agent))) => {
                following.release(session, agent)?;
                Ok(Look::Again(PAUSE))
            }
            (Action::Returned(why), Some((session, _))) => {
                times.end(self.run.begun.elapsed());
                following
                    .returned(session, why)
                    .map(Outcome::Rehearsed)
                    .map(Look::Over)
            }
            (Action::End(Ending::Finished(report)), Some((session, _))) => {
                following.last_events(session, times);
                times.end(self.run.begun.elapsed());
                Ok(Look::Over(Outcome::Finished(report)))
            }
            (Action::End(ending), _) => Err(following.trouble(ending)),
            (Action::Wait(time), _) => {
                following.tell_waiting(waiting.as_ref(), &mut self.spoke);
                Ok(Look::Again(time))
            }
            (
                Action::Follow
                | Action::TakeBack(_)
                | Action::Rehearsed
                | Action::Release
                | Action::Returned(_),
                None,
            ) => Ok(Look::Again(PAUSE)),
        }
    }

    /// The longest that the node may be left alone between two looks: a part of what it waits for this host's
    /// login, and a minute at most.
    pub(crate) fn longest_pause(&self) -> Duration {
        let waits = &self.run.plan.wait;
        let wait = waits.prove.0.min(waits.health.0);
        (wait / 4).min(Duration::from_mins(1))
    }

    /// Which part of its jump the node was seen in last, once it was seen.
    pub(crate) fn part(&self) -> Option<Part> {
        match self.last {
            "jump system" => Some(Part::Jump),
            "new system" => Some(Part::New),
            _ => None,
        }
    }

    /// The run that is over.
    pub(crate) fn over(self, outcome: Outcome) -> Followed<'a> {
        Followed {
            run: self.run,
            outcome,
            times: self.times,
        }
    }

    fn sleep(&self, time: Duration) -> Result<(), Trouble> {
        if self.run.tools.interrupt.sleep(time) {
            let trouble = SshError::Interrupted.trouble(self.run.node);
            return Err(self.told(trouble));
        }
        Ok(())
    }

    /// After Ctrl-C: with what the node does.
    fn told(&self, trouble: Trouble) -> Trouble {
        let state = if self.run.plan.landing.is_volatile() {
            "it proves itself, and comes back as its old system by itself"
        } else {
            "it goes on unattended"
        };
        interrupted(trouble, self.run.node, state)
    }
}

/// What is to be expected of a run's node.
fn follower(run: &Run<'_>) -> Follower {
    let waits = run.plan.wait.clone();
    if run.plan.landing.is_volatile() {
        return Follower::in_memory(waits);
    }
    let proofs = &run.plan.steps.prove;
    let follower = match u32::try_from(proofs.len().saturating_sub(1)) {
        Ok(last_proof) if run.plan.rehearsal => Follower::of_rehearsal(waits, last_proof),
        _ => Follower::new(waits).with_hooks(finishing(run)),
    };
    follower.with_boots(run.plan.boot.uefi().is_some())
}

/// How long the hooks of the new system may take once it is the default.
fn finishing(run: &Run<'_>) -> Duration {
    let hooks = run.plan.steps.hooks();
    let last = hooks.filter(|hook| hook.at == Joint::Finished);
    // A plan that a node has kept may say anything.
    last.fold(Duration::ZERO, |all, hook| {
        all.saturating_add(hook.timeout.0.min(LONGEST_HOOK))
    })
}
