//! What a sight of the node means and what to do next, as a function of what was seen
//! so far: no connection, no clock.

use std::time::Duration;

use jumpspec::job::Waits;
use jumpspec::render;
use jumpspec::run::event::{Event, What};
use jumpspec::run::failure::{Code, Failure};
use jumpspec::run::report::NodeReport;
use jumpspec::run::status::{Status, System};
use jumpspec::step::Stage;

use super::waiting::Waiting;
use crate::node::lookout::Sight;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// How often a line may break, or a power cut take what it brought, before its time counts as the node's.
const SENDS: u32 = 20;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Look again after this time.
    Wait(Duration),
    /// Follow the jump system's events for as long as they come.
    Follow,
    /// Make the old system as it was; the run is over.
    TakeBack(Failure),
    /// The same after a rehearsal that has proved everything.
    Rehearsed,
    /// Read what the rehearsal in memory has told, and let the node go.
    Release,
    /// See whether the node is what it was, after a rehearsal in memory; why that proved nothing, if it
    /// did not.
    Returned(Option<Failure>),
    /// The run is over, or beyond our reach.
    End(Ending),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The new system is confirmed and finished.
    Finished(NodeReport),
    /// The node did not reboot.
    NoReboot,
    /// The jump system has given up and stays up; why.
    Stuck(Failure),
    /// Something answers but takes longer than the job allows; what, and what it has told.
    TooSlow(String, Option<Failure>),
    /// Nothing answered for longer than the job allows; what was tried last.
    Silent(String),
    /// What answers knows nothing of the run; its name.
    Stranger(String),
}

/// Where the node is believed to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The old system goes down.
    Leaving,
    /// The jump system was seen.
    Jump,
    /// The new system was seen.
    New,
}

/// What a rehearsal in memory has told so far.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    /// Not its end.
    Nothing,
    /// That all is proved.
    Proved,
    /// What could not be.
    Failed(Failure),
}

/// What was seen so far. Times are since the reboot was asked for.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    waits: Waits,
    /// In a rehearsal, the index of the last step of the proof.
    last_proof: Option<u32>,
    /// In a rehearsal in memory, what the jump system has told of its end.
    memory: Option<Told>,
    /// How long hooks of the admin's may take once the new system is the default.
    hooks: Duration,
    /// Whether the firmware has to be seen to follow: the jump system is booted twice until its commit,
    /// and the new one twice until its end.
    boots_twice: bool,
    phase: Phase,
    /// When the phase began.
    since: Duration,
    /// When anything of the run was seen last.
    seen: Duration,
    /// How often the node was sent what it asked for.
    sends: u32,
    /// The node's uptime when it was sent last, in this boot of it.
    sent_at: Option<u64>,
}

impl Follower {
    /// Begins where the reboot was asked for.
    pub(super) fn new(waits: Waits) -> Self {
        Self {
            waits,
            last_proof: None,
            memory: None,
            hooks: Duration::ZERO,
            boots_twice: false,
            phase: Phase::Leaving,
            since: Duration::ZERO,
            seen: Duration::ZERO,
            sends: 0,
            sent_at: None,
        }
    }

    /// Begins where a rehearsal's reboot was asked for; `last_proof` is the index of the last
    /// step of its proof.
    pub(super) fn of_rehearsal(waits: Waits, last_proof: u32) -> Self {
        Self {
            last_proof: Some(last_proof),
            ..Self::new(waits)
        }
    }

    /// Begins where kexec was asked to start a rehearsal in memory.
    pub(super) fn in_memory(waits: Waits) -> Self {
        Self {
            memory: Some(Told::Nothing),
            ..Self::new(waits)
        }
    }

    /// The same, where hooks of the admin's may take so long once the new system is the default.
    pub(super) fn with_hooks(self, hooks: Duration) -> Self {
        Self { hooks, ..self }
    }

    /// The same, where jump and new system are booted `twice`, as on a UEFI.
    pub(super) fn with_boots(self, twice: bool) -> Self {
        Self {
            boots_twice: twice,
            ..self
        }
    }

    /// Takes an event of the jump system; whether to go on following.
    pub(super) fn hear(&mut self, event: &Event, now: Duration) -> bool {
        self.seen = now;
        if let Some(told) = &mut self.memory {
            match &event.what {
                What::Complete => *told = Told::Proved,
                What::Failed { failure, .. } => *told = Told::Failed(failure.clone()),
                _ => return true,
            }
            return false;
        }
        // After a failure the status says whether the node tries again; after a reboot there
        // is nothing to follow.
        !matches!(event.what, What::Reboot { .. } | What::Failed { .. })
            && event.stage != Stage::Stuck
    }

