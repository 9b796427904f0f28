//! `jumpimg push`: replaces the operating system of nodes, one after another.
//!
//! Before the admin has agreed, nothing on the node changes but for a private directory
//! in memory, which goes again.

mod ask;
mod follow;
mod follower;
mod key;
mod report;
mod run;
mod upload;
mod waiting;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use jumpspec::plan::Plan;
use jumpspec::render;
use jumpspec::timeline::Timeline;
use serde_json::{Map, json};

use crate::node::{Agent, Goal, boot_id};
use crate::node_args::{NodeArgs, each, node_name};
use crate::run_dir::RunDir;
use crate::ssh::{Session, SshError};
use crate::survey::{Common, Purpose, Survey, Tools, survey};
use crate::trouble::{Exit, Trouble};
use crate::voice::Voice;
pub(crate) use ask::{ask, can_ask};
pub(crate) use follow::Start;
pub(crate) use key::KeyPair;
pub(crate) use run::{Run, Staging, bundle};

/// Replaces the operating system of nodes in place
#[derive(Args, Clone, Debug)]
pub(crate) struct PushArgs {
    /// The job file
    #[arg(long, value_name = "FILE")]
    pub(crate) job: PathBuf,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Stop after showing the plan; nothing is changed
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Only try: the node reboots into the jump system, which proves itself and reboots into the
    /// old one, where everything is made as it was
    #[arg(long)]
    pub(crate) rehearse: bool,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    /// The nodes, as ssh knows them
    #[arg(required = true, value_name = "NODE", value_parser = node_name)]
    pub(crate) node: Vec<String>,
}

/// Pushes to all nodes, one after another; a node that fails does not stop the next.
pub(crate) fn run(args: &PushArgs) -> Result<(), Trouble> {
    let tools = Tools::read(&args.nodes)?;
    let common = Common::read(&tools, &args.job)?;
    each(&args.node, args.nodes.json, |node, voice| {
        push(args, &common, node, voice)
    })
}

fn push(
    args: &PushArgs,
    common: &Common<'_>,
    node: &str,
    voice: &mut Voice,
) -> Result<(), Trouble> {
    let untouched = |trouble: Trouble| interrupted(trouble, node, "nothing was changed on it");
    let purpose = if args.rehearse {
        Purpose::Rehearse
    } else {
        Purpose::Replace
    };
    let survey = survey(common, node, purpose).map_err(untouched)?;
    let agreed = agree(args, common, &survey, voice);
    if args.dry_run || agreed.is_err() {
        let left = survey.leave();
        return agreed.and(left).map_err(untouched);
    }
    let kept = survey.plan.as_ref().map_err(Clone::clone);
    let kept = kept.and_then(|plan| keep(common.tools, node, plan, &survey));
    let (dir, key) = match kept {
        Ok(kept) => kept,
        Err(trouble) => {
            // The first trouble is the one to tell.
            survey.leave().ok();
            return Err(trouble);
        }
    };
    let Survey {
        session,
        agent,
        facts,
        mark,
        plan,
    } = survey;
    let plan = plan?;
    voice.keep(dir.events()?);
    let bundle = bundle(common, &plan, &facts, key);
    let mut run = Run {
        tools: common.tools,
        node,
        plan,
        dir,
        voice,
        begun: Instant::now(),
        mark: Some(mark),
    };
    let mut staging = Staging {
        run: &mut run,
        common: Some(common),
        goal: Goal::Stage,
        bundle: Some(bundle),
        landing_taken: false,
    };
    let armed = staging.stage_and_arm(session, &agent);
    let session = armed.map_err(|trouble| staging.give_up(&agent, trouble))?;
    run.jump(session, &agent)
}

/// Begins to keep a run on this host, with a host key for its jump system.
fn keep(
    tools: &Tools<'_>,
    node: &str,
    plan: &Plan,
    survey: &Survey,
) -> Result<(RunDir, KeyPair), Trouble> {
    let key = key::make(&plan.run)?;
    let dir = tools.state.begin(&plan.run)?;
    dir.write_plan(plan)?;
    dir.write_facts(&survey.facts)?;
    dir.pin(&key.public)?;
    dir.write_mark(&survey.mark)?;
    dir.events()?;
    tools.state.set_latest(node, &plan.run)?;
    Ok((dir, key))
}

impl Run<'_> {
    /// Orders the reboot of an armed node and follows it to the end.
    pub(crate) fn jump(&mut self, session: Session, agent: &Agent) -> Result<(), Trouble> {
        let mut times = Timeline::default();
        times.armed(self.begun.elapsed());
        let boot_id = boot_id(&session).map_err(|error| self.not_ordered(&error))?;
        agent
            .reboot(&session)
            .map_err(|error| self.not_ordered(&error))?;
        drop(session);
        self.follow_to_the_end(&Start { boot_id, offset: 0 }, times)
    }

    /// The node is armed, and its reboot may have been ordered.
    fn not_ordered(&self, error: &SshError) -> Trouble {
        let state = format!(
            "it is armed: if its reboot was ordered it goes on unattended, else the arm ends by itself within {}",
            String::from(self.plan.wait.boot)
        );
        let trouble = error.trouble(self.node);
        if trouble.exit == Exit::Interrupted {
            return interrupted(trouble, self.node, &state);
        }
        trouble.hint(format!("{state}; see `jumpimg status {}`", self.node))
    }

    /// Follows a node that reboots, and tells how it ended.
    pub(crate) fn follow_to_the_end(
        &mut self,
        start: &Start,
        mut times: Timeline,
    ) -> Result<(), Trouble> {
        let node = self.node;
        let followed = self.follow(start, &mut times);
        let followed =
            followed.map_err(|trouble| interrupted(trouble, node, "it goes on unattended"))?;
        self.conclude(&followed, &times)
    }
}

/// Shows the plan, and asks if that was not agreed to on the command line.
fn agree(
    args: &PushArgs,
    common: &Common<'_>,
    survey: &Survey,
    voice: &mut Voice,
) -> Result<(), Trouble> {
    let plan = survey.plan.as_ref().map_err(Clone::clone)?;
    if common.tools.args.json {
        voice.object("plan", Map::from_iter([("plan".to_owned(), json!(plan))]));
    }
    voice.text(&render::plan(plan, &survey.facts));
    if args.dry_run || args.yes {
        Ok(())
    } else {
        ask(&question(plan), &plan.hostname, &common.tools.interrupt)
    }
}

fn question(plan: &Plan) -> String {
    if plan.rehearsal {
        format!(
            "Rehearse on {}? It reboots twice and comes back as it is.",
            plan.hostname
        )
    } else {
        format!("Replace the operating system of {}?", plan.hostname)
    }
}

/// After Ctrl-C: the state that the node is in. Who was nearer to it knew better, and has said so
/// with a hint.
pub(crate) fn interrupted(trouble: Trouble, node: &str, state: &str) -> Trouble {
    let is_told = trouble.causes.iter().any(|cause| cause.hint.is_some());
    if trouble.exit != Exit::Interrupted || is_told {
        return trouble;
    }
    Trouble::new(
        Exit::Interrupted,
        "interrupted",
        format!("interrupted; {state}"),
    )
    .hint(format!("see `jumpimg status {node}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_that_is_told_first_after_ctrl_c_stays() {
        let bare = Trouble::new(Exit::Interrupted, "interrupted", "interrupted");
        let inner = interrupted(bare, "n", "it goes on unattended");
        let outer = interrupted(inner, "n", "it stays as it is");
        assert_eq!(
            outer.causes[0].message,
            "interrupted; it goes on unattended"
        );
    }
}
