//! Taking over a run that another admin host has begun. What the node says of it is kept here, and
//! its jump system is known by the host key that the node names: never without asking, and never in
//! the place of what this host knows itself.

use jumpspec::plan::Plan;
use jumpspec::run::status::Kept;
use jumpspec::step::Step;
use jumpspec::words::run_id::RunId;

use crate::error::{Exit, Trouble};
use crate::node::run_dir::{RunDir, StateDir};
use crate::node::tools::Tools;
use crate::terminal::ask::{Yes, ask, can_ask};

/// This host's own directory of `run`, which `node` says it is in, if it was begun here.
///
/// # Errors
/// A run of another node: a node could speak for that one.
pub(crate) fn ours(state: &StateDir, node: &str, run: &RunId) -> Result<Option<RunDir>, Trouble> {
    let latest = state.latest(node).filter(|latest| latest.run() == run);
    if latest.is_some() || state.known(run).is_none() {
        return Ok(latest);
    }
    let nodes = state.nodes_of(run).join(", ");
    let message = if nodes.is_empty() {
        format!("says that it is in run {run}, which is an older run of this host's")
    } else {
        format!("says that it is in run {run}, which this host knows as one of {nodes}")
    };
    Err(Trouble::new(Exit::Refused, "another-nodes-run", message)
        .hint("if it is the same node, call it by the name that it was pushed to by"))
}

/// A plan that waits for the host which has begun it would wait in vain.
pub(crate) fn refuse_without_mark(plan: &Plan, mark: Option<&String>) -> Result<(), Trouble> {
    let steps = &plan.steps;
    let waits = steps.new.contains(&Step::CheckAdmin) || steps.prove.contains(&Step::ProveAdmin);
    if !waits || mark.is_some() {
        return Ok(());
    }
    let why = format!(
        "run {} waits for the login of the admin host that began it, and this host does not have its secret",
        plan.run
    );
    Err(Trouble::new(Exit::Refused, "no-secret", why)
        .hint("resume from that host, or with --job (which makes a new secret once jump gave up)"))
}

/// Whether the admin agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// On the command line.
    Given,
    /// To be asked for.
    Asked,
    /// Neither given nor to be asked for.
    Missing,
}

/// What a node says of another host's run.
pub(crate) struct Claim<'a> {
    pub(crate) node: &'a str,
    pub(crate) kept: &'a Kept,
    /// Who has begun it, in the node's words.
    pub(crate) origin: Option<&'a str>,
}

impl Claim<'_> {
    /// Keeps the run on this host too, if the admin agrees.
    pub(crate) fn take_over(&self, tools: &Tools, consent: Consent) -> Result<RunDir, Trouble> {
        match consent {
            Consent::Given => {}
            Consent::Asked if can_ask() => {
                let yes = Yes::HostName(self.kept.plan.hostname.clone());
                ask(&self.question(), &yes, &tools.interrupt)?;
            }
            Consent::Asked | Consent::Missing => return Err(self.not_begun_here()),
        }
        let dir = tools.state.begin(&self.kept.plan.run)?;
        dir.write_plan(&self.kept.plan)?;
        if let Some(facts) = &self.kept.facts {
            dir.write_facts(facts)?;
        }
        if let Some(key) = &self.kept.host_key_public {
            dir.pin(key)?;
        }
        tools.state.set_latest(self.node, &self.kept.plan.run)?;
        Ok(dir)
    }

    fn question(&self) -> String {
        let key = self.kept.host_key_public.as_ref();
        let key = key.map(|key| format!(" Its jump system's host key: {}.", key.fingerprint()));
        format!(
            "Take over run {} of {}, begun by {}?{}",
            self.kept.plan.run,
            self.node,
            self.origin.unwrap_or("somebody"),
            key.unwrap_or_default()
        )
    }

    fn not_begun_here(&self) -> Trouble {
        let run = &self.kept.plan.run;
        let message = match self.origin {
            Some(origin) => format!("run {run} was begun by another admin host: {origin}"),
            None => format!("run {run} was begun by another admin host"),
        };
        Trouble::new(Exit::Refused, "not-begun-here", message).hint(
            "resume from there; or say --take-over, and its jump system is known here by the host key that the node names",
        )
    }
}
