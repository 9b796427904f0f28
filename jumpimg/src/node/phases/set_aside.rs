//! A node that is staged and left to itself: its old system runs, it is not armed, and there is no
//! connection to it.

use std::time::{Duration, Instant};

use jumpspec::step::ImageRole;

use super::agree::Agreed;
use super::jump::{Jumped, Start};
use super::run::Run;
use crate::error::Trouble;
use crate::node::agent::{Agent, boot_id};
use crate::node::run_dir::RunDir;
use crate::node::ssh::{Session, SshError};
use crate::node::supplies::Supplies;
use crate::node::tools::Tools;

/// A node that is staged as far as it came, and waits.
///
/// Changed on it: its landing partition. A reboot boots its old system, which then has nothing of the run
/// in memory any more.
pub(crate) struct SetAside<'a> {
    run: Run<'a>,
    supplies: Option<&'a Supplies<'a>>,
    /// Where jumpinit is, if this program put it there.
    agent: Option<Agent>,
    begins: bool,
    /// How long it was worked on: the time that it waits is nobody's.
    spent: Duration,
}

impl<'a> SetAside<'a> {
    pub(super) fn of(agreed: Agreed<'a>) -> Self {
        Self {
            spent: agreed.run.begun.elapsed(),
            run: agreed.run,
            supplies: agreed.supplies,
            agent: Some(agreed.agent),
            begins: agreed.begins,
        }
    }

    /// A node whose run this host has in `dir`, and may have left anywhere.
    pub(crate) fn of_dir(
        supplies: &'a Supplies<'a>,
        node: &'a str,
        dir: RunDir,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            run: Run {
                tools: supplies.tools,
                node,
                plan: dir.plan()?,
                begun: Instant::now(),
                mark: dir.mark(),
                target: Some(supplies.images.path(ImageRole::Target).to_owned()),
                dir,
            },
            supplies: Some(supplies),
            agent: None,
            begins: false,
            spent: Duration::ZERO,
        })
    }

    /// Connects to it again, by `tools`.
    pub(crate) fn again(mut self, tools: &'a Tools) -> Result<Agreed<'a>, Trouble> {
        self.is_worked_on_by(tools);
        let session = Session::open(&tools.route(self.run.node), &tools.interrupt)
            .map_err(|error| error.trouble(self.run.node))?;
        self.with(session)
    }

    fn is_worked_on_by(&mut self, tools: &'a Tools) {
        let now = Instant::now();
        self.run.begun = now.checked_sub(self.spent).unwrap_or(now);
        self.run.tools = tools;
    }

    fn with(self, session: Session) -> Result<Agreed<'a>, Trouble> {
        let Self {
            run,
            supplies,
            agent,
            begins,
            ..
        } = self;
        let agent = match agent {
            Some(agent) => agent,
            // The run's own directory, in which the bundle is.
            None => Agent::upload(&session, &run.plan.run, &run.tools.jumpinit, 0)
                .map_err(|error| error.trouble(run.node))?,
        };
        Ok(Agreed {
            begins,
            ..Agreed::before(run, session, agent, supplies)
        })
    }

    /// Finds out, by `tools`, whether the node has left the boot that it was staged in.
    pub(crate) fn whereabouts(mut self, tools: &'a Tools) -> Result<Whereabouts<'a>, Trouble> {
        self.is_worked_on_by(tools);
        let node = self.run.node;
        let stays = Session::open(&tools.route(node), &tools.interrupt).and_then(|session| {
            let same = boot_id(&session)? == self.run.plan.boot_id;
            Ok(same.then_some(session))
        });
        match stays {
            Ok(Some(session)) => self.with(session).map(Whereabouts::Before),
            Err(SshError::Interrupted) => Err(SshError::Interrupted.trouble(node)),
            // Whoever looks again will see.
            Ok(None) | Err(_) => {
                let start = Start {
                    boot_id: self.run.plan.boot_id.clone(),
                    offset: 0,
                };
                let times = self.run.armed_now();
                Ok(Whereabouts::Behind(Jumped::anew(self.run, start, times)))
            }
        }
    }
}

/// On which side of its reboot a node is.
pub(crate) enum Whereabouts<'a> {
    /// Its old system runs, in the boot that it was staged in.
    Before(Agreed<'a>),
    /// Elsewhere, or nowhere yet.
    Behind(Jumped<'a>),
}
