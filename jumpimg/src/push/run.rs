//! One run on one node, from a plan that was agreed to until the node reboots.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use jumpspec::bundle::Bundle;
use jumpspec::event::{Event, What};
use jumpspec::plan::Plan;
use jumpspec::status::EXIT_BUSY;
use jumpspec::step::{ImageRole, Step};

use super::key::HostKey;
use super::upload::Upload;
use crate::node::Agent;
use crate::run_dir::RunDir;
use crate::ssh::{Session, SshError};
use crate::survey::Common;
use crate::trouble::{Exit, Trouble};
use crate::voice::Voice;

/// A connection that breaks is made again, after pauses of so many seconds, this often
/// without anything having got on.
const PAUSES: [u64; 8] = [1, 2, 5, 10, 20, 30, 60, 60];

/// One run on one node.
pub(super) struct Run<'a> {
    pub(super) common: &'a Common<'a>,
    pub(super) node: &'a str,
    pub(super) plan: Plan,
    pub(super) dir: RunDir,
    pub(super) voice: &'a mut Voice,
    pub(super) begun: Instant,
    /// Whether the landing partition was written to.
    pub(super) landing_taken: bool,
}

/// What goes to the node before the first step, once.
struct Luggage {
    bundle: Bundle,
    handed_over: bool,
}

/// What the node wants next.
enum Next {
    Image(ImageRole, u64),
    Reboot,
}

impl Run<'_> {
    /// Does the old system's part: the node is armed when this returns, and the connection
    /// is still open.
    pub(super) fn stage(
        &mut self,
        session: Session,
        agent: &Agent,
        key: HostKey,
    ) -> Result<Session, Trouble> {
        let bundle = Bundle {
            plan: self.plan.clone(),
            host_key: key.private,
            host_key_public: key.public,
            authorized_keys: self.common.job.authorized_keys.clone(),
            hooks: self.common.job.hooks.clone(),
        };
        let mut luggage = Luggage {
            bundle,
            handed_over: false,
        };
        let mut session = Some(session);
        let mut failures = 0;
        loop {
            let (advanced, result) = self.attempt(&mut session, agent, &mut luggage);
            let error = match result {
                Ok(()) => break,
                Err(error) => error,
            };
            if advanced {
                failures = 0;
            }
            self.pause(error, failures)?;
            failures += 1;
        }
        session
            .context("the connection is gone")
            .map_err(Trouble::from)
    }

    /// Goes on until the node is armed or something fails; whether anything got on.
    fn attempt(
        &mut self,
        session: &mut Option<Session>,
        agent: &Agent,
        luggage: &mut Luggage,
    ) -> (bool, Result<(), StageError>) {
        let mut advanced = false;
        let open = match session.take() {
            Some(open) => open,
            None => match Session::open(&self.common.args.route(self.node), &self.common.interrupt)
            {
                Ok(open) => open,
                Err(error) => return (advanced, Err(error.into())),
            },
        };
        if !luggage.handed_over {
            if let Err(error) = agent.hand_over(&open, &luggage.bundle, &self.common.images.toolbox)
            {
                return (advanced, Err(error.into()));
            }
            luggage.handed_over = true;
        }
        loop {
            let next = self.steps(&open, agent, &mut advanced);
            let sent = match next {
                Ok(Next::Image(image, offset)) => {
                    self.send(&open, agent, image, offset, &mut advanced)
                }
                Ok(Next::Reboot) => {
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

    fn steps(
        &mut self,
        session: &Session,
        agent: &Agent,
        advanced: &mut bool,
    ) -> Result<Next, StageError> {
        let (mut next, mut failed) = (None, None);
        let (voice, landing_taken) = (&mut *self.voice, &mut self.landing_taken);
        let done = agent.stage(session, &mut |event: Event| {
            *advanced |= matches!(event.what, What::Done { .. });
            match &event.what {
                What::Begin { step } if *step == Step::MakeLanding.to_string() => {
                    *landing_taken = true;
                }
                What::Need { image, offset } => next = Some(Next::Image(*image, *offset)),
                What::Complete => next = Some(Next::Reboot),
                What::Failed { .. } => failed = Some(event.what.clone()),
                _ => {}
            }
            voice.event(&event);
        });
        done.map_err(|error| StageError { error, failed })?;
        next.ok_or_else(|| SshError::unreachable("the node did not say what it needs next").into())
    }

    fn send(
        &mut self,
        session: &Session,
        agent: &Agent,
        image: ImageRole,
        offset: u64,
        advanced: &mut bool,
    ) -> Result<(), StageError> {
        let upload = Upload::open(self.common.images.path(image), offset)?;
        let total = self.plan.image(image).size;
        let what = format!("send the {image}");
        let voice = &mut *self.voice;
        let mut failed = None;
        let sent = agent.receive(session, image, offset, upload.input()?, &mut |event| {
            if let Some(event) = event {
                if matches!(event.what, What::Failed { .. }) {
                    failed = Some(event.what.clone());
                }
                voice.event(&event);
            }
            voice.progress(&what, offset + upload.sent(), total);
        });
        voice.clear();
        *advanced |= upload.sent() > 0;
        sent.map_err(|error| StageError { error, failed })
    }

    /// After a step failed: the landing partition becomes swap again, if it was taken.
    pub(super) fn give_up(&mut self, agent: &Agent, trouble: Trouble) -> Trouble {
        if trouble.exit == Exit::Interrupted || !self.landing_taken {
            return trouble;
        }
        let voice = &mut *self.voice;
        let open = Session::open(&self.common.args.route(self.node), &self.common.interrupt);
        let back = open.and_then(|session| {
            agent.take_back(&session, &mut |event| voice.event(&event))?;
            agent.remove(&session)
        });
        match back {
            Ok(()) => trouble.hint("the node is as it was: nothing else was changed, and the landing partition is swap again"),
            Err(error) => trouble.hint(format!("the old system runs, but its landing partition is swap no more: {error}")),
        }
    }

    /// Waits before the next attempt, or says why there is none.
    fn pause(&mut self, error: StageError, failures: usize) -> Result<(), Trouble> {
        if !error.busy() && !error.error.is_connection() || error.failed.is_some() {
            return Err(error.trouble(self.node));
        }
        let Some(&pause) = PAUSES.get(failures) else {
            return Err(error.trouble(self.node));
        };
        self.voice
            .say(&format!("{}; again in {pause} s", error.error));
        if self.common.interrupt.sleep(Duration::from_secs(pause)) {
            return Err(SshError::Interrupted.trouble(self.node));
        }
        Ok(())
    }
}

/// What ended an attempt.
struct StageError {
    error: SshError,
    /// The node's own word for it.
    failed: Option<What>,
}

impl StageError {
    fn busy(&self) -> bool {
        matches!(
            self.error,
            SshError::Remote {
                status: EXIT_BUSY,
                ..
            }
        )
    }

    fn trouble(self, node: &str) -> Trouble {
        match self.failed {
            Some(What::Failed { step, error, next }) => {
                Trouble::new(Exit::Failed, "step-failed", format!("{step}: {error}")).hint(next)
            }
            _ => self.error.trouble(node),
        }
    }
}

impl From<SshError> for StageError {
    fn from(error: SshError) -> Self {
        Self {
            error,
            failed: None,
        }
    }
}
