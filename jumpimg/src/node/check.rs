//! `jumpimg check`: shows what a push would do to each node, or all that stands against it.

use std::path::PathBuf;

use clap::Args;
use jumpspec::render;
use serde_json::{Map, json};

use crate::error::Trouble;
use crate::node::args::{NodeArgs, RehearsalArgs, node_name};
use crate::node::phases::survey::Surveyed;
use crate::node::several::each;
use crate::node::supplies::Supplies;
use crate::node::tell::Voice;
use crate::node::tools::Tools;

/// Shows what a push would do, or all that stands against it; changes nothing
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// The job file
    #[arg(long, value_name = "FILE")]
    pub(crate) job: PathBuf,
    #[command(flatten)]
    pub(crate) rehearsal: RehearsalArgs,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    /// The nodes, as ssh knows them
    #[arg(required = true, value_name = "NODE", value_parser = node_name)]
    pub(crate) node: Vec<String>,
}

/// Checks all nodes, one after another.
pub(crate) fn run(args: &CheckArgs) -> Result<(), Trouble> {
    let tools = Tools::resolve(&args.nodes)?;
    let supplies = Supplies::read(&tools, &args.job)?;
    each(tools.json, &args.node, |node, voice| {
        check(args, &supplies, node, voice)
    })
}

fn check(
    args: &CheckArgs,
    supplies: &Supplies<'_>,
    node: &str,
    voice: &mut Voice,
) -> Result<(), Trouble> {
    let surveyed = Surveyed::of(supplies, node, args.rehearsal.rehearsal())?;
    surveyed.leave()?;
    let plan = surveyed.plan();
    if supplies.tools.json {
        voice.emit(Map::from_iter([("plan".to_owned(), json!(plan))]));
    } else {
        voice.text(&render::plan(plan, surveyed.facts()));
    }
    Ok(())
}
