//! A node that is staged and left to itself: its old system runs, it is not armed, and there is no
//! connection to it.

use std::time::{Duration, Instant};

use jumpspec::step::ImageRole;

use super::agree::Agreed;
use super::run::Run;
use crate::error::Trouble;
use crate::node::agent::Agent;
use crate::node::run_dir::RunDir;
use crate::node::ssh::Session;
use crate::node::supplies::Supplies;
use crate::node::tools::Tools;

/// A node that is staged as far as it came, and waits.
///
/// Changed on it: its landing partition. A reboot boots its old system, which then has nothing of the run
/// in memory any more.
pub(crate) struct SetAside<'a> {
    pub(super) run: Run<'a>,
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

    /// From now on it is worked on.
    pub(super) fn is_worked_on_by(&mut self, tools: &'a Tools) {
        let now = Instant::now();
        self.run.begun = now.checked_sub(self.spent).unwrap_or(now);
        self.run.tools = tools;
    }

    /// The node behind an open connection.
    pub(super) fn with(self, session: Session) -> Result<Agreed<'a>, Trouble> {
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
}
