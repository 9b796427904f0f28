//! Staging: this host's files go to the node's landing partition, through connections that break, and
//! the node is armed.

use std::time::Duration;

use anyhow::Context as _;
use jumpspec::plan::Plan;
use jumpspec::render;
use jumpspec::run::bundle::Bundle;
use jumpspec::run::event::{self, Event, What};
use jumpspec::run::exit::NodeExit;
use jumpspec::run::failure::Failure;
use jumpspec::run::task::StepId;
use jumpspec::step::ImageRole;

use super::agree::Agreed;
use super::run::{Run, interrupted};
use super::set_aside::SetAside;
use super::upload::Upload;
use crate::error::{Exit, Trouble};
use crate::node::agent::{Agent, Goal};
use crate::node::ssh::{Route, Session, SshError};
use crate::node::supplies::Supplies;
use crate::node::tell::Voice;

/// A connection that breaks is made again, after pauses of so many seconds, this often
/// without anything having got on.
const PAUSES: [u64; 8] = [1, 2, 5, 10, 20, 30, 60, 60];

/// The node while it is staged, for whoever does not hear of it any more.
const NOT_ARMED: &str = "it is not armed, so a reboot boots it again";

/// The node after Ctrl-C while it is staged.
const STAGING: &str = "its old system runs and is untouched, but its landing partition may not be what it was; it is not armed, so a reboot boots it again: go on with `jumpimg resume --job`, or `jumpimg abort`";

/// A node that may be armed, with no reboot ordered.
fn arming(plan: &Plan) -> String {
    format!(
        "its old system runs, and may be armed: that ends by itself within {}, and a reboot before then goes through the jump system back to it; go on with `jumpimg resume`, or `jumpimg abort`",
        String::from(plan.wait.boot)
    )
}

/// However much gets on between two breaks, there are no more than these.
const MOST_ATTEMPTS: usize = 500;

/// A node that is staged and armed: its next reboot jumps, unless the arm has ended by then.
///
/// Changed on it: the landing partition is no swap but has the jump system, and the boot sector
/// leads to it. Dropped, it stays so, and `jumpimg resume` or `jumpimg abort` go on from there.
pub(crate) struct Staged<'a> {
    pub(super) run: Run<'a>,
    pub(super) session: Session,
    pub(super) agent: Agent,
}

impl<'a> Agreed<'a> {
    /// Stages the node and arms it. If that fails where the run has begun with this, the landing
    /// partition becomes what it was.
    pub(crate) fn stage(self, voice: &mut Voice) -> Result<Staged<'a>, Trouble> {
        let staged = self.reach(Goal::Arm, voice)?;
        Ok(Staged {
            run: staged.run,
            session: staged.session,
            agent: staged.agent,
        })
    }

    /// Stages the node, which goes on as its old system, and leaves it to itself. If that fails where the
    /// run has begun with this, the landing partition becomes what it was.
    pub(crate) fn stage_only(self, voice: &mut Voice) -> Result<SetAside<'a>, Trouble> {
        let staged = self.reach(Goal::Stage, voice)?;
        Ok(SetAside::of(staged))
    }

    fn reach(self, goal: Goal, voice: &mut Voice) -> Result<Self, Trouble> {
        let Self {
            run,
            session,
            agent,
            supplies,
            bundle,
            begins,
        } = self;
        let mut staging = Staging {
            run: &run,
            voice,
            agent: &agent,
            supplies,
            goal: Goal::Stage,
            landing_taken: bundle.is_none(),
            bundle,
        };
        let reached = match goal {
            Goal::Arm => staging.stage_and_arm(session),
            Goal::Stage | Goal::Exchange => staging.stage(session),
        };
        match reached {
            Ok(session) => Ok(Self {
                run,
                session,
                agent,
                supplies,
                bundle: None,
                begins,
            }),
            Err(trouble) if begins => Err(staging.give_up(trouble)),
            Err(trouble) => Err(trouble),
        }
    }
}

/// How the landing partition is filled from this host's files.
pub(crate) struct Staging<'s, 'a> {
    pub(crate) run: &'s Run<'a>,
    pub(crate) voice: &'s mut Voice,
    pub(crate) agent: &'s Agent,
    /// The job's files, where there is a job: a node that has all of them wants none.
    pub(crate) supplies: Option<&'s Supplies<'a>>,
    pub(crate) goal: Goal,
    /// What goes to the node before the first step, until it is there.
    pub(crate) bundle: Option<Bundle>,
    /// Whether the landing partition was written to.
    pub(crate) landing_taken: bool,
}

