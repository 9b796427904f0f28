//! One acted node: how far it has come, as a function of the clock and of what it was told. Touches
//! nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use jumpspec::run::bundle::Bundle;
use jumpspec::run::failure::{Code, Failure};
use jumpspec::run::task::StepId;
use jumpspec::step::{ImageRole, Stage, Step};
use jumpspec::words::digest::Digest;
use jumpspec::words::run_id::RunId;
use serde::{Deserialize, Serialize};

use super::log::Change;
use super::settings::{Fault, Times};

/// A node. Moments are milliseconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Node {
    /// Systems that it has booted.
    pub(super) boots: u32,
    /// When the one that runs came up.
    pub(super) booted: u64,
    /// Where it stands.
    pub(super) state: State,
    /// The run that it is in, from its first step on.
    pub(super) run: Option<Run>,
    /// Until when an order is at work, whoever listens.
    pub(super) busy: u64,
    /// Private directories that jumpimg has made, in memory.
    pub(super) directories: BTreeSet<String>,
    /// How often its connections were broken.
    pub(super) breaks: u32,
    /// When the admin has said hello to the system that runs.
    pub(super) hello: Option<u64>,
    /// Whether what goes wrong there has gone wrong, and does not again.
    pub(super) spent: bool,
    /// When which system did what.
    pub(super) moments: Moments,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The old system runs.
    Old,
    /// The same, and the next reboot jumps.
    Armed,
    /// It is down until the jump system answers.
    ToJump,
    /// The jump system proves itself.
    Proving,
    /// It replaces.
    Replacing,
    /// It has given up, and stays.
    Stuck,
    /// It is down until the new system answers.
    ToNew,
    /// The new system runs and is not confirmed.
    New,
    /// The new system is confirmed, and nothing is left to do.
    Finished,
    /// It is down until the old system answers again.
    ToOld,
    /// It is down until the jump system answers, which gives up.
    ToStuck,
    /// It never answers again.
    Lost,
}

/// A run, as far as the node has it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and none of them rules another out"
)]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) origin: String,
    /// The jump system's host key.
    pub(super) key: String,
    pub(super) mark: Digest,
    pub(super) jump: Part,
    pub(super) target: Part,
    pub(super) landing_made: bool,
    /// The boot in which its landing file system was mounted last, by its number.
    pub(super) mounted: u32,
    pub(super) staged: bool,
    boot_limit: u64,
    prove_limit: u64,
    health_limit: u64,
    /// Whether the jump system, and the new one, wait for the admin's login.
    pub(super) prove_admin: bool,
    pub(super) check_admin: bool,
}

/// An image, as far as it has arrived.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) arrived: u64,
    pub(super) size: u64,
}

/// When what happened in this run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Moments {
    pub(super) armed: Option<u64>,
    /// When the system that is waited for answers.
    up: u64,
    pub(super) jump: Option<u64>,
    pub(super) replace: Option<u64>,
    pub(super) left: Option<u64>,
    pub(super) stuck: Option<u64>,
    pub(super) new: Option<u64>,
    pub(super) finished: Option<u64>,
}

impl Run {
    /// The one that this bundle begins.
    pub(super) fn of(bundle: &Bundle) -> Self {
        let plan = &bundle.plan;
        let part = |role| Part {
            arrived: 0,
            size: plan.image(role).size,
        };
        Self {
            id: plan.run.clone(),
            origin: bundle.origin.clone(),
            key: bundle.host_key_public.to_string(),
            mark: plan.admin_mark,
            jump: part(ImageRole::Jump),
            target: part(ImageRole::Target),
            landing_made: false,
            mounted: 0,
            staged: false,
            boot_limit: millis(plan.wait.boot.0),
            prove_limit: millis(plan.wait.prove.0),
            health_limit: millis(plan.wait.health.0),
            prove_admin: plan.steps.prove.contains(&Step::ProveAdmin),
            check_admin: plan.steps.new.contains(&Step::CheckAdmin),
        }
    }

    /// The image of that name.
    pub(super) fn part(&mut self, image: ImageRole) -> &mut Part {
        match image {
            ImageRole::Jump => &mut self.jump,
            ImageRole::Target => &mut self.target,
        }
    }
}

impl Node {
    /// One whose old system runs.
    pub(super) fn new(now: u64) -> Self {
        Self {
            boots: 1,
            booted: now,
            state: State::Old,
            run: None,
            busy: 0,
            directories: BTreeSet::new(),
            breaks: 0,
            hello: None,
            spent: false,
            moments: Moments::default(),
        }
    }

    /// Whether its sshd answers.
    pub(super) fn is_up(&self) -> bool {
        !matches!(
            self.state,
            State::ToJump | State::ToNew | State::ToOld | State::ToStuck | State::Lost
        )
    }

    /// Whether what answers is the jump system.
    pub(super) fn is_jump(&self) -> bool {
        matches!(self.state, State::Proving | State::Replacing | State::Stuck)
    }