    /// The line took so long to bring the node what it asked for: no time of its own. A node that asks
    /// for ever is not followed for ever.
    pub(super) fn sent(&mut self, time: Duration) {
        self.sends += 1;
        if self.sends > SENDS {
            return;
        }
        self.since += time;
        self.seen += time;
    }

    /// What the node asked for before it was sent that: at this uptime of it, in milliseconds; none in
    /// another boot.
    pub(super) fn sent_at(&mut self, uptime: Option<u64>) {
        self.sent_at = uptime;
    }

    /// The byte of the target image that the node asks for by an event. It asks again while nobody has
    /// sent it yet, and all of that is answered at once.
    pub(super) fn wanted(&self, event: &Event) -> Option<u64> {
        let offset = event.awaited_from()?;
        let is_answered = self.sent_at.is_some_and(|sent| event.uptime_ms <= sent);
        (!is_answered).then_some(offset)
    }

    /// Takes a sight; what to do next.
    pub(super) fn next(&mut self, sight: Sight, now: Duration) -> Action {
        match (&self.memory, &sight) {
            // Nothing of the run is on the old system.
            (Some(told), Sight::Old(_) | Sight::Stranger(_)) => {
                return Action::Returned(unproved(told, self.phase));
            }
            (Some(Told::Proved | Told::Failed(_)), Sight::Jump(_)) => {
                self.enter(Phase::Jump, now);
                return Action::Release;
            }
            _ => {}
        }
        match sight {
            Sight::Nothing(why) | Sight::Foreign(why) | Sight::Deaf(why) => {
                self.silent(now, Ending::Silent(why))
            }
            Sight::Stranger(status) => self.silent(now, Ending::Stranger(status.os)),
            Sight::SameBoot if now > self.waits.boot.0 => Action::End(Ending::NoReboot),
            Sight::SameBoot => Action::Wait(PAUSE),
            Sight::Finished(report) => Action::End(Ending::Finished(report)),
            Sight::Old(status) if self.is_proved(&status) => Action::Rehearsed,
            Sight::Old(status) => Action::TakeBack(reason(&status, self.phase)),
            Sight::Jump(status) => self.jump(&status, now),
            Sight::New(status) => self.new_system(&status, now),
        }
    }

    fn is_proved(&self, status: &Status) -> bool {
        status.journal.as_ref().is_some_and(|journal| {
            journal.stage == Stage::Prove
                && journal.failure.is_none()
                && journal.done
                && Some(journal.step) == self.last_proof
        })
    }

    fn jump(&mut self, status: &Status, now: Duration) -> Action {
        self.enter(Phase::Jump, now);
        if status.gave_up {
            return Action::End(Ending::Stuck(reason(status, self.phase)));
        }
        if now.saturating_sub(self.since) > self.jumps_time() {
            return Action::End(Ending::TooSlow(
                "the jump system is still at work".to_owned(),
                None,
            ));
        }
        Action::Follow
    }

    fn new_system(&mut self, status: &Status, now: Duration) -> Action {
        self.enter(Phase::New, now);
        if now.saturating_sub(self.since) > self.most(status) {
            let why = status
                .reason()
                .map(|why| format!(": {}", render::coded(why)))
                .unwrap_or_default();
            let lacks = if is_default(status) {
                "the new system is the default, and has not given the landing partition back"
            } else {
                "the new system is not confirmed yet"
            };
            let failure = status.reason().cloned();
            return Action::End(Ending::TooSlow(format!("{lacks}{why}"), failure));
        }
        Action::Wait(PAUSE)
    }

    fn enter(&mut self, phase: Phase, now: Duration) {
        self.seen = now;
        if self.phase != phase {
            self.phase = phase;
            self.since = now;
        }
    }

    /// What is waited for while `sight` is all that is seen; none if nothing is.
    pub(super) fn waiting(&self, sight: &Sight, now: Duration) -> Option<Waiting> {
        let silent = |why: &str| Waiting {
            what: format!("nothing of the run answers ({why})"),
            since: now.saturating_sub(self.seen),
            until: self.next_systems(),
            left: (self.seen + self.patience()).saturating_sub(now),
            maybe: self.maybe(),
        };
        match sight {
            Sight::Nothing(why) | Sight::Foreign(why) | Sight::Deaf(why) => Some(silent(why)),
            Sight::Stranger(status) => Some(silent(&format!("{} does", status.os))),
            Sight::SameBoot => Some(Waiting {
                what: "the old system has not gone down".to_owned(),
                since: now,
                until: "its reboot",
                left: self.waits.boot.0.saturating_sub(now),
                maybe: "something may hold its shutdown up".to_owned(),
            }),
            Sight::New(status) if is_default(status) => Some(Waiting {
                what: "the new system is the default and tidies up".to_owned(),
                since: now.saturating_sub(self.since),
                until: "its report",
                left: (self.since + self.most(status)).saturating_sub(now),
                maybe: "what was staged is erased before it is given back; it stays whatever fails"
                    .to_owned(),
            }),
            Sight::New(_) => Some(Waiting {
                what: "the new system is up and not confirmed".to_owned(),
                since: now.saturating_sub(self.since),
                until: "its health",
                left: (self.since + self.trial()).saturating_sub(now),
                maybe: "unless it is sound in time it goes back to the jump system".to_owned(),
            }),
            Sight::Old(_) | Sight::Jump(_) | Sight::Finished(_) => None,
        }
    }

