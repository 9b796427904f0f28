//! `jumpimg check`: shows what a push would do to each node, or all that stands against it.

use std::path::PathBuf;

use clap::Args;
use jumpspec::render;
use serde_json::{Map, json};

use crate::error::Trouble;
use crate::node::args::{NodeArgs, node_name};
use crate::node::phases::survey::survey;
use crate::node::several::each;
use crate::node::tell::Voice;
use crate::node::tools::{Common, Purpose, Tools};

/// Shows what a push would do, or all that stands against it; changes nothing
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// The job file
    #[arg(long, value_name = "FILE")]
    pub(crate) job: PathBuf,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    /// The nodes, as ssh knows them
    #[arg(required = true, value_name = "NODE", value_parser = node_name)]
    pub(crate) node: Vec<String>,
}

/// Checks all nodes, one after another.
pub(crate) fn run(args: &CheckArgs) -> Result<(), Trouble> {
    let tools = Tools::read(&args.nodes)?;
    let common = Common::read(&tools, &args.job)?;
    each(&args.node, args.nodes.json, |node, voice| {
        check(&common, node, voice)
    })
}

fn check(common: &Common<'_>, node: &str, voice: &mut Voice) -> Result<(), Trouble> {
    let survey = survey(common, node, Purpose::Replace)?;
    survey.leave()?;
    let plan = survey.plan?;
    if common.tools.args.json {
        voice.emit(Map::from_iter([("plan".to_owned(), json!(plan))]));
    } else {
        voice.text(&render::plan(&plan, &survey.facts));
    }
    Ok(())
}
