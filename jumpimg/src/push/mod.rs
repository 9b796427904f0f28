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
mod timeline;
mod upload;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use jumpspec::render;
use serde_json::{Map, json};

use crate::node_args::{NodeArgs, node_name, sum};
use crate::run_dir::StateDir;
use crate::survey::{Common, Survey, survey};
use crate::trouble::{Exit, Trouble};
use crate::voice::Voice;
use run::Run;
use timeline::Timeline;

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
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    /// The nodes, as ssh knows them
    #[arg(required = true, value_name = "NODE", value_parser = node_name)]
    pub(crate) node: Vec<String>,
}

/// The node after Ctrl-C while it is staged.
const STAGING: &str = "its old system runs and is untouched, but its landing partition may be swap no more; push again, or make it swap by hand";

/// Pushes to all nodes, one after another; a node that fails does not stop the next.
pub(crate) fn run(args: &PushArgs) -> Result<(), Trouble> {
    let state = args.nodes.state()?;
    let common = Common::read(&args.nodes, &args.job)?;
    let mut exits = Vec::new();
    for node in &args.node {
        let mut voice = Voice::new(node, args.nodes.json);
        let exit = push(args, &common, &state, node, &mut voice)
            .map_err(|trouble| voice.trouble(&trouble));
        exits.push(exit);
        if exit == Err(Exit::Interrupted) {
            break;
        }
    }
    sum(&exits)
}

fn push(
    args: &PushArgs,
    common: &Common<'_>,
    state: &StateDir,
    node: &str,
    voice: &mut Voice,
) -> Result<(), Trouble> {
    let untouched = |trouble: Trouble| interrupted(trouble, node, "nothing was changed on it");
    let survey = survey(common, node).map_err(untouched)?;
    let agreed = agree(args, common, &survey, voice);
    if args.dry_run || agreed.is_err() {
        let left = survey.leave();
        return agreed.and(left).map_err(untouched);
    }
    let Survey {
        session,
        agent,
        mark,
        plan,
        ..
    } = survey;
    let plan = plan?;
    let dir = state.begin(&plan.run)?;
    dir.write_plan(&plan)?;
    dir.write_mark(&mark)?;
    let key = key::make(&plan.run)?;
    dir.pin(&key.public)?;
    state.set_latest(node, &plan.run)?;
    voice.keep(dir.events()?);
    let mut run = Run {
        common,
        node,
        plan,
        dir,
        voice,
        begun: Instant::now(),
        landing_taken: false,
    };
    let mut times = Timeline::default();
    let session = match run.stage(session, &agent, key) {
        Ok(session) => session,
        Err(trouble) => return Err(interrupted(run.give_up(&agent, trouble), node, STAGING)),
    };
    times.armed(run.begun.elapsed());
    agent
        .reboot(&session)
        .map_err(|error| error.trouble(node))?;
    drop(session);
    let followed = run.follow(&mut times);
    let report = followed.map_err(|trouble| interrupted(trouble, node, "it goes on unattended"))?;
    run.dir.write_report(&report)?;
    run.tell_report(&report, &times);
    Ok(())
}

/// Shows the plan, and asks if that was not agreed to on the command line.
fn agree(
    args: &PushArgs,
    common: &Common<'_>,
    survey: &Survey,
    voice: &mut Voice,
) -> Result<(), Trouble> {
    let plan = survey.plan.as_ref().map_err(Clone::clone)?;
    if common.args.json {
        voice.object("plan", Map::from_iter([("plan".to_owned(), json!(plan))]));
    }
    voice.text(&render::plan(plan, &survey.facts));
    if args.dry_run || args.yes {
        Ok(())
    } else {
        ask::ask(&plan.hostname, &common.interrupt)
    }
}

/// After Ctrl-C: the state that the node is in.
fn interrupted(trouble: Trouble, node: &str, state: &str) -> Trouble {
    if trouble.exit != Exit::Interrupted {
        return trouble;
    }
    Trouble::new(
        Exit::Interrupted,
        "interrupted",
        format!("interrupted; {state}"),
    )
    .hint(format!("see `jumpimg status {node}`"))
}
