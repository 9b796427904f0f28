//! `jumpimg push`: replaces the operating system of nodes, one after another.
//!
//! Before the admin has agreed, nothing on the node changes but for a private directory
//! in memory, which goes again.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use jumpspec::plan::Plan;
use jumpspec::render;
use serde_json::{Map, json};

use crate::error::Trouble;
use crate::node::agent::Goal;
use crate::node::args::{NodeArgs, node_name};
use crate::node::phases::key::{self, KeyPair};
use crate::node::phases::run::{Run, interrupted};
use crate::node::phases::stage::{Staging, bundle};
use crate::node::phases::survey::{Survey, survey};
use crate::node::run_dir::RunDir;
use crate::node::several::each;
use crate::node::supplies::{Purpose, Supplies};
use crate::node::tell::Voice;
use crate::node::tools::Tools;
use crate::terminal::ask::ask;

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
    let tools = Tools::resolve(&args.nodes)?;
    let supplies = Supplies::read(&tools, &args.job)?;
    each(&tools, &args.node, |node, voice| {
        push(args, &supplies, node, voice)
    })
}

fn push(
    args: &PushArgs,
    supplies: &Supplies<'_>,
    node: &str,
    voice: &mut Voice,
) -> Result<(), Trouble> {
    let untouched = |trouble: Trouble| interrupted(trouble, node, "nothing was changed on it");
    let purpose = if args.rehearse {
        Purpose::Rehearse
    } else {
        Purpose::Replace
    };
    let survey = survey(supplies, node, purpose).map_err(untouched)?;
    let agreed = agree(args, supplies, &survey, voice);
    if args.dry_run || agreed.is_err() {
        let left = survey.leave();
        return agreed.and(left).map_err(untouched);
    }
    let kept = survey.plan.as_ref().map_err(Clone::clone);
    let kept = kept.and_then(|plan| keep(supplies.tools, node, plan, &survey));
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
    let bundle = bundle(supplies, &plan, &facts, key);
    let mut run = Run {
        tools: supplies.tools,
        node,
        plan,
        dir,
        voice,
        begun: Instant::now(),
        mark: Some(mark),
    };
    let mut staging = Staging {
        run: &mut run,
        supplies: Some(supplies),
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
    tools: &Tools,
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

/// Shows the plan, and asks if that was not agreed to on the command line.
fn agree(
    args: &PushArgs,
    supplies: &Supplies<'_>,
    survey: &Survey,
    voice: &mut Voice,
) -> Result<(), Trouble> {
    let plan = survey.plan.as_ref().map_err(Clone::clone)?;
    if supplies.tools.json {
        voice.object("plan", Map::from_iter([("plan".to_owned(), json!(plan))]));
    }
    voice.text(&render::plan(plan, &survey.facts));
    if args.dry_run || args.yes {
        Ok(())
    } else {
        ask(&question(plan), &plan.hostname, &supplies.tools.interrupt)
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
