//! Another job for a run that is stuck: its plan, and the image and plan put in the old ones' place.

use anyhow::Context as _;
use jumpspec::node::facts::Facts;
use jumpspec::plan::Plan;
use jumpspec::planner::succession;
use jumpspec::run::status::Kept;

use crate::error::{Exit, Trouble};
use crate::node::agent::{Agent, Goal};
use crate::node::phases::bundle::bundle;
use crate::node::phases::key::KeyPair;
use crate::node::phases::run::Run;
use crate::node::phases::stage::Staging;
use crate::node::random::random_hex;
use crate::node::ssh::Session;
use crate::node::supplies::{Supplies, Whose};
use crate::node::tell::Voice;

/// What a run goes on by in the place of its plan.
pub(super) struct Successor {
    pub(super) plan: Plan,
    /// The secret that it goes by.
    pub(super) mark: String,
}

/// The plan of the new job for the node as it was.
pub(super) fn successor(
    supplies: &Supplies<'_>,
    node: &str,
    kept: &Kept,
    known: Option<String>,
) -> Result<Successor, Trouble> {
    let facts = succession::facts_since(&kept.plan, known_facts(kept)?);
    let mark = known.map_or_else(random_hex, Ok)?;
    let whose = Whose {
        node,
        run: &kept.plan.run,
        mark: &mark,
    };
    let mut plan = supplies.plan(&whose, &facts, None)?;
    succession::check(&kept.plan, &plan)?;
    plan.notes.extend(succession::not_saved(&kept.plan, &plan));
    Ok(Successor { plan, mark })
}

fn known_facts(kept: &Kept) -> Result<&Facts, Trouble> {
    kept.facts.as_ref().ok_or_else(|| {
        Trouble::new(
            Exit::Refused,
            "no-facts",
            "the node does not know any more what it was, so no other plan can be made for it",
        )
    })
}

/// Sends the new job's image, if it is another one, and puts the new plan in the old one's place.
pub(super) fn exchange(
    run: &mut Run<'_>,
    voice: &mut Voice,
    supplies: &Supplies<'_>,
    kept: &Kept,
    next: Successor,
    session: Session,
) -> Result<Session, Trouble> {
    let node = run.node;
    let facts = known_facts(kept)?;
    // Its host key is the jump system's already.
    let public = kept.host_key_public.clone();
    let key = KeyPair {
        private: String::new(),
        public: public.context("the node does not know the jump system's host key any more")?,
    };
    let bundle = bundle(supplies, &next.plan, facts, key);
    run.plan = next.plan;
    let agent = Agent::upload(
        &session,
        &run.plan.run,
        &supplies.tools.jumpinit,
        supplies.room(),
    )
    .map_err(|error| error.trouble(node))?;
    let mut staging = Staging {
        run,
        voice,
        agent: &agent,
        supplies: Some(supplies),
        goal: Goal::Exchange,
        bundle: Some(bundle),
        landing_taken: false,
    };
    let session = staging.reach(session)?;
    agent
        .remove(&session)
        .map_err(|error| error.trouble(node))?;
    run.dir.write_plan(&run.plan)?;
    run.dir.write_mark(&next.mark)?;
    run.mark = Some(next.mark);
    Ok(session)
}
