//! `jumpimg status`: which systems nodes run and how far their runs have come.

use clap::Args;
use jumpspec::render;
use jumpspec::render::page::Page;
use jumpspec::run::status::Status;
use serde_json::{Map, Value, json};

use crate::error::{Exit, Trouble};
use crate::node::agent::Agent;
use crate::node::args::NodeArgs;
use crate::node::lookout::{Lookout, Sight};
use crate::node::nodes::NodeSetArgs;
use crate::node::run_dir::RunDir;
use crate::node::several::all;
use crate::node::tell::Voice;
use crate::node::tools::Tools;

/// Shows which systems nodes run and how far their runs have come
#[derive(Args, Clone, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    #[command(flatten)]
    pub(crate) which: NodeSetArgs,
}

/// Asks the nodes, many at once.
pub(crate) fn run(args: &StatusArgs) -> Result<(), Trouble> {
    let nodes = args.which.resolve()?;
    let tools = Tools::resolve(&args.nodes)?;
    let ask = |node: &str| status(&tools, node);
    all(tools.json, &tools.interrupt, &nodes, ask, |found, voice| {
        show(&tools, &found, nodes.len() > 1, voice);
        Ok(())
    })
}

/// What a node has told of itself.
struct Found {
    node: String,
    status: Status,
    /// The last run that this host knows of it.
    latest: Option<RunDir>,
}

fn status(tools: &Tools, node: &str) -> Result<Found, Trouble> {
    let latest = tools.state.latest(node);
    let (session, agent, sight) = Lookout::new(tools, node, latest.as_ref())?.meet()?;
    leave(&agent, &session)?;
    let (Sight::Old(status) | Sight::Jump(status) | Sight::New(status) | Sight::Stranger(status)) =
        sight
    else {
        let why = "the node did not tell its boot id";
        return Err(Trouble::new(Exit::Failed, "unreachable", why));
    };
    let node = node.to_owned();
    Ok(Found {
        node,
        status,
        latest,
    })
}

fn show(tools: &Tools, found: &Found, in_line: bool, voice: &mut Voice) {
    let Found {
        node,
        status,
        latest,
    } = found;
    if tools.json {
        return voice.object("status", object(status));
    }
    if in_line {
        return voice.text(&Page::of(render::status_line(node, status)));
    }
    voice.text(&render::status(status));
    let latest = latest.as_ref();
    let over = latest.filter(|latest| status.run.is_none() && latest.is_finished());
    if let Some(latest) = over {
        let folder = latest.path().display();
        voice.text(&Page::of(format_args!(
            "run {} is over: {folder}",
            latest.run()
        )));
    }
}

fn leave(agent: &Agent, session: &crate::node::ssh::Session) -> Result<(), Trouble> {
    agent
        .remove(session)
        .map_err(|error| error.trouble(session.host()))
}

fn object(value: &impl serde::Serialize) -> Map<String, Value> {
    match json!(value) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
