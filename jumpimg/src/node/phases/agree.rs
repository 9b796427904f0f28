//! The admin's yes, to any number of plans at once, and what a node is after it.

use std::collections::BTreeSet;
use std::time::Instant;

use jumpspec::plan::Plan;
use jumpspec::run::bundle::Bundle;
use jumpspec::step::ImageRole;
use jumpspec::words::run_id::RunId;

use super::bundle::bundle;
use super::key::{self, KeyPair};
use super::run::Run;
use super::survey::Surveyed;
use crate::error::{Exit, Trouble};
use crate::node::agent::Agent;
use crate::node::nodes::fold::folded;
use crate::node::run_dir::RunDir;
use crate::node::ssh::Session;
use crate::node::supplies::Supplies;
use crate::node::tell::Voice;
use crate::terminal::ask::{Yes, ask};
use crate::terminal::interrupt::Interrupt;

/// The admin's yes to plans, which are known by their runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agreement(BTreeSet<RunId>);

impl Agreement {
    /// Was given on the command line, whatever the plans are.
    pub(crate) fn given(plans: &[&Plan]) -> Self {
        Self(plans.iter().map(|plan| plan.run.clone()).collect())
    }

    /// Asks once, for all of `plans`.
    pub(crate) fn ask(plans: &[&Plan], interrupt: &Interrupt) -> Result<Self, Trouble> {
        let names: Vec<_> = plans.iter().map(|plan| plan.hostname.as_str()).collect();
        let trips = if plans.iter().all(|plan| plan.landing.is_volatile()) {
            Trips::ByKexec
        } else if plans.iter().all(|plan| plan.rehearsal) {
            Trips::ByFirmware
        } else {
            Trips::OneWay
        };
        let (question, yes) = question(&names, trips);
        ask(&question, &yes, interrupt)?;
        Ok(Self::given(plans))
    }

    fn covers(&self, plan: &Plan) -> bool {
        self.0.contains(&plan.run)
    }
}

/// What the nodes are to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trips {
    /// A replacement.
    OneWay,
    /// A rehearsal by the firmware.
    ByFirmware,
    /// A rehearsal in memory.
    ByKexec,
}

/// What to ask about the nodes with these host names, and the answer that is a yes.
fn question(names: &[&str], trips: Trips) -> (String, Yes) {
    let (whom, yes) = match names {
        [one] => ((*one).to_owned(), Yes::HostName((*one).to_owned())),
        several => (
            format!(
                "{} nodes ({})",
                several.len(),
                folded(several.iter().copied())
            ),
            Yes::Count(several.len()),
        ),
    };
    let question = match (trips, names.len()) {
        (Trips::ByKexec, 1) => {
            format!("Rehearse on {whom}? It shuts down, and comes back as it is.")
        }
        (Trips::ByKexec, _) => {
            format!("Rehearse on {whom}? Each shuts down, and comes back as it is.")
        }
        (Trips::ByFirmware, 1) => {
            format!("Rehearse on {whom}? It reboots twice and comes back as it is.")
        }
        (Trips::ByFirmware, _) => {
            format!("Rehearse on {whom}? Each reboots twice and comes back as it is.")
        }
        (Trips::OneWay, _) => format!("Replace the operating system of {whom}?"),
    };
    (question, yes)
}

/// A node whose plan the admin has agreed to; its run is kept on this host.
///
/// Changed on it: nothing more than on a [`Surveyed`] one; or, of a run that goes on, what it has of
/// that. Dropped, it stays so.
pub(crate) struct Agreed<'a> {
    pub(super) run: Run<'a>,
    pub(super) session: Session,
    pub(super) agent: Agent,
    /// The job's files, where there is a job: a node that has all of them wants none.
    pub(super) supplies: Option<&'a Supplies<'a>>,
    /// What goes to the node before the first step; a run that goes on has it there.
    pub(super) bundle: Option<Bundle>,
    /// Whether the run has begun with this: what fails is taken back then.
    pub(super) begins: bool,
}

impl<'a> Surveyed<'a> {
    /// Begins the run that was agreed to, on this host alone. If that fails, the node is left as it
    /// was found.
    pub(crate) fn agree(
        self,
        agreement: &Agreement,
        voice: &mut Voice,
    ) -> Result<Agreed<'a>, Trouble> {
        let (dir, key) = self.begin(agreement, voice).inspect_err(|_| {
            // The first trouble is the one to tell.
            self.leave().ok();
        })?;
        let bundle = bundle(self.supplies, &self.plan, &self.facts, key);
        Ok(Agreed {
            run: Run {
                tools: self.supplies.tools,
                node: self.node,
                plan: self.plan,
                dir,
                begun: Instant::now(),
                mark: Some(self.mark),
                target: Some(self.supplies.images.path(ImageRole::Target).to_owned()),
            },
            session: self.session,
            agent: self.agent,
            supplies: Some(self.supplies),
            bundle: Some(bundle),
            begins: true,
        })
    }

    /// Begins to keep a run on this host, with a host key for its jump system.
    fn begin(
        &self,
        agreement: &Agreement,
        voice: &mut Voice,
    ) -> Result<(RunDir, KeyPair), Trouble> {
        let run = &self.plan.run;
        if !agreement.covers(&self.plan) {
            let why = "nothing was done: nobody has agreed to its plan";
            return Err(Trouble::new(Exit::Refused, "not-confirmed", why));
        }
        let key = key::make(run)?;
        let state = &self.supplies.tools.state;
        let dir = state.begin(run)?;
        dir.write_plan(&self.plan)?;
        dir.write_facts(&self.facts)?;
        dir.pin(&key.public)?;
        dir.write_mark(&self.mark)?;
        let events = dir.events()?;
        state.set_latest(self.node, run)?;
        voice.keep(events);
        Ok((dir, key))
    }
}

impl<'a> Agreed<'a> {
    /// A node that a run was begun on, and stands still on in its old system. What was agreed to
    /// then still is.
    pub(crate) fn before(
        run: Run<'a>,
        session: Session,
        agent: Agent,
        supplies: Option<&'a Supplies<'a>>,
    ) -> Self {
        Self {
            run,
            session,
            agent,
            supplies,
            bundle: None,
            begins: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_node_is_asked_about_by_its_name_and_several_by_their_count() {
        let (asked, yes) = question(&["node07"], Trips::OneWay);
        assert_eq!(asked, "Replace the operating system of node07?");
        assert_eq!(yes, Yes::HostName("node07".to_owned()));
        let (asked, yes) = question(&["a", "b"], Trips::ByFirmware);
        assert_eq!(
            asked,
            "Rehearse on 2 nodes (a,b)? Each reboots twice and comes back as it is."
        );
        assert_eq!(yes, Yes::Count(2));
    }
}