    /// Whether no other run may begin: one is at work, its landing file system is mounted, which it is
    /// until all is staged, or it is armed.
    pub(super) fn is_under_way(&self, now: u64) -> bool {
        let is_mounted = |run: &Run| run.mounted == self.boots && !run.staged;
        self.busy > now || self.state == State::Armed || self.run.as_ref().is_some_and(is_mounted)
    }

    /// The stage that its journal stands at.
    pub(super) fn stage(&self) -> Stage {
        match self.state {
            // It has come back, and its journal tells why.
            State::Old if self.moments.jump.is_some() => Stage::Prove,
            State::Old => Stage::Stage,
            State::Armed | State::ToJump | State::Lost => Stage::Armed,
            State::Proving | State::ToOld => Stage::Prove,
            State::Replacing => Stage::Replace,
            State::Stuck | State::ToStuck => Stage::Stuck,
            State::ToNew | State::New => Stage::Try,
            State::Finished => Stage::Finish,
        }
    }

    /// What the clock has brought until `now`, with the moment of each change.
    pub(super) fn advance(
        &mut self,
        times: &Times,
        fault: Option<&Fault>,
        now: u64,
    ) -> Vec<(u64, Change)> {
        let mut changes = Vec::new();
        while let Some((at, next)) = self.due(times, fault).filter(|(at, _)| *at <= now) {
            changes.extend(self.enter(next, at, times).map(|change| (at, change)));
        }
        changes
    }

    /// What comes next by itself, and when.
    fn due(&self, times: &Times, fault: Option<&Fault>) -> Option<(u64, State)> {
        let run = self.run.as_ref()?;
        let moments = &self.moments;
        match self.state {
            State::Old | State::Stuck | State::Finished | State::Lost => None,
            State::Armed => Some((moments.armed? + run.boot_limit, State::Old)),
            State::ToJump => Some((moments.up, State::Proving)),
            State::Proving => {
                let proved = self.booted + times.prove;
                if !self.spent && matches!(fault, Some(Fault::BackAsOld(_))) {
                    return Some((proved, State::ToOld));
                }
                Some(match self.hello {
                    _ if !run.prove_admin => (proved, State::Replacing),
                    Some(hello) => (proved.max(hello), State::Replacing),
                    None => (self.booted + run.prove_limit, State::ToOld),
                })
            }
            State::Replacing if !self.spent && matches!(fault, Some(Fault::Stuck(_))) => {
                Some((moments.replace? + times.replace / 2, State::Stuck))
            }
            State::Replacing => Some((moments.replace? + times.replace, State::ToNew)),
            State::ToNew => Some((moments.up, State::New)),
            State::New => {
                let sound = self.booted + times.confirm;
                Some(match self.hello {
                    _ if !run.check_admin => (sound, State::Finished),
                    Some(hello) => (sound.max(hello), State::Finished),
                    None => (self.booted + run.health_limit, State::ToStuck),
                })
            }
            State::ToOld => Some((moments.up, State::Old)),
            State::ToStuck => Some((moments.up, State::Stuck)),
        }
    }

    fn enter(&mut self, next: State, at: u64, times: &Times) -> Option<Change> {
        let before = std::mem::replace(&mut self.state, next);
        let moments = &mut self.moments;
        let change = match next {
            State::Old if before == State::Armed => Change::Disarmed,
            State::Old => Change::Old,
            State::Proving => {
                moments.jump = Some(at);
                Change::Jump
            }
            State::Replacing => {
                moments.replace = Some(at);
                Change::Replace
            }
            State::Stuck => {
                moments.stuck = Some(at);
                Change::Stuck
            }
            State::New => {
                moments.new = Some(at);
                Change::New
            }
            State::Finished => {
                moments.finished = Some(at);
                Change::Finished
            }
            State::ToNew => {
                moments.left = Some(at);
                moments.up = at + times.reboot;
                return None;
            }
            State::ToOld | State::ToStuck => {
                moments.up = at + times.reboot;
                return None;
            }
            State::Armed | State::ToJump | State::Lost => return None,
        };
        let has_booted = matches!(
            before,
            State::ToJump | State::ToNew | State::ToOld | State::ToStuck
        );
        if has_booted {
            self.boots += 1;
            self.booted = at;
            self.hello = None;
            self.directories.clear();
        }
        Some(change)
    }

    /// Why it is where it is, if something has failed.
    pub(super) fn reason(&self, fault: Option<&Fault>) -> Option<Failure> {
        let failed = |code: Code, step: StepId, why: &str| Failure {
            task: step.into(),
            ..Failure::new(code, why)
        };
        let run = self.run.as_ref()?;
        let has_come_back = self.moments.jump.is_some() && self.moments.replace.is_none();
        match (self.state, fault) {
            (State::Old | State::ToOld, Some(Fault::BackAsOld(code))) if has_come_back => {
                Some(failed(*code, StepId::ProveNetwork, "eth0 has no carrier"))
            }
            (State::Old | State::ToOld, _) if has_come_back && run.prove_admin => Some(failed(
                Code::NoLogin,
                StepId::ProveAdmin,
                "nobody has logged in",
            )),
            (State::Stuck | State::ToStuck, _) if self.moments.new.is_some() => Some(failed(
                Code::NotConfirmed,
                StepId::CheckAdmin,
                "nobody has logged in",
            )),
            (State::Stuck, Some(Fault::Stuck(code))) => {
                Some(failed(*code, StepId::Extract, "acted"))
            }
            _ => None,
        }
    }

