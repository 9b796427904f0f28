//! `jumpimg push`: replaces the operating system of one node, or of a fleet.
//!
//! Before the admin has agreed, nothing on the node changes but for a private directory
//! in memory, which goes again.

use std::path::PathBuf;

use clap::Args;
use jumpspec::plan::Plan;
use jumpspec::render;
use serde_json::{Map, json};

use crate::error::Trouble;
use crate::node::args::{NodeArgs, RehearsalArgs};
use crate::node::fleet::begin::{self, Wish};
use crate::node::fleets::FromFleetArgs;
use crate::node::nodes::NodeSetArgs;
use crate::node::phases::agree::Agreement;
use crate::node::phases::run::interrupted;
use crate::node::phases::survey::Surveyed;
use crate::node::several::each;
use crate::node::supplies::Supplies;
use crate::node::tell::Voice;
use crate::node::tools::Tools;

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
    /// Send the nodes all they need and leave them in their old systems, not armed, until `jumpimg go`
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) stage_only: bool,
    /// Hear each node, however many there are
    #[arg(short, long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) from: FromFleetArgs,
    #[command(flatten)]
    pub(crate) rehearsal: RehearsalArgs,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    #[command(flatten)]
    pub(crate) which: NodeSetArgs,
}

/// Pushes to one node, or conducts a fleet.
pub(crate) fn run(args: &PushArgs) -> Result<(), Trouble> {
    let tools = Tools::resolve(&args.nodes)?;
    let nodes = args.which.resolve_with(&args.from.words(&tools.state)?)?;
    let supplies = Supplies::read(&tools, &args.job)?;
    if nodes.len() > 1 || args.stage_only {
        let wish = Wish {
            job: &args.job,
            yes: args.yes,
            dry_run: args.dry_run,
            stage_only: args.stage_only,
            verbose: args.verbose,
            rehearsal: args.rehearsal.rehearsal(),
        };
        return begin::push(wish, &supplies, &nodes);
    }
    each(tools.json, &nodes, |node, voice| {
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
    let rehearsal = args.rehearsal.rehearsal();
    let surveyed = Surveyed::of(supplies, node, rehearsal).map_err(untouched)?;
    show(supplies.tools, &surveyed, voice);
    if args.dry_run {
        return surveyed.leave().map_err(untouched);
    }
    let agreement = agreement(args, supplies.tools, &[surveyed.plan()]).inspect_err(|_| {
        // The first trouble is the one to tell.
        surveyed.leave().ok();
    });
    let agreed = surveyed.agree(&agreement.map_err(untouched)?, voice)?;
    let jumped = agreed.stage(voice)?.jump()?;
    jumped.follow(voice)?.report(voice)
}

fn show(tools: &Tools, surveyed: &Surveyed<'_>, voice: &mut Voice) {
    let plan = surveyed.plan();
    if tools.json {
        voice.object("plan", Map::from_iter([("plan".to_owned(), json!(plan))]));
    }
    voice.text(&render::plan(plan, surveyed.facts()));
}

/// Asks, if it was not agreed to on the command line.
fn agreement(args: &PushArgs, tools: &Tools, plans: &[&Plan]) -> Result<Agreement, Trouble> {
    if args.yes {
        Ok(Agreement::given(plans))
    } else {
        Agreement::ask(plans, &tools.interrupt)
    }
}
