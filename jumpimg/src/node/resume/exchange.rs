//! Another job for a run that is stuck: its plan, and the image and plan put in the old ones' place.

use anyhow::Context as _;
use jumpspec::facts::Facts;
use jumpspec::plan::Plan;
use jumpspec::status::Kept;
use jumpspec::succession;

use crate::error::{Exit, Trouble};
use crate::node::agent::{Agent, Goal};
use crate::node::phases::key::KeyPair;
use crate::node::phases::run::Run;
use crate::node::phases::stage::{Staging, bundle};
use crate::node::random::random_hex;
use crate::node::ssh::Session;
use crate::node::supplies::{Purpose, Supplies};

/// The plan of the new job for the node as it was, with the secret that it goes by.
pub(super) fn successor(
    supplies: &Supplies<'_>,
    kept: &Kept,
    known: Option<String>,
) -> Result<(Plan, String), Trouble> {
    let facts = known_facts(kept)?;
    let mark = known.map_or_else(random_hex, Ok)?;
    let mut next = supplies.plan(&kept.plan.run, &mark, facts, Purpose::Replace)?;
    succession::check(&kept.plan, &next)?;
    next.notes.extend(succession::not_saved(&kept.plan, &next));
    Ok((next, mark))
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
    supplies: &Supplies<'_>,
    kept: &Kept,
    next: Plan,
    mark: &str,
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
    let bundle = bundle(supplies, &next, facts, key);
    run.plan = next;
    let agent = Agent::upload(
        &session,
        &run.plan.run,
        &supplies.tools.jumpinit,
        supplies.room(),
    )
    .map_err(|error| error.trouble(node))?;
    let mut staging = Staging {
        run,
        supplies: Some(supplies),
        goal: Goal::Exchange,
        bundle: Some(bundle),
        landing_taken: false,
    };
    let session = staging.reach(session, &agent)?;
    agent
        .remove(&session)
        .map_err(|error| error.trouble(node))?;
    run.dir.write_plan(&run.plan)?;
    run.dir.write_mark(mark)?;
    run.mark = Some(mark.to_owned());
    Ok(session)
}