/// What the node wants next.
enum Next {
    Image(ImageRole, u64),
    Reached,
}

impl Staging<'_, '_> {
    /// Stages the node.
    fn stage(&mut self, session: Session) -> Result<Session, Trouble> {
        self.goal = Goal::Stage;
        let staged = self.reach(session);
        staged.map_err(|trouble| interrupted(trouble, self.run.node, STAGING))
    }

    /// The same, and arms it while we are here.
    fn stage_and_arm(&mut self, session: Session) -> Result<Session, Trouble> {
        let node = self.run.node;
        let session = self.stage(session)?;
        if self.run.plan.landing.is_volatile() {
            // It is loaded by the order that starts it.
            return Ok(session);
        }
        self.goal = Goal::Arm;
        let armed = self.reach(session);
        armed.map_err(|trouble| interrupted(trouble, node, &arming(&self.run.plan)))
    }

    /// Reaches the goal, through connections that break; the last one is still open.
    pub(crate) fn reach(&mut self, session: Session) -> Result<Session, Trouble> {
        let mut session = Some(session);
        let mut failures = 0;
        for _ in 0..MOST_ATTEMPTS {
            let (advanced, result) = self.attempt(&mut session);
            let error = match result {
                Ok(()) => {
                    return session
                        .context("the connection is gone")
                        .map_err(Trouble::from);
                }
                Err(error) => error,
            };
            if advanced {
                failures = 0;
            }
            self.pause(error, failures)?;
            failures += 1;
        }
        let why = format!("the connection broke {MOST_ATTEMPTS} times");
        Err(Trouble::new(Exit::Failed, "no-progress", why)
            .hint("go on with `jumpimg resume` over a better line, or `jumpimg abort`"))
    }

    /// The way to the system that is filled.
    fn route(&self) -> Route {
        let mut route = self.run.tools.route(self.run.node);
        if self.goal == Goal::Exchange && self.run.dir.is_pinned() {
            route.keys = self.run.dir.host_keys();
        }
        route
    }

    /// Goes on until the goal is reached or something fails; whether anything got on.
    fn attempt(&mut self, session: &mut Option<Session>) -> (bool, Result<(), StageError>) {
        let mut advanced = false;
        let open = match session.take() {
            Some(open) => open,
            None => match Session::open(&self.route(), &self.run.tools.interrupt) {
                Ok(open) => open,
                Err(error) => return (advanced, Err(error.into())),
            },
        };
        if let (Some(bundle), Some(supplies)) = (&self.bundle, self.supplies) {
            if let Err(error) = self
                .agent
                .hand_over(&open, bundle, &supplies.images.toolbox)
            {
                return (advanced, Err(error.into()));
            }
            self.bundle = None;
        }
        let mut whole = Vec::new();
        loop {
            let next = self.steps(&open, &mut advanced);
            let sent = match next {
                Ok(Next::Image(image, _)) if whole.contains(&image) => {
                    Err(StageError::asks_again(image))
                }
                Ok(Next::Image(image, offset)) => {
                    whole.push(image);
                    self.send(&open, image, offset, &mut advanced)
                }
                Ok(Next::Reached) => {
                    *session = Some(open);
                    return (true, Ok(()));
                }
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                // A busy node's connection is sound; a broken one is made again.
                *session = Some(open).filter(|_| error.busy());
                return (advanced, Err(error));
            }
        }
    }

    fn steps(&mut self, session: &Session, advanced: &mut bool) -> Result<Next, StageError> {
        let (mut next, mut failed) = (None, None);
        let (voice, landing_taken) = (&mut *self.voice, &mut self.landing_taken);
        let done = self.agent.fill(session, self.goal, &mut |event: Event| {
            *advanced |= matches!(event.what, What::Done { .. });
            match &event.what {
                What::Begin { task }
                    if matches!(
                        task.step,
                        StepId::AddLanding | StepId::MakeLanding | StepId::TakeMemory
                    ) =>
                {
                    *landing_taken = true;
                }
                What::Need { image, offset } => next = Some(Next::Image(*image, *offset)),
                What::Complete => next = Some(Next::Reached),
                What::Failed { .. } => failed = Word::of(&event.what),
                _ => {}
            }
            voice.event(&event);
        });
        done.map_err(|error| StageError::talk(error, failed))?;
        next.ok_or_else(|| SshError::unreachable("the node did not say what it needs next").into())
    }