    /// Makes the next reboot jump.
    pub(super) fn arm(&mut self, now: u64) {
        self.state = State::Armed;
        self.moments = Moments {
            armed: Some(now),
            ..Moments::default()
        };
    }

    /// It goes down; which system comes depends on what it is armed for.
    pub(super) fn reboot(&mut self, times: &Times, fault: Option<&Fault>, now: u64) {
        self.state = match self.state {
            State::Armed if fault == Some(&Fault::Lost) && !self.spent => State::Lost,
            State::Armed | State::Stuck => State::ToJump,
            _ => State::ToOld,
        };
        self.moments.up = now + times.reboot;
    }

    /// The old system is as before the run.
    pub(super) fn take_back(&mut self) {
        self.state = State::Old;
        self.run = None;
        self.moments = Moments::default();
    }

    /// A jump system that has given up begins anew, and what went wrong does not again.
    pub(super) fn resume(&mut self, times: &Times, now: u64) {
        self.spent = true;
        self.moments = Moments::default();
        self.reboot(times, None, now);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        login: 0,
        silence: 0,
        stage: 0,
        reboot: 100,
        prove: 10,
        replace: 1000,
        confirm: 20,
    };

    fn armed() -> Node {
        let part = Part {
            arrived: 0,
            size: 0,
        };
        let run = Run {
            id: RunId::new(7),
            origin: String::new(),
            key: String::new(),
            mark: Digest::of(b""),
            jump: part,
            target: part,
            landing_made: true,
            mounted: 1,
            staged: true,
            boot_limit: 5000,
            prove_limit: 500,
            health_limit: 600,
            prove_admin: true,
            check_admin: true,
        };
        let mut node = Node::new(0);
        node.run = Some(run);
        node.arm(1000);
        node
    }

    fn changes(node: &mut Node, fault: Option<&Fault>, now: u64) -> Vec<(u64, Change)> {
        node.advance(&TIMES, fault, now)
    }

    #[test]
    fn a_node_that_is_greeted_in_both_systems_comes_to_its_end() {
        let mut node = armed();
        node.reboot(&TIMES, None, 2000);
        assert!(!node.is_up());
        assert_eq!(changes(&mut node, None, 2150), [(2100, Change::Jump)]);
        assert!(node.is_up() && node.is_jump());
        node.hello = Some(2160);
        let came = [(2160, Change::Replace), (3260, Change::New)];
        assert_eq!(changes(&mut node, None, 3300), came);
        node.hello = Some(3270);
        assert_eq!(changes(&mut node, None, 9000), [(3280, Change::Finished)]);
        assert_eq!(node.boots, 3);
    }

    #[test]
    fn who_is_not_greeted_goes_back_or_gives_up() {
        let mut node = armed();
        node.reboot(&TIMES, None, 2000);
        let came = [(2100, Change::Jump), (2700, Change::Old)];
        assert_eq!(changes(&mut node, None, 9000), came);
        assert_eq!(node.reason(None).unwrap().code, Code::NoLogin);
        let mut node = armed();
        node.reboot(&TIMES, None, 2000);
        changes(&mut node, None, 2100);
        node.hello = Some(2110);
        let last = changes(&mut node, None, 99_000).pop();
        assert_eq!(last, Some((3910, Change::Stuck)));
        assert_eq!(node.reason(None).unwrap().code, Code::NotConfirmed);
    }

    #[test]
    fn an_arm_whose_reboot_nobody_orders_ends_by_itself() {
        let mut node = armed();
        assert_eq!(changes(&mut node, None, 6000), [(6000, Change::Disarmed)]);
        node.reboot(&TIMES, None, 7000);
        assert_eq!(changes(&mut node, None, 9000), [(7100, Change::Old)]);
        assert!(node.reason(None).is_none());
    }

    #[test]
    fn faults_come_where_they_belong() {
        let mut node = armed();
        node.reboot(&TIMES, Some(&Fault::Lost), 2000);
        assert_eq!(changes(&mut node, Some(&Fault::Lost), 99_000), []);
        assert_eq!(node.state, State::Lost);
        let fault = Fault::Stuck(Code::NoRoom);
        let mut node = armed();
        node.reboot(&TIMES, Some(&fault), 2000);
        changes(&mut node, Some(&fault), 2100);
        node.hello = Some(2110);
        let came = [(2110, Change::Replace), (2610, Change::Stuck)];
        assert_eq!(changes(&mut node, Some(&fault), 9000), came);
        assert_eq!(node.reason(Some(&fault)).unwrap().code, Code::NoRoom);
        node.resume(&TIMES, 9000);
        assert_eq!(
            changes(&mut node, Some(&fault), 9100),
            [(9100, Change::Jump)]
        );
    }
}