    fn next_systems(&self) -> &'static str {
        match self.phase {
            Phase::Leaving => "the jump system, or the old one",
            Phase::Jump | Phase::New if self.memory.is_some() => "the old system",
            Phase::Jump | Phase::New => "the new system, or the jump system",
        }
    }

    fn maybe(&self) -> String {
        if self.memory.is_some() && self.phase != Phase::Leaving {
            return "it may still be starting, or have another address: the jump system resets the machine once it was heard, and else by itself".to_owned();
        }
        let (system, before, limit) = match self.phase {
            Phase::Leaving => ("jump system", "old", &self.waits.prove),
            Phase::Jump | Phase::New => ("new system", "jump", &self.waits.health),
        };
        format!(
            "it may still be starting, or have no network or another address: a {system} that is not sound goes back to the {before} system by itself, {} after its start",
            String::from(*limit)
        )
    }

    /// How long the jump system may take, from its first sight on.
    fn jumps_time(&self) -> Duration {
        let waits = &self.waits;
        let again = if self.boots_twice {
            waits.prove.0
        } else {
            Duration::ZERO
        };
        waits.prove.0 + again + self.another_boot() + waits.replace.0
    }

    fn another_boot(&self) -> Duration {
        if self.boots_twice {
            self.waits.boot.0
        } else {
            Duration::ZERO
        }
    }

    /// How long the new system may take to be confirmed, its boot included.
    fn trial(&self) -> Duration {
        self.waits.health.0 + self.waits.boot.0
    }

    /// How long the new system may take until it is done.
    fn most(&self, status: &Status) -> Duration {
        // The journal is cleared before the hooks run.
        let may_run_hooks = is_default(status) || status.journal.is_none();
        let hooks = if may_run_hooks {
            self.hooks
        } else {
            Duration::ZERO
        };
        self.trial() + self.another_boot() + hooks
    }

    /// The longest that a node is allowed to be silent: on its way to jump it may fail to
    /// prove itself and boot the old system again; on its way to the new system it may wait
    /// for its health and boot jump again.
    fn patience(&self) -> Duration {
        let waits = &self.waits;
        let trial = if self.phase == Phase::Leaving {
            waits.prove.0
        } else {
            waits.health.0
        };
        waits.boot.0 * 2 + trial
    }

    fn silent(&self, now: Duration, ending: Ending) -> Action {
        if now.saturating_sub(self.seen) > self.patience() {
            Action::End(ending)
        } else {
            Action::Wait(PAUSE)
        }
    }
}

/// Why a rehearsal in memory has proved nothing, if it has not.
fn unproved(told: &Told, phase: Phase) -> Option<Failure> {
    let why = match (told, phase) {
        (Told::Proved, _) => return None,
        (Told::Failed(failure), _) => return Some(failure.clone()),
        (Told::Nothing, Phase::Leaving) => {
            "nothing was heard of the jump system: kexec did not start it, it did not come up, or it had no network, and the machine was reset"
        }
        (Told::Nothing, _) => "the jump system was reset before it had told of its proof's end",
    };
    Some(Failure::new(Code::NotProved, why))
}

/// Whether the new system is confirmed. Its journal says so until it is cleared, at the very end.
fn is_default(status: &Status) -> bool {
    let journal = status.journal.as_ref();
    journal.is_some_and(|journal| journal.stage == Stage::Finish)
}

/// Why a node is where it is: by its own word, or else by where it was seen.
fn reason(status: &Status, phase: Phase) -> Failure {
    let unsaid = || {
        let why = match phase {
            Phase::Leaving => "the jump system did not come up far enough to say why",
            Phase::Jump | Phase::New => "no reason was left",
        };
        let code = match status.system {
            System::Old => Code::NotProved,
            _ => Code::Unknown,
        };
        Failure::new(code, why)
    };
    status.reason().cloned().unwrap_or_else(unsaid)
}

#[cfg(test)]
mod tests;