    fn send(
        &mut self,
        session: &Session,
        image: ImageRole,
        offset: u64,
        advanced: &mut bool,
    ) -> Result<(), StageError> {
        let supplies = self.supplies.ok_or_else(|| StageError::needs_job(image))?;
        let mut upload = Upload::open(supplies.images.path(image), offset)?;
        let input = upload.input();
        let total = self.run.plan.image(image).size;
        let what = format!("send the {image}");
        let voice = &mut *self.voice;
        let mut failed = None;
        let sent = self
            .agent
            .receive(session, image, offset, input, &mut |event| {
                if let Some(event) = event {
                    failed = Word::of(&event.what).or(failed.take());
                    voice.event(&event);
                }
                voice.progress(&what, offset.saturating_add(upload.sent()), total);
            });
        voice.clear();
        *advanced |= upload.sent() > 0;
        sent.map_err(|error| StageError::talk(error, failed))
    }

    /// After a step failed: the landing partition becomes what it was, if it was taken.
    fn give_up(&mut self, trouble: Trouble) -> Trouble {
        if trouble.exit == Exit::Interrupted || !self.landing_taken {
            return trouble;
        }
        let (voice, agent) = (&mut *self.voice, self.agent);
        let tools = self.run.tools;
        let open = Session::open(&tools.route(self.run.node), &tools.interrupt);
        let back = open.and_then(|session| {
            agent.take_back(&session, Some(&self.run.plan.run), &mut |event| {
                voice.event(&event);
            })?;
            agent.remove(&session)
        });
        match back {
            Ok(()) => trouble.hint("the node is as it was: nothing else was changed, and its landing partition is given back"),
            Err(error) => trouble.hint(format!(
                "of the old system nothing was changed but its landing partition, which is not what it was ({error}); {}, or try `jumpimg abort {}`",
                if self.goal == Goal::Arm { arming(&self.run.plan) } else { NOT_ARMED.to_owned() },
                self.run.node
            )),
        }
    }

    /// Waits before the next attempt, or says why there is none.
    fn pause(&mut self, error: StageError, failures: usize) -> Result<(), Trouble> {
        let (Some(why), Some(&pause)) = (error.passing(), PAUSES.get(failures)) else {
            return Err(error.trouble(self.run.node));
        };
        self.voice.say(&format!("{why}; again in {pause} s"));
        if self.run.tools.interrupt.sleep(Duration::from_secs(pause)) {
            return Err(SshError::Interrupted.trouble(self.run.node));
        }
        Ok(())
    }
}

/// The node's own word for what failed.
struct Word {
    failure: Failure,
    next: event::Next,
}

impl Word {
    fn of(what: &What) -> Option<Box<Self>> {
        let What::Failed { failure, next } = what else {
            return None;
        };
        let failure = failure.clone();
        Some(Box::new(Self {
            failure,
            next: *next,
        }))
    }
}

/// What ended an attempt.
enum StageError {
    /// The talk with the node came to this.
    Talk {
        error: SshError,
        /// The node's own word for it.
        failed: Option<Box<Word>>,
    },
    /// Nothing that another attempt would change.
    Final(Trouble),
}

impl StageError {
    fn talk(error: SshError, failed: Option<Box<Word>>) -> Self {
        Self::Talk { error, failed }
    }

    /// The node lacks an image, and there is no job that names it.
    fn needs_job(image: ImageRole) -> Self {
        let why = format!("the node lacks a part of the {image}");
        Self::Final(
            Trouble::new(Exit::Refused, "needs-job", why).hint("name the run's job with --job"),
        )
    }

    /// The node took all of an image, and wants more of it.
    fn asks_again(image: ImageRole) -> Self {
        let why = format!("the node has taken all of the {image} and asks for it again");
        Self::Final(
            Trouble::new(Exit::Failed, "no-progress", why)
                .hint("what runs there is not what jump put there, or its disk loses what is written: log in and see"),
        )
    }

    fn busy(&self) -> bool {
        let Self::Talk { error, .. } = self else {
            return false;
        };
        error.exit() == Some(NodeExit::Busy)
    }

    /// What may be otherwise in a moment, in words.
    fn passing(&self) -> Option<String> {
        match self {
            Self::Talk {
                error,
                failed: None,
            } if self.busy() || error.is_connection() => Some(error.to_string()),
            _ => None,
        }
    }

    fn trouble(self, node: &str) -> Trouble {
        match self {
            Self::Talk {
                failed: Some(word), ..
            } => Trouble::new(Exit::Failed, "step-failed", render::coded(&word.failure))
                .because(word.failure)
                .hint(word.next.to_string()),
            Self::Talk { error, .. } => error.trouble(node),
            Self::Final(trouble) => trouble,
        }
    }
}

impl From<SshError> for StageError {
    fn from(error: SshError) -> Self {
        Self::talk(error, None)
    }
}
