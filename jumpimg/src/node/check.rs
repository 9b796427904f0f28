//! `jumpimg check`: shows what a push would do to each node, or all that stands against it.

use std::path::PathBuf;

use clap::Args;
use jumpspec::render;
use serde_json::{Map, json};

use crate::error::Trouble;
use crate::node::args::{NodeArgs, RehearsalArgs};
use crate::node::fleet::begin::{self, Wish};
use crate::node::nodes::NodeSetArgs;
use crate::node::phases::survey::Surveyed;
use crate::node::several::all;
use crate::node::supplies::Supplies;
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
    #[command(flatten)]
    pub(crate) which: NodeSetArgs,
}

/// Checks all nodes, many at once.
pub(crate) fn run(args: &CheckArgs) -> Result<(), Trouble> {
    let nodes = args.which.resolve()?;
    let tools = Tools::resolve(&args.nodes)?;
    let supplies = Supplies::read(&tools, &args.job)?;
    if nodes.len() > 1 && !tools.json {
        let wish = Wish {
            job: &args.job,
            yes: false,
            dry_run: true,
            stage_only: false,
            verbose: false,
            rehearsal: args.rehearsal.rehearsal(),
        };
        return begin::push(wish, &supplies, &nodes);
    }
    let check = |node: &str| {
        let surveyed = Surveyed::of(&supplies, node, args.rehearsal.rehearsal())?;
        surveyed.leave()?;
        Ok(surveyed.into_found())
    };
    all(
        tools.json,
        &tools.interrupt,
        &nodes,
        check,
        |found, voice| {
            let (plan, facts) = found;
            if tools.json {
                voice.emit(Map::from_iter([("plan".to_owned(), json!(plan))]));
            } else {
                voice.text(&render::plan(&plan, &facts));
            }
            Ok(())
        },
    )
}
