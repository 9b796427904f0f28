//! Looks at a node and works its plan out: what `check` shows and `push` begins with.
//! Changes nothing on the node but for a private directory, in memory where that takes programs.

use jumpspec::disk::FoundPartition;
use jumpspec::node::facts::Facts;
use jumpspec::plan::{LANDING_LABEL, Plan};
use jumpspec::planner::Rehearsal;
use jumpspec::words::run_id::RunId;

use crate::error::{Exit, Trouble};
use crate::node::agent::Agent;
use crate::node::random::{random_bits, random_hex};
use crate::node::run_dir::RunDir;
use crate::node::ssh::{Session, SshError};
use crate::node::supplies::{Supplies, Whose};
use crate::node::tools::Tools;

/// A node that was looked at, and the plan for it.
///
/// Changed on it: nothing but a private directory with our programs, which goes with
/// [`Surveyed::leave`]. Dropped, the connection ends and that directory stays.
pub(crate) struct Surveyed<'a> {
    pub(super) supplies: &'a Supplies<'a>,
    pub(super) node: &'a str,
    pub(super) session: Session,
    pub(super) agent: Agent,
    pub(super) facts: Facts,
    /// The admin host's secret, for this run.
    pub(super) mark: String,
    pub(super) plan: Plan,
}

impl<'a> Surveyed<'a> {
    /// Looks at `node`. What cannot be looked at or planned for is left as it was found.
    pub(crate) fn of(
        supplies: &'a Supplies<'a>,
        node: &'a str,
        rehearsal: Option<Rehearsal>,
    ) -> Result<Self, Trouble> {
        let tools = supplies.tools;
        let (run, mark) = (RunId::new(random_bits()?), random_hex()?);
        let session = Session::open(&tools.route(node), &tools.interrupt)
            .map_err(|error| in_jump(tools, node, &error).unwrap_or_else(|| error.trouble(node)))?;
        let agent = Agent::upload(&session, &run, &tools.jumpinit, supplies.room())
            .map_err(|error| error.trouble(node))?;
        let planned = planned(supplies, &session, &agent, |facts| {
            let (run, mark) = (&run, mark.as_str());
            supplies.plan(&Whose { node, run, mark }, facts, rehearsal)
        });
        let (facts, mut plan) = planned.inspect_err(|_| {
            // The first trouble is the one to tell.
            agent.remove(&session).ok();
        })?;
        plan.notes.extend(done_before(tools, node, &plan));
        plan.notes.extend(agent.note());
        Ok(Self {
            supplies,
            node,
            session,
            agent,
            facts,
            mark,
            plan,
        })
    }

    /// What would happen to it.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What it is.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What would happen to it and what it is, without the connection to it.
    pub(crate) fn into_found(self) -> (Plan, Facts) {
        (self.plan, self.facts)
    }

    /// Leaves the node as it was found, and keeps its plan for a later connection.
    pub(crate) fn set_aside(self) -> Result<Planned<'a>, Trouble> {
        self.leave()?;
        Ok(Planned {
            supplies: self.supplies,
            node: self.node,
            facts: self.facts,
            mark: self.mark,
            plan: self.plan,
        })
    }

    /// Leaves the node as it was found.
    pub(crate) fn leave(&self) -> Result<(), Trouble> {
        let removed = self.agent.remove(&self.session);
        removed.map_err(|error| error.trouble(self.node))
    }
}

/// A node that was looked at, and to which there is no connection.
///
/// Changed on it: nothing.
pub(crate) struct Planned<'a> {
    supplies: &'a Supplies<'a>,
    node: &'a str,
    facts: Facts,
    mark: String,
    plan: Plan,
}

impl<'a> Planned<'a> {
    /// What would happen to it.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What it was found to be.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Connects to it again. A node that is another than it was found to be refuses its plan by itself.
    pub(crate) fn again(self) -> Result<Surveyed<'a>, Trouble> {
        let (supplies, node) = (self.supplies, self.node);
        let failed = |error: SshError| error.trouble(node);
        let tools = supplies.tools;
        let session = Session::open(&tools.route(node), &tools.interrupt).map_err(failed)?;
        let run = &self.plan.run;
        let agent = Agent::upload(&session, run, &tools.jumpinit, supplies.room());
        Ok(Surveyed {
            agent: agent.map_err(failed)?,
            session,
            supplies,
            node,
            facts: self.facts,
            mark: self.mark,
            plan: self.plan,
        })
    }
}

/// Asks the node what it is, and plans.
fn planned(
    supplies: &Supplies<'_>,
    session: &Session,
    agent: &Agent,
    plan: impl FnOnce(&Facts) -> Result<Plan, Trouble>,
) -> Result<(Facts, Plan), Trouble> {
    let facts = agent.facts(session, &supplies.job.job, &supplies.interpreters())?;
    let facts = refuse_jump_system(facts)?;
    let plan = plan(&facts)?;
    Ok((facts, plan))
}

/// What answers has another host key than the node: its jump system, if it has the run's.
fn in_jump(tools: &Tools, node: &str, error: &SshError) -> Option<Trouble> {
    let latest = tools.state.latest(node).filter(RunDir::is_pinned)?;
    if !matches!(error, SshError::HostKey(_)) {
        return None;
    }
    let mut route = tools.route(node);
    route.keys = latest.host_keys();
    Session::open(&route, &tools.interrupt).ok()?;
    Some(jump_system_runs(latest.run()))
}

/// A jump system is no system to replace.
fn refuse_jump_system(facts: Facts) -> Result<Facts, Trouble> {
    let label = |partition: &FoundPartition| partition.content.as_ref()?.label.clone();
    let root = facts.root().and_then(|(_, partition)| label(partition));
    match (root.as_deref(), &facts.jump) {
        (Some(LANDING_LABEL), Some(jump)) => Err(jump_system_runs(&jump.run)),
        _ => Ok(facts),
    }
}

fn jump_system_runs(run: &str) -> Trouble {
    Trouble::new(
        Exit::Refused,
        "in-jump",
        format!("is in its jump system, in run {run}"),
    )
    .hint("see `jumpimg status`; if it gave up, `jumpimg resume` goes on, with --job also with another image")
}

/// That this host has made the node of this very image before.
fn done_before(tools: &Tools, node: &str, plan: &Plan) -> Option<String> {
    let latest = tools.state.latest(node)?;
    let before = latest.plan().ok()?;
    let same = latest.is_finished() && before.images.target.digest == plan.images.target.digest;
    same.then(|| {
        format!(
            "run {} has made this node of this very image already; this does it again",
            before.run
        )
    })
}
